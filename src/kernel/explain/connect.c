#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "kernel/explain/explain_private.h"
#include "kernel/explain/path_access.h"
#include "kernel/explain/policies.h"
#include "kernel/explain/source.h"
#include "kernel/explain/way_of.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/route.h"
#include "kernel/netlink/rtnl.h"
#include "kernel/netlink/uapi.h"
#include "kernel/proc/place.h"
#include "kernel/proc/procfile.h"
#include "kernel/proc/rights.h"
#include "kernel/proc/sockstat.h"
#include "model/cause/listener_match.h"

static void note_unread(struct connect_facts *f, int err)
{
	if (err < 0 && !f->dump_error)
		f->dump_error = -err;
}

/* Of all that has the port, what connections come to. */
static bool is_server(const struct sock *s)
{
	return s->state == STATE_LISTEN || s->state == STATE_BOUND_INACTIVE ||
	       (s->proto == PROTO_UDP && !s->peer.port);
}

static void find_servers(struct reader *r, struct arena *a, struct connect_facts *f)
{
	struct kept all = { .arena = a }, k = { .arena = a };
	bool more = f->proto == PROTO_TCP && !sockstat_all_tcp_is_here();
	char remedy[REMEDY_MAX];
	size_t i;
	int err = explain_read_servers(r, f->proto, f->to.port, &all);

	if (err == 0 && more)
		err = explain_read_bound(r, f->to.port, &all);
	note_unread(f, err);
	if (f->err == ECONNREFUSED)
		explain_deaf_among(&all, r, a, f);
	for (i = 0; i < all.n; i++)
		if (is_server(all.v[i]))
			kept_add(&k, all.v[i]);
	f->n_here = k.n;
	if (more)
		f->others = explain_elsewhere(&k, f->to.port);
	if (f->others.hidden)
		f->enter_remedy = arena_strdup(a, rights_to_enter(remedy));
	kept_own(&k, r);
	f->owners_error = r->owners.failed;
	f->here = explain_found(a, k.v, f->n_here);
	f->n_elsewhere = k.n - f->n_here;
	f->elsewhere = explain_found(a, k.v + f->n_here, f->n_elsewhere);
	kept_free(&all);
	kept_free(&k);
}

struct counting {
	struct port_uses uses;
	uint8_t proto;
};

static int count_use(const struct nlmsghdr *h, void *ctx)
{
	struct counting *c = ctx;
	struct sock s;

	if (inet_parse(h, c->proto, &s))
		port_uses_add(&c->uses, &s);
	return 0;
}

static void count_ports(struct reader *r, struct connect_facts *f)
{
	_cleanup_free_ bool *reserved = xcalloc(PORT_COUNT, sizeof(*reserved));
	_cleanup_free_ uint8_t *listeners = xcalloc(PORT_COUNT, sizeof(*listeners));
	struct port_draw draw = { .reserved = reserved, .listeners = listeners };
	struct counting c = { .uses = { .to = f->to, .from = f->from },
			      .proto = f->proto };
	struct inet_query q = { .protocol = f->proto == PROTO_UDP ? IPPROTO_UDP
								  : IPPROTO_TCP,
				.family = AF_INET,
				.states = STATES_DEFAULT & ~(1u << STATE_LISTEN),
				.dport = f->to.port };
	struct port_use most;
	uint64_t ports, taken;
	size_t i;

	procfile_port_range(&draw.lo, &draw.hi);
	free(procfile_reserved_ports(reserved));
	if (f->proto == PROTO_TCP)
		note_unread(f, reader_listeners(r, 0));
	for (i = 0; i < r->listeners.n; i++)
		listeners[r->listeners.v[i]->local.port] = 1;
	c.uses.draw = draw;
	note_unread(f, inet_dump(&r->dump, &q, count_use, &c));
	q.family = AF_INET6;
	note_unread(f, inet_dump(&r->dump, &q, count_use, &c));
	port_draw_count(&draw, &ports, &taken);
	most = port_uses_most(&c.uses);
	f->range_lo = draw.lo;
	f->range_hi = draw.hi;
	f->range_ports = ports - taken;
	f->used = most.used;
	f->used_time_wait = most.time_wait;
	port_uses_free(&c.uses);
}

/* The connection that stands between the same two ends. */
static void find_twin(struct reader *r, struct arena *a, struct connect_facts *f)
{
	struct sock key = { .local = f->from, .peer = f->to }, answer;
	struct kept k = { .arena = a };
	int err;

	if (!f->from.port || f->proto != PROTO_TCP)
		return;
	err = reader_exact(r, &key, 0, &answer);
	if (err != -ENOENT)
		note_unread(f, err);
	if (err < 0 || sock_is_listener(&answer))
		return;
	kept_add(&k, &answer);
	kept_own(&k, r);
	f->twin = k.v[0];
	kept_free(&k);
}

/* Of a loopback address nobody need be asked: lo is the first interface of each. */
bool explain_find_device(const struct addr *to, uint32_t *device)
{
	*device = 1;
	return addr_is_loopback(to) || place_of(to, to->scope, device) == PLACE_LOCAL;
}

/* What can be bound may be nobody's: net.ipv4.ip_nonlocal_bind, or no local table. */
static bool is_own(const struct connect_facts *f)
{
	return addr_is_any(&f->to) || (f->local && f->device);
}

static int take_type(const struct nlmsghdr *h, void *ctx)
{
	struct rtnl_route r;
	uint8_t *type = ctx;

	if (rtnl_route(h, &r))
		*type = r.type;
	return 0;
}

/* Whether it is not the route that forbids it, nor that it leads to everybody. */
static bool route_allows(const struct addr *to)
{
	uint8_t type = RTN_UNSPEC;
	struct nl nl;
	int err = nl_open_route(&nl);

	if (err < 0)
		return false;
	err = route_ask(&nl, to, to->scope, 0, take_type, &type);
	nl_close(&nl);
	return err == 0 && type != RTN_UNSPEC && type != RTN_BROADCAST &&
	       type != RTN_PROHIBIT;
}

/* What is left where neither the path nor the route denies it. A datagram may meet a rule
 * of the firewall, which says EPERM, too. */
static void find_policy(const struct connect_question *q, struct connect_facts *f)
{
	bool path = q->name && !q->abstract;

	if ((q->err != EACCES && q->err != EPERM) ||
	    (path && f->access.kind != ACCESS_ALLOWED) ||
	    (!q->name && (q->proto != PROTO_TCP || !route_allows(&f->to))))
		return;
	explain_policy(path	 ? POLICY_CONNECT_PATH
		       : q->name ? POLICY_ABSTRACT
				 : POLICY_PORT,
		       q->err, &f->policy);
	f->policy.other_receiver = q->proto == PROTO_UNIX_DGRAM && q->err == EPERM;
}

void explain_connect(const struct connect_question *q, struct arena *a,
		     struct connect_facts *f)
{
	_cleanup_reader_ struct reader r = { 0 };
	struct addr to = addr_unmapped(&q->to);
	uint32_t device = 0;
	int err;

	*f = (struct connect_facts){ .proto = q->proto,
				     .err = q->err,
				     .to = to,
				     .from = q->from,
				     .address = q->address,
				     .asker = geteuid() };
	if (q->icmp)
		f->icmp = *q->icmp;
	if (q->name) {
		explain_bind(&(struct bind_question){ .candidate.proto = q->proto,
						      .name = q->name,
						      .name_len = q->name_len,
						      .abstract = q->abstract,
						      .connects = true,
						      .address = q->address,
						      .asked = q->address },
			     a, &f->file);
		if (!q->abstract && (q->err == EACCES || q->err == EPERM))
			explain_access(&(struct access_question){ .path = q->name }, a,
				       &f->access);
		find_policy(q, f);
		return;
	}
	f->local = explain_find_device(&to, &f->device);
	/* What it comes through is what its listener is chosen by. */
	if (f->local && q->ifindex)
		f->device = q->ifindex;
	/* Of its neighbour discovery an error may tell, and not that it is in vain. */
	if (!f->local && (q->err == ENETUNREACH || q->err == EHOSTUNREACH ||
			  q->err == ENETDOWN || q->err == ETIMEDOUT)) {
		f->to_place = place_of(&to, to.scope, &device);
		f->to_device = explain_device(a, device);
	}
	if (f->icmp.family)
		return;
	/* Of a refusal by this host the sockets are read below. */
	if (q->err != ECONNRESET && q->err != EADDRNOTAVAIL &&
	    (q->err != ECONNREFUSED || !is_own(f)))
		explain_deaf(f, a);
	if (q->err == ECONNREFUSED && !is_own(f)) {
		f->local = false;
		explain_foreign(&f->to, q->proto, a, &f->foreign);
		f->owners_error = f->foreign.owners_error;
		return;
	}
	find_policy(q, f);
	f->meanwhile = q->meanwhile;
	f->sent = q->sent;
	if (q->err != ECONNREFUSED && q->err != ECONNRESET)
		f->loopback_down = is_own(f) && place_loopback_is_down() == 1;
	if (!q->from.family &&
	    (q->err == EADDRNOTAVAIL || q->err == EAFNOSUPPORT || q->err == ENETUNREACH))
		explain_source(&q->to, q->to.scope, 0, &f->source);
	if (q->err == EINVAL || q->err == EACCES || q->err == ENETUNREACH ||
	    q->err == EHOSTUNREACH)
		explain_way(&(struct way_question){ .to = q->to,
						    .from = q->from,
						    .err = q->err,
						    .stream = q->proto == PROTO_TCP },
			    &f->way);
	if (f->source.err == EADDRNOTAVAIL ||
	    (q->err != ECONNREFUSED && q->err != ECONNRESET && q->err != EADDRNOTAVAIL))
		return;
	err = reader_open(&r, NULL);
	if (err < 0) {
		note_unread(f, err);
		return;
	}
	if (q->err == EADDRNOTAVAIL) {
		f->from_place = f->from.family
					? place_of(&f->from, f->from.scope, &device)
					: PLACE_LOCAL;
		f->from_device = explain_device(a, device);
		find_twin(&r, a, f);
		count_ports(&r, f);
	} else if (f->local) {
		find_servers(&r, a, f);
	}
}

static struct listening listening_inet(const struct addr *to, uint32_t ifindex)
{
	_cleanup_reader_ struct reader r = { 0 };
	struct listening l = { 0 };
	struct fault ignored = FAULT_INIT;
	int best = 1, one, err = reader_open(&r, &ignored);
	uint32_t device;
	size_t i;

	if (err == 0)
		err = reader_listeners(&r, EXT_BIT(INET_DIAG_SKMEMINFO));
	if (err < 0)
		return (struct listening){ .err = -err };
	explain_find_device(to, &device);
	device = ifindex ? ifindex : device;
	for (i = 0; i < r.listeners.n; i++) {
		one = listener_score(r.listeners.v[i], to, device);
		if (one > best)
			l = (struct listening){ 0 }, best = one;
		if (one == best)
			listening_add(&l, r.listeners.v[i]);
	}
	return l;
}

bool explain_half_open(const struct addr *to, const struct addr *from)
{
	_cleanup_reader_ struct reader r = { 0 };
	struct fault ignored = FAULT_INIT;
	struct sock key = { .local = *to, .peer = *from, .cookie = UINT64_MAX }, s;

	return reader_open(&r, &ignored) == 0 && reader_exact(&r, &key, 0, &s) == 0 &&
	       s.state == STATE_SYN_RECV;
}

struct listening explain_listening(const struct connect_question *q)
{
	if (q->name)
		return explain_unix_listening(q);
	return q->proto == PROTO_TCP ? listening_inet(&q->to, q->ifindex)
				     : (struct listening){ 0 };
}
