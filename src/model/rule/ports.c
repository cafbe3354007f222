/* Ephemeral ports that run out: towards one destination, or, bound before, towards all.
 */
#include "model/finding/inquiry.h"
#include "model/rule/rules.h"
#include "model/rule/rules_private.h"

enum {
	EPHEMERAL_PERCENT = 80, /* of the ports */
	EPHEMERAL_CRITICAL = 95,
	BOUND_PERCENT =
		25, /* of the ports: that many were surely bound before connect() */
};

/* Whether a new connect() takes over ports that are in TIME_WAIT for a second. */
static bool reuses(const struct inquiry *q, const struct destination *w)
{
	const struct net_limits *n = &q->e->limits;

	return n->timestamps &&
	       (n->tw_reuse == 1 || (n->tw_reuse == 2 && (addr_is_loopback(&w->local) ||
							  addr_is_loopback(&w->peer))));
}

/* Those that connect() can draw. */
static uint64_t ephemeral_ports(const struct net_limits *n)
{
	return n->ephemeral_ports - n->ephemeral_listeners;
}

static bool is_much(uint64_t used, uint64_t ports)
{
	return ports && used * 100 >= ports * EPHEMERAL_PERCENT;
}

/* All that is used from one local address; NULL if there is no room. */
static struct port_crowd *source_of(struct port_crowd *v, size_t *n, size_t most,
				    const struct addr *local)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (!v[i].peer.family && addr_same_ip(&v[i].local, local))
			return &v[i];
	if (*n == most)
		return NULL;
	v[*n] = (struct port_crowd){ .local = *local, .tells_bound = true };
	return &v[(*n)++];
}

/*
 * connect() draws ports of one parity as long as there are any towards its destination,
 * bind() those of the other first. Where no destination has half of the range, the other
 * parity tells what was bound.
 */
static size_t crowded_sources(const struct detect *d, uint64_t ports,
			      struct port_crowd *v, size_t most)
{
	size_t n = 0, kept = 0, i;

	for (i = 0; i < d->n_destinations; i++) {
		const struct destination *w = &d->destinations[i];
		struct addr local = addr_unmapped(&w->local);
		struct port_crowd *c = source_of(v, &n, most, &local);

		if (!c)
			continue;
		c->used += w->used;
		c->tells_bound &= w->used * 2ull < ports;
	}
	for (i = 0; i < n; i++)
		if (v[i].tells_bound && is_much(v[i].used, ports))
			v[kept++] = v[i];
	return kept;
}

/* Of the sockets that want one: UDP_PORT_*. */
static uint64_t udp_ports_used(const struct detect *d, unsigned of)
{
	uint64_t n = 0;
	unsigned port;

	for (port = d->draw.lo; d->udp_ports && port <= d->draw.hi; port++)
		n += (d->udp_ports[port] & of) && !(d->reserved && d->reserved[port]);
	return n;
}

/* What IPv4 lacks, IPv6 lacks, too. */
static uint8_t udp_crowded(const struct detect *d, const struct net_limits *limits)
{
	return is_much(udp_ports_used(d, UDP_PORT_V4), limits->ephemeral_ports)
		       ? UDP_PORT_V4
	       : is_much(udp_ports_used(d, UDP_PORT_V6), limits->ephemeral_ports)
		       ? UDP_PORT_V6
		       : 0;
}

size_t rules_port_crowds(const struct detect *d, const struct net_limits *limits,
			 struct port_crowd *v, size_t most)
{
	uint64_t ports = ephemeral_ports(limits);
	size_t n = crowded_sources(d, ports, v, most), i;
	uint8_t udp;

	for (i = 0; i < n; i++)
		v[i].used = 0; /* distinct ports are counted */
	for (i = 0; i < d->n_destinations && n < most; i++) {
		const struct destination *w = &d->destinations[i];

		if (is_much(w->used, ports))
			v[n++] = (struct port_crowd){ .local = addr_unmapped(&w->local),
						      .peer = addr_unmapped(&w->peer) };
	}
	if (n < most && (udp = udp_crowded(d, limits)))
		v[n++] = (struct port_crowd){ .udp = udp };
	return n;
}

static const struct port_crowd *crowd_of(const struct inquiry *q,
					 const struct destination *w)
{
	struct addr local = addr_unmapped(&w->local), peer = addr_unmapped(&w->peer);
	size_t i;

	for (i = 0; i < q->e->n_crowds; i++) {
		const struct port_crowd *c = &q->e->crowds[i];

		if (c->peer.family && addr_same_end(&c->peer, &peer) &&
		    addr_same_ip(&c->local, &local))
			return c;
	}
	return NULL;
}

/* "Held by java[812] (20000), curl[9] (3); 5 without a process." */
static void put_users(struct inquiry *q, struct finding *f, const struct port_crowd *c)
{
	enum { SHOWN = 3 };
	const struct holder **link = &f->holders;
	size_t i;

	for (i = 0; i < c->n_users; i++) {
		const struct port_user *u = &c->users[i];
		struct holder h = { .pid = u->pid, .fd = -1 };

		h.command = arena_strdup(&q->fs->arena, u->command);
		holder_append(&q->fs->arena, &link, &h);
		if (i >= SHOWN)
			continue;
		buf_puts(&q->text, i ? ", " : "\nHeld by ");
		buf_put_escaped(&q->text, u->command, strlen(u->command));
		say(q, "[%d] (%u)", u->pid, u->n);
	}
	if (c->n_users > SHOWN)
		say(q, " and %zu more processes", c->n_users - SHOWN);
	if (c->unowned)
		say(q, "%s%u without a process that is known (TIME_WAIT has none)",
		    c->n_users ? "; " : "\n", c->unowned);
	if (c->n_users || c->unowned)
		buf_putc(&q->text, '.');
	finding_figure(f, "processes", c->n_users, true);
	finding_figure(f, "of_first_process", c->n_users ? c->users[0].n : 0, true);
}

static void put_range(struct inquiry *q)
{
	const struct net_limits *n = &q->e->limits;

	say(q,
	    "\nThe range is net.ipv4.ip_local_port_range %u-%u without %ju in "
	    "ip_local_reserved_ports",
	    q->d->draw.lo, q->d->draw.hi,
	    (uintmax_t)(q->d->draw.hi - q->d->draw.lo + 1ull - n->ephemeral_ports));
	if (n->ephemeral_listeners)
		say(q, " and %ju that listeners have", (uintmax_t)n->ephemeral_listeners);
	buf_putc(&q->text, '.');
}

/* What all kinds begin with. */
static struct finding *begin_finding(struct inquiry *q, const char *where, uint64_t used,
				     uint64_t ports)
{
	struct finding *f = finding_add(q->fs, &rule_ephemeral_exhaustion);

	if (used * 100 >= ports * EPHEMERAL_CRITICAL)
		f->severity = SEVERITY_CRITICAL;
	f->where = where;
	finding_figure(f, "used", used, true);
	finding_figure(f, "ports", ports, true);
	finding_figure(f, "left", ports > used ? ports - used : 0, true);
	return f;
}

static void ephemeral_finding(struct inquiry *q, const struct destination *w,
			      uint64_t used)
{
	const struct port_crowd *c = crowd_of(q, w);
	uint64_t ports = ephemeral_ports(&q->e->limits);
	uint64_t left = ports > used ? ports - used : 0;
	struct finding *f;

	addr_put_ip(&q->text, &w->local);
	say(q, " to ");
	addr_put(&q->text, &w->peer);
	f = begin_finding(q, finding_text(q), used, ports);
	say(q,
	    "%ju of %ju ephemeral ports are used towards this destination, at most %ju "
	    "are left before connect() fails with EADDRNOTAVAIL.",
	    (uintmax_t)used, (uintmax_t)ports, (uintmax_t)left);
	if (c)
		put_users(q, f, c);
	put_range(q);
	if (w->used > used)
		say(q,
		    "\n%ju more are in TIME_WAIT and may be used again "
		    "(net.ipv4.tcp_tw_reuse is %ju).",
		    (uintmax_t)(w->used - used), (uintmax_t)q->e->limits.tw_reuse);
	else if (w->reusable)
		say(q,
		    "\nAt least %u of them are in TIME_WAIT, for 60 s in all: who left "
		    "them the kernel does not tell.",
		    w->reusable);
	f->summary = finding_text(q);
	finding_figure(f, "time_wait", w->reusable, true);
}

/* A port that was bound serves one connection, whatever its destination. */
static void bound_finding(struct inquiry *q, const struct port_crowd *c)
{
	uint64_t ports = ephemeral_ports(&q->e->limits);
	uint64_t left = ports > c->used ? ports - c->used : 0;
	struct finding *f;

	addr_put_ip(&q->text, &c->local);
	say(q, " to every destination");
	f = begin_finding(q, finding_text(q), c->used, ports);
	say(q,
	    "%u of %ju ephemeral ports are used from this address, at least %u of them "
	    "bound by bind() before connect(): such a port serves one connection only. At "
	    "most %ju are left before bind() to port 0 fails with EADDRINUSE, and connect() "
	    "finds fewer and fewer towards any destination.",
	    c->used, (uintmax_t)ports, c->bound, (uintmax_t)left);
	put_users(q, f, c);
	put_range(q);
	f->summary = finding_text(q);
	f->advice =
		"set IP_BIND_ADDRESS_NO_PORT before bind() to a source address, so that "
		"connect() chooses the port; or reuse connections, or add source "
		"addresses";
	finding_figure(f, "bound", c->bound, true);
}

/* The listeners are those of TCP: their ports are free here. */
static void udp_finding(struct inquiry *q, const struct port_crowd *c)
{
	uint64_t ports = q->e->limits.ephemeral_ports;
	uint64_t left = ports > c->used ? ports - c->used : 0;
	struct finding *f;

	say(q, "UDP%s", c->udp == UDP_PORT_V4 ? "" : " over IPv6");
	f = begin_finding(q, finding_text(q), c->used, ports);
	say(q,
	    "%u of %ju ephemeral ports are held by UDP sockets: each serves one socket, "
	    "whatever its destination. %ju are left before connect() and send() fail with "
	    "EAGAIN, and bind() to port 0 with EADDRINUSE.",
	    c->used, (uintmax_t)ports, (uintmax_t)left);
	put_users(q, f, c);
	say(q,
	    "\nThe range is net.ipv4.ip_local_port_range %u-%u without %ju in "
	    "ip_local_reserved_ports.",
	    q->d->draw.lo, q->d->draw.hi,
	    (uintmax_t)(q->d->draw.hi - q->d->draw.lo + 1ull - ports));
	f->summary = finding_text(q);
	f->advice = "close UDP sockets that are idle, share one among several "
		    "destinations, or widen net.ipv4.ip_local_port_range";
}

static void judge_ephemeral(struct inquiry *q)
{
	uint64_t ports = ephemeral_ports(&q->e->limits);
	size_t i;

	for (i = 0; i < q->d->n_destinations; i++) {
		const struct destination *w = &q->d->destinations[i];
		uint64_t used = w->used;

		if (is_much(used, ports) && reuses(q, w))
			used -= w->reusable;
		if (is_much(used, ports))
			ephemeral_finding(q, w, used);
	}
	for (i = 0; i < q->e->n_crowds; i++) {
		const struct port_crowd *c = &q->e->crowds[i];

		if (c->udp && is_much(c->used, q->e->limits.ephemeral_ports))
			udp_finding(q, c);
		else if (!c->udp && !c->peer.family && is_much(c->used, ports) &&
			 c->bound * 100ull >= ports * BOUND_PERCENT)
			bound_finding(q, c);
	}
}

const struct rule rule_ephemeral_exhaustion = {
	.id = "ephemeral-exhaustion",
	.severity = SEVERITY_WARNING,
	.meaning =
		"Nearly all ephemeral ports towards one destination are in use; then connect() fails "
		"with EADDRNOTAVAIL. Ports that programs bind before connect() serve one connection "
		"only: these run out towards all destinations together. A UDP socket has a port of "
		"its own, whatever its destination.",
	.advice =
		"Reuse connections (keep-alive, a pool), widen net.ipv4.ip_local_port_range, or add "
		"addresses on either side.",
	.threshold =
		"# of ip_local_port_range minus ip_local_reserved_ports and the ports of listeners; "
		"critical from #; TIME_WAIT that tcp_tw_reuse gives back is not counted. Towards all "
		"destinations the same, where # were surely bound before connect(). UDP: the same of "
		"ip_local_port_range minus ip_local_reserved_ports",
	.numbers = { PERCENT(EPHEMERAL_PERCENT), PERCENT(EPHEMERAL_CRITICAL),
		     PERCENT(BOUND_PERCENT) },
	.judge = judge_ephemeral,
};
