/* Sockets on an address, or an interface, that the network namespace has no more. */
#include <stdlib.h>

#include "model/finding/inquiry.h"
#include "model/rule/rules_private.h"

/* Sockets of one place, all servers or all connections. */
struct strand {
	const struct stranded **v;
	size_t n;
	const struct sock *row; /* of the first */
	enum presence is;
	struct addr ip; /* without port, as IPv4 where it is */
	bool meant;	/* each of them was made for an address that comes and goes */
	const struct holder *holders;
};

static bool is_server(const struct sock *s)
{
	return s->state == STATE_LISTEN || (s->proto == PROTO_UDP && !s->peer.port);
}

static enum nonlocal_bind nonlocal_of(const struct inquiry *q, const struct addr *ip)
{
	return ip->family == AF_INET ? q->e->nonlocal_v4 : q->e->nonlocal_v6;
}

/* Whether it may be meant to wait for its address, as for a failover. */
static bool may_be_meant(const struct inquiry *q, const struct sock *s)
{
	struct addr ip = addr_unmapped(&s->local);

	return !(s->has & SOCK_HAS_OPTIONS) || sock_is_freebind(s) ||
	       nonlocal_of(q, &ip) != NONLOCAL_OFF;
}

bool finding_lost_address(const struct inquiry *q, const struct sock *s)
{
	size_t i;

	for (i = 0; i < q->e->n_stranded; i++) {
		const struct stranded *x = &q->e->stranded[i];

		if (x->row->cookie == s->cookie)
			return presence_is_lost(x->is) &&
			       (x->is != PRESENCE_GONE || !may_be_meant(q, s));
	}
	return false;
}

/* Of servers each address and port is a place, of connections each address. */
static int compare(const void *a, const void *b)
{
	const struct stranded *x = *(const struct stranded *const *)a;
	const struct stranded *y = *(const struct stranded *const *)b;
	struct addr p = addr_unmapped(&x->row->local), q = addr_unmapped(&y->row->local);

	if (x->is != y->is)
		return x->is < y->is ? -1 : 1;
	if (x->is == PRESENCE_NO_DEVICE && x->row->ifindex != y->row->ifindex)
		return x->row->ifindex < y->row->ifindex ? -1 : 1;
	if (!is_server(x->row))
		p.port = q.port = 0;
	else if (x->row->proto != y->row->proto)
		return x->row->proto < y->row->proto ? -1 : 1;
	return addr_compare(&p, &q);
}

/* Which has its addresses only while it is up. */
static bool waits_for_loopback(const struct inquiry *q, const struct strand *x)
{
	return x->is == PRESENCE_GONE && addr_is_loopback(&x->ip) && q->e->loopback_down;
}

static struct strand strand_of(struct inquiry *q, const struct stranded **v, size_t n)
{
	_cleanup_free_ const struct holder **lists = xcalloc(n, sizeof(*lists));
	struct strand x = {
		.v = v, .n = n, .row = v[0]->row, .is = v[0]->is, .meant = true
	};
	size_t i;

	x.ip = addr_unmapped(&x.row->local);
	x.ip.port = 0;
	for (i = 0; i < n; i++) {
		lists[i] = v[i]->holders;
		x.meant &= x.is == PRESENCE_BY_RULE ||
			   (x.is == PRESENCE_GONE && may_be_meant(q, v[i]->row));
	}
	x.meant &= !waits_for_loopback(q, &x);
	x.holders = finding_all_holders(q, lists, n);
	return x;
}

/* What became of the address or the interface, after what uses it. */
static void put_loss(struct inquiry *q, const struct strand *x)
{
	if (waits_for_loopback(q, x))
		buf_puts(
			&q->text,
			", and the loopback interface of this network namespace is down");
	else
		presence_put_loss(&q->text, x->is, x->row->ifindex);
}

/* Why it is a note. */
static void put_reserve(struct inquiry *q, const struct strand *x)
{
	const char *family = x->ip.family == AF_INET ? "ipv4" : "ipv6";
	enum nonlocal_bind allowed = nonlocal_of(q, &x->ip);

	if (!x->meant || x->is != PRESENCE_GONE)
		return;
	if (allowed == NONLOCAL_ON)
		say(q,
		    " net.%s.ip_nonlocal_bind is 1, so it may be meant for an address that "
		    "comes with a failover.",
		    family);
	else if (sock_is_freebind(x->row))
		say(q,
		    " %s is set, so it may be meant for an address that comes with a "
		    "failover.",
		    x->ip.family == AF_INET ? "IP_FREEBIND" : "IPV6_FREEBIND");
	else if (allowed == NONLOCAL_UNKNOWN)
		say(q,
		    " Whether that is meant is not known: net.%s.ip_nonlocal_bind could "
		    "not be read.",
		    family);
	else
		buf_puts(&q->text,
			 " Whether that is meant is not known: this kernel does "
			 "not tell whether IP_FREEBIND or IP_TRANSPARENT is "
			 "set.");
}

/* "nginx[12], java[33]" and how to start each anew, where that is known. */
static void put_restarts(struct inquiry *q, const struct strand *x, const char *words)
{
	enum { SHOWN = 4 };
	const struct holder *h;
	int32_t last = -1;
	unsigned n = 0;

	if (!x->holders)
		return;
	advise_in_words(&q->text, "%s: ", words);
	finding_put_processes(q, x->holders);
	for (h = x->holders; h && n < SHOWN; last = h->pid, h = h->next) {
		const struct process_facts *p = evidence_process(q->e, h->pid);
		_cleanup_buf_ struct buf line = { 0 };

		if (h->pid == last || !p ||
		    !keeper_advise_restart(&line, &p->keeper,
					   finding_advised(q, h->pid)) ||
		    (q->text.len &&
		     memmem(q->text.data, q->text.len, line.data, line.len)))
			continue;
		buf_putc(&q->text, '\n');
		buf_put(&q->text, line.data, line.len);
		n++;
	}
}

static void advise_strand(struct inquiry *q, const struct strand *x, struct finding *f)
{
	struct advised who = { .uid = q->e->asker };

	if (x->is == PRESENCE_NO_DEVICE) {
		put_restarts(q, x,
			     "Restart what is bound to it, once the interface is there");
	} else if (waits_for_loopback(q, x)) {
		advise(&q->text, ADVICE_LOOPBACK_UP, who);
	} else if (x->is == PRESENCE_BY_RULE) {
		advise(&q->text, x->ip.family == AF_INET ? ADVICE_RULES : ADVICE_RULES_V6,
		       who);
		advise_in_words(&q->text, "shows the rules.");
	} else {
		advise(&q->text, ADVICE_ADDRESSES, who);
		advise_in_words(&q->text, "%s", f->rule->advice);
		put_restarts(q, x, "To restart");
	}
	if (q->text.len)
		f->advice = finding_text(q);
}

static struct finding *begin(struct inquiry *q, const struct rule *rule,
			     const struct strand *x)
{
	struct finding *f = finding_add(q->fs, rule);
	uint64_t *cookies = arena_alloc(&q->fs->arena, x->n * sizeof(*cookies));
	size_t i;

	if (x->meant)
		f->severity = SEVERITY_NOTE;
	f->where = finding_text(q);
	f->holders = x->holders;
	for (i = 0; i < x->n; i++)
		cookies[i] = x->v[i]->row->cookie;
	f->cookies = cookies;
	f->n_cookies = x->n;
	return f;
}

static void judge_server(struct inquiry *q, const struct strand *x)
{
	bool datagrams = x->row->proto == PROTO_UDP;
	struct finding *f;

	buf_puts(&q->text, datagrams ? "udp " : "");
	addr_put(&q->text, &x->row->local);
	buf_puts(&q->text, ", ");
	finding_put_holders(q, x->holders);
	f = begin(q, &rule_deaf_listener, x);
	buf_puts(&q->text, datagrams ? "It receives on " : "It listens on ");
	finding_put_ip(q, &x->ip);
	put_loss(q, x);
	if (x->is == PRESENCE_BY_RULE)
		buf_puts(&q->text,
			 ": whether packets reach it cannot be told from here.");
	else
		buf_puts(&q->text, datagrams ? ": no datagram reaches it."
					     : ": no connection reaches it.");
	put_reserve(q, x);
	f->summary = finding_text(q);
	advise_strand(q, x, f);
	finding_figure(f, "sockets", x->n, true);
	finding_figure(f, "port", x->row->local.port, true);
	finding_figure(f, "ifindex", x->row->ifindex, x->row->ifindex != 0);
}

static void judge_connections(struct inquiry *q, const struct strand *x)
{
	struct finding *f;

	if (x->is == PRESENCE_BY_RULE)
		return;
	finding_put_ip(q, &x->ip);
	say(q, ", %zu connection%s, ", x->n, x->n == 1 ? "" : "s");
	finding_put_holders(q, x->holders);
	f = begin(q, &rule_lost_address, x);
	say(q, "%zu connection%s %s ", x->n, x->n == 1 ? "" : "s",
	    x->n == 1 ? "has" : "have");
	finding_put_ip(q, &x->ip);
	buf_puts(&q->text, " as the local address");
	put_loss(q, x);
	buf_puts(&q->text, ": nothing that the peers send arrives, and the programs wait "
			   "until a timeout ends it.");
	put_reserve(q, x);
	f->summary = finding_text(q);
	advise_strand(q, x, f);
	finding_figure(f, "connections", x->n, true);
	finding_figure(f, "ifindex", x->row->ifindex, x->row->ifindex != 0);
}

/* An unbound server on the address of a VRF takes what comes there, with this setting. */
static bool is_taken_by_vrf(const struct inquiry *q, const struct stranded *x)
{
	return x->is == PRESENCE_BY_RULE && !x->row->ifindex && q->e->takes_vrf;
}

static void judge_strands(struct inquiry *q, bool servers,
			  void (*judge)(struct inquiry *q, const struct strand *x))
{
	const struct stranded **v;
	size_t n = 0, i, from = 0;

	if (!q->e->n_stranded)
		return;
	v = arena_alloc(&q->fs->arena, q->e->n_stranded * sizeof(*v));
	for (i = 0; i < q->e->n_stranded; i++) {
		const struct stranded *x = &q->e->stranded[i];

		if (is_server(x->row) == servers && !is_taken_by_vrf(q, x))
			v[n++] = x;
	}
	qsort(v, n, sizeof(*v), compare);
	for (i = 1; i <= n; i++)
		if (i == n || compare(&v[i - 1], &v[i])) {
			struct strand x = strand_of(q, v + from, i - from);

			judge(q, &x);
			from = i;
		}
}

static void judge_deaf(struct inquiry *q)
{
	judge_strands(q, true, judge_server);
}

static void judge_lost(struct inquiry *q)
{
	judge_strands(q, false, judge_connections);
}

const struct rule rule_deaf_listener = {
	.id = "deaf-listener",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The socket is bound to an address that this network namespace does not have, or to "
		"an interface that is gone: it listens, and nothing can reach it.",
	.advice =
		"Add the address again, or let the server listen on one that is here; then restart it.",
	.threshold =
		"no routing table calls the address local, duplicate address detection found it on "
		"another host, or no interface has the index. With IP_FREEBIND or ip_nonlocal_bind, "
		"where these are not known, and where only rules with a mark or an interface lead to "
		"the address, it is a note; transparent sockets are not counted",
	.judge = judge_deaf,
};

const struct rule rule_lost_address = {
	.id = "lost-address",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The local address of connections is gone, as after a failover or with a new DHCP "
		"lease: nothing that their peers send arrives, and their programs wait in vain.",
	.advice =
		"Add the address again if it should be here; otherwise restart the programs, so that "
		"they connect from an address that is.",
	.threshold =
		"as of deaf-listener, of connections that a program holds; one for each address",
	.judge = judge_lost,
};
