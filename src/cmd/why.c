#include "cmd/why.h"

#include <errno.h>
#include <net/if.h>
#include <sys/un.h>

#include "kernel/evidence/actors.h"
#include "kernel/explain/explain.h"
#include "kernel/explain/nearby_ask.h"
#include "kernel/explain/policies.h"
#include "kernel/proc/procfile.h"
#include "model/advice.h"
#include "model/cause/connect_cause.h"
#include "model/netns_named.h"

static uint8_t proto_of(const struct endpoint *ep)
{
	if (ep->family == AF_UNIX)
		return ep->type == SOCK_DGRAM	    ? PROTO_UNIX_DGRAM
		       : ep->type == SOCK_SEQPACKET ? PROTO_UNIX_SEQPACKET
						    : PROTO_UNIX_STREAM;
	return ep->type == SOCK_DGRAM ? PROTO_UDP : PROTO_TCP;
}

/* Only what the tables know: TCP, UDP and unix sockets that have a name. */
static bool is_known(const struct endpoint *ep)
{
	struct addr a;

	if (ep->type == SOCK_RAW || ep->len == 0)
		return false;
	return endpoint_addr(ep, &a) ||
	       (ep->family == AF_UNIX &&
		ep->len > offsetof(struct sockaddr_un, sun_path));
}

static struct connect_question question(const struct endpoint *ep)
{
	const struct sockaddr_un *sun = (const struct sockaddr_un *)&ep->ss;
	struct connect_question q = { .proto = proto_of(ep), .ifindex = ep->ifindex };

	endpoint_addr(ep, &q.to);
	if (ep->family != AF_UNIX)
		return q;
	q.abstract = !sun->sun_path[0];
	q.name = sun->sun_path + q.abstract;
	q.name_len = ep->len - offsetof(struct sockaddr_un, sun_path) - q.abstract;
	if (!q.abstract)
		q.name_len = strnlen(q.name, q.name_len);
	return q;
}

void why_name_rules(const struct endpoint *ep, struct causes *causes)
{
	struct addr to = { 0 };
	struct legacy_rules l;

	if (!causes_name_rules(causes))
		return;
	procfile_legacy_rules(&l);
	endpoint_addr(ep, &to);
	causes_name_legacy(causes, &l, addr_unmapped(&to).family, geteuid());
}

void why_put_rules(struct buf *b, uint8_t family, const char *netns)
{
	_cleanup_buf_ struct buf nft = { 0 }, all = { 0 }, there = { 0 };
	struct legacy_rules l;
	const char *at, *command;
	size_t len, n = 0;

	advise(&nft, ADVICE_NFT, (struct advised){ .uid = geteuid() });
	procfile_legacy_rules(&l);
	legacy_put(&all, buf_cstr(&nft), &l, family, geteuid());
	netns_put_advice(&there, buf_cstr(&all), netns, geteuid());
	at = buf_cstr(&there);
	for (; (command = advice_next_command(&at, &len)); n++) {
		buf_puts(b, n ? ", '" : "'");
		buf_put(b, command, len);
		buf_putc(b, '\'');
	}
	if ((family == AF_INET ? l.v4 : l.v6) == LEGACY_UNKNOWN)
		buf_puts(b, " (if it has rules)");
}

static bool flag(const struct sockopt_list *options, const char *name, bool otherwise)
{
	size_t i;

	for (i = 0; options && i < options->n; i++)
		if (streq(options->v[i].opt->name, name))
			otherwise = options->v[i].n != 0;
	return otherwise;
}

/* The interface of the socket: of its address, of --option interface, of a scope. */
static uint32_t device(const struct endpoint *ep, const struct sockopt_list *options,
		       const struct addr *a)
{
	size_t i;

	for (i = 0; options && i < options->n; i++)
		if (streq(options->v[i].opt->name, "interface") && options->v[i].text)
			return if_nametoindex(options->v[i].text);
	return ep->ifindex ? ep->ifindex : a->scope;
}

void why_put_address(struct buf *b, const struct endpoint *ep)
{
	if (!endpoint_put_path(b, ep))
		endpoint_put(b, ep);
}

/*
 * The bind() that failed is the trial: what it shows need not be asked for again.
 * replaces: it takes the place of a file that nobody holds, and has refused this one. A
 * word of other tables about the file would speak against what it said.
 */
static void bind_causes(const struct endpoint *ep, const struct sockopt_list *options,
			int err, bool replaces, struct causes *causes)
{
	_cleanup_buf_ struct buf shown = { 0 }, asked = { 0 };
	struct connect_question of = question(ep);
	struct bind_question q = {
		.candidate = { .proto = of.proto,
			       .addr = of.to,
			       .ifindex = device(ep, options, &of.to),
			       .uid = geteuid(),
			       .reuseaddr = flag(options, "reuseaddr", false),
			       .reuseport = flag(options, "reuseport", false),
			       .v6only = flag(options, "v6only", false) },
		.freebind = flag(options, "freebind", false),
		.name = of.name,
		.name_len = of.name_len,
		.abstract = of.abstract,
	};
	struct bind_facts facts;

	why_put_address(&shown, ep);
	endpoint_put(&asked, ep);
	q.address = arena_strdup(causes->arena, buf_cstr(&shown));
	q.asked = arena_strdup(causes->arena, buf_cstr(&asked));
	explain_bind(&q, causes->arena, &facts);
	if (replaces && q.name && !q.abstract && !facts.is_mount &&
	    (facts.file == FILE_STALE || facts.file == FILE_UNSURE))
		return;
	facts.tried = true;
	facts.trial_error = err;
	if (err == EACCES || err == EPERM)
		explain_policy(q.name && !q.abstract ? POLICY_BIND_PATH : POLICY_PORT,
			       err, &facts.policy);
	cause_of_bind(&facts, causes);
}

static bool bind_has_cause(int err)
{
	return err == EADDRINUSE || err == EADDRNOTAVAIL || err == EACCES ||
	       err == EPERM || err == EINVAL || err == EBUSY;
}

void why_bind(const struct endpoint *ep, const struct sockopt_list *options, int err,
	      struct causes *causes)
{
	if (is_known(ep) && bind_has_cause(err))
		bind_causes(ep, options, err, true, causes);
}

struct listening why_listening(const struct endpoint *ep)
{
	struct connect_question q = question(ep);

	return is_known(ep) && endpoint_is_local(ep) ? explain_listening(&q)
						     : (struct listening){ 0 };
}

bool why_half_open(const struct endpoint *ep, const struct endpoint *from)
{
	struct addr to, by;

	return endpoint_addr(ep, &to) && endpoint_addr(from, &by) && by.port &&
	       explain_half_open(&to, &by);
}

/* Of a master and its workers these are to accept, and the first is named. */
static void keep_actors(struct bind_found *x, struct reader *r, struct arena *a)
{
	struct sock *row = arena_dup(a, x->holder.row, sizeof(*row));

	row->holders = evidence_actors(r, row, a);
	x->holder.row = row;
}

static void name_actors(struct waiting *f, struct arena *a)
{
	_cleanup_reader_ struct reader r = { 0 };
	bool opened = false;
	size_t i;

	for (i = 0; i < f->n_found; i++) {
		const struct holder *all = f->found[i].holder.row->holders;

		if (!all || !all->next)
			continue;
		if (!opened && reader_open(&r, NULL) < 0)
			return;
		opened = true;
		keep_actors(&f->found[i], &r, a);
	}
}

bool why_halted(const struct endpoint *ep, struct arena *a, struct waiting *f)
{
	_cleanup_buf_ struct buf shown = { 0 }, who = { 0 }, next = { 0 };
	struct connect_question q = question(ep);
	struct accept_waits *w = waits_new();

	why_put_address(&shown, ep);
	q.address = arena_strdup(a, buf_cstr(&shown));
	/* As for a connection that is in the queue. */
	waits_look(w, &q, 1, a, f);
	waits_free(w);
	name_actors(f, a);
	return waiting_put_halted(f, &who, &next);
}

static void silence_causes(const struct endpoint *ep, bool rejected,
			   struct causes *causes)
{
	_cleanup_buf_ struct buf shown = { 0 };
	struct listening l = why_listening(ep);
	struct addr a = { 0 };
	struct waiting w;
	bool halted;

	endpoint_addr(ep, &a);
	endpoint_put(&shown, ep);
	halted = l.n_full && why_halted(ep, causes->arena, &w);
	cause_of_silence(&(struct silence){ .listening = &l,
					    .address = buf_cstr(&shown),
					    .port = a.port,
					    .waiting = halted ? &w : NULL,
					    .own = ep->type == SOCK_STREAM && a.family &&
						   !addr_is_loopback(&a) &&
						   endpoint_is_local(ep),
					    .rejected = rejected },
			 causes);
	why_name_rules(ep, causes);
}

static bool connect_has_cause(const struct endpoint *ep, int err)
{
	if (ep->family == AF_UNIX)
		return err == ECONNREFUSED || err == ENOENT || err == EPROTOTYPE ||
		       err == EACCES || err == EPERM;
	return err == ECONNREFUSED || err == EACCES || err == EPERM ||
	       err == EADDRNOTAVAIL || err == ENETUNREACH || err == EHOSTUNREACH ||
	       err == ENETDOWN || err == EINVAL || err == EAFNOSUPPORT ||
	       err == ETIMEDOUT;
}

static void answer_question(struct connect_question *q, const struct endpoint *ep,
			    struct causes *causes)
{
	_cleanup_buf_ struct buf shown = { 0 };
	struct connect_facts facts;

	why_put_address(&shown, ep);
	q->address = arena_strdup(causes->arena, buf_cstr(&shown));
	explain_connect(q, causes->arena, &facts);
	cause_of_connect(&facts, causes);
	why_name_rules(ep, causes);
}

static void table_causes(const struct endpoint *ep, const struct endpoint *from, int err,
			 const struct icmp_error *icmp, struct causes *causes)
{
	struct connect_question q = question(ep);

	q.icmp = icmp;
	q.err = err;
	if (from)
		endpoint_addr(from, &q.from);
	answer_question(&q, ep, causes);
}

void why_reset(const struct endpoint *ep, const struct meanwhile *m, bool sent,
	       struct causes *causes)
{
	struct connect_question q = question(ep);

	if (!is_known(ep) || ep->family == AF_UNIX || ep->type != SOCK_STREAM)
		return;
	q.err = ECONNRESET;
	q.meanwhile = *m;
	q.sent = sent;
	answer_question(&q, ep, causes);
}

/* A port of UDP serves one socket, whatever its destination: connect() draws it as bind()
 * to port 0 does. */
static void udp_port_causes(const struct endpoint *ep, const struct endpoint *from,
			    struct causes *causes)
{
	struct addr a = { .family = ep->family };
	struct endpoint drawn;

	if (from)
		endpoint_addr(from, &a);
	a.port = 0;
	endpoint_from_addr(&drawn, TARGET_UDP, &a);
	bind_causes(&drawn, NULL, EADDRINUSE, false, causes);
}

void why_connect(const struct endpoint *ep, const struct endpoint *from, int err,
		 const struct icmp_error *icmp, struct causes *causes)
{
	/* The source address was asked for and is taken. */
	if (from && err == EADDRINUSE && is_known(from))
		bind_causes(from, NULL, err, false, causes);
	if (!is_known(ep))
		return;
	if (err == EAGAIN && ep->family != AF_UNIX) {
		if (ep->type == SOCK_DGRAM) {
			udp_port_causes(ep, from, causes);
			return;
		}
		err = EADDRNOTAVAIL;
	}
	if (connect_has_cause(ep, err) || (icmp && icmp->family))
		table_causes(ep, from, err, icmp, causes);
	if (!causes->n && (err == ETIMEDOUT || err == EAGAIN))
		silence_causes(ep, false, causes);
}

/* False where nobody nearer can answer. */
static bool ask_nearby(const struct endpoint *ep, const struct endpoint *from,
		       struct nearby_facts *facts)
{
	struct connect_question q = question(ep);

	if (ep->type != SOCK_STREAM || !q.to.family || endpoint_is_local(ep))
		return false;
	if (from)
		endpoint_addr(from, &q.from);
	explain_nearby(&q.to, &q.from, facts);
	return true;
}

void why_nearby(const struct endpoint *ep, const struct endpoint *from,
		struct causes *causes)
{
	struct nearby_facts facts;

	if (ask_nearby(ep, from, &facts))
		cause_of_nearby(&facts, causes);
	why_name_rules(ep, causes);
}

void why_taken(const struct endpoint *ep, const struct endpoint *from, struct buf *b)
{
	struct nearby_facts facts;

	if (ask_nearby(ep, from, &facts))
		nearby_put_taker(b, &facts);
}

bool why_loopback_down(const struct endpoint *ep, struct causes *causes)
{
	/* Of this errno nothing else is told. */
	if (is_known(ep) && ep->family != AF_UNIX)
		table_causes(ep, NULL, ENETDOWN, NULL, causes);
	return causes->n &&
	       streq(causes->v[0].id, connect_causes[CONNECT_LOOPBACK_DOWN].id);
}

void why_waits(struct accept_waits *w, const struct endpoint *ep, uint64_t held_us,
	       struct waiting *f, struct causes *causes)
{
	_cleanup_buf_ struct buf shown = { 0 };
	struct connect_question q = question(ep);

	*f = (struct waiting){ 0 };
	if (!is_known(ep))
		return;
	why_put_address(&shown, ep);
	q.address = arena_strdup(causes->arena, buf_cstr(&shown));
	waits_look(w, &q, held_us, causes->arena, f);
	name_actors(f, causes->arena);
	cause_of_waiting(f, causes);
}

int why_ports_used(const struct endpoint *ep, const struct endpoint *from, uint32_t *used)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct connect_question q = question(ep);
	struct connect_facts facts;

	q.err = EADDRNOTAVAIL;
	if (from)
		endpoint_addr(from, &q.from);
	explain_connect(&q, &arena, &facts);
	*used = (uint32_t)facts.used;
	return -facts.dump_error;
}
