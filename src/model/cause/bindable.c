#include "model/cause/bindable.h"

/* Sets of option sets: bit 0 = none, 1 = SO_REUSEADDR, 2 = SO_REUSEPORT, 3 = both. */
enum { NONE = BIT(0), RA = BIT(1), RP = BIT(2), BOTH = BIT(3) };

/* What may share with what. */
enum relation {
	TO_LISTENER,	   /* TCP, in LISTEN, of the same user */
	TO_LISTENER_OTHER, /* ... of another */
	TO_HELD,	   /* any other state, and all of UDP; a TIME_WAIT has no user */
	TO_HELD_OTHER,
	RELATIONS,
};

/*
 * By relation and by the binder's options: the holder's options that let both be.
 * SO_REUSEADDR wants the other to have it too and not to listen, SO_REUSEPORT wants it
 * on both, of one user. Source: inet_bind_conflict(), udp_lib_lport_inuse().
 */
static const uint8_t shares[RELATIONS][4] = {
	[TO_LISTENER] = { 0, 0, RP | BOTH, RP | BOTH },
	[TO_LISTENER_OTHER] = { 0, 0, 0, 0 },
	[TO_HELD] = { 0, RA | BOTH, RP | BOTH, RA | RP | BOTH },
	[TO_HELD_OTHER] = { 0, RA | BOTH, 0, RA | BOTH },
};

/* A timewait socket, also the one behind an ownerless FIN_WAIT2. */
static bool is_remnant(const struct sock *s)
{
	return s->state == STATE_TIME_WAIT ||
	       (s->state == STATE_FIN_WAIT2 && !(s->has & SOCK_IS_FULL));
}

bool bind_holds(const struct sock *row)
{
	return row->state != STATE_SYN_RECV || (row->has & SOCK_IS_FULL);
}

static bool is_v4(const struct addr *a)
{
	return a->family == AF_INET || addr_is_v4_mapped(a);
}

/* Both IPv4, plain or mapped. */
static bool v4_overlap(const struct addr *x, const struct addr *y)
{
	struct addr a = addr_unmapped(x), b = addr_unmapped(y);

	return addr_is_any(&a) || addr_is_any(&b) || addr_same_ip(&a, &b);
}

/* An IPv6 holder that is not v6only has an IPv4 side: of :: every address. */
static enum known v4_against_v6(const struct bind_candidate *c,
				const struct bind_holder *h)
{
	/*
	 * bind() to one IPv6 address makes a socket v6only. A connection is not: its IPv4
	 * side is a loopback address that no one uses, and 0.0.0.0 meets it nevertheless.
	 */
	bool meets = addr_is_any(&h->row->local) ||
		     (c->addr.family == AF_INET && addr_is_any(&c->addr));

	if (!meets || h->v6only == KNOWN_ON)
		return KNOWN_OFF;
	return h->v6only == KNOWN_OFF ? KNOWN_ON : KNOWN_NOT;
}

enum known bind_overlap(const struct bind_candidate *c, const struct bind_holder *h)
{
	const struct addr *mine = &c->addr, *theirs = &h->row->local;

	if (is_v4(mine))
		return is_v4(theirs) ? known_bool(v4_overlap(mine, theirs))
				     : v4_against_v6(c, h);
	if (is_v4(theirs))
		return known_bool(addr_is_any(mine) && !c->v6only);
	return known_bool(addr_is_any(mine) || addr_is_any(theirs) ||
			  addr_same_ip(mine, theirs));
}

static enum relation relation(const struct bind_candidate *c, const struct sock *row)
{
	bool mine = is_remnant(row) || row->uid == c->uid;

	if (row->proto == PROTO_TCP && row->state == STATE_LISTEN)
		return mine ? TO_LISTENER : TO_LISTENER_OTHER;
	return mine ? TO_HELD : TO_HELD_OTHER;
}

/* All option sets that the holder may have. */
static unsigned possible(const struct bind_holder *h)
{
	unsigned by_addr = h->reuseaddr == KNOWN_ON    ? RA | BOTH
			   : h->reuseaddr == KNOWN_OFF ? NONE | RP
						       : NONE | RA | RP | BOTH;
	unsigned by_port = h->reuseport == KNOWN_ON    ? RP | BOTH
			   : h->reuseport == KNOWN_OFF ? NONE | RA
						       : NONE | RA | RP | BOTH;

	return by_addr & by_port;
}

enum bind_verdict bind_between(const struct bind_candidate *c,
			       const struct bind_holder *h)
{
	const struct sock *row = h->row;
	enum known overlap = bind_overlap(c, h);
	unsigned may = possible(h), sharing;

	if (overlap == KNOWN_OFF || !bind_holds(row))
		return BIND_OK;
	if (c->ifindex && row->ifindex && c->ifindex != row->ifindex)
		return BIND_OK;
	sharing = shares[relation(c, row)][c->reuseaddr + 2 * c->reuseport];
	if (!(may & ~sharing))
		return BIND_OK;
	/* sk_reuseport_match(): the port remembers SO_REUSEPORT and the user of who bound
	 * it first. */
	if (h->inherited && c->reuseport && row->uid != c->uid && (may & (RP | BOTH)))
		return BIND_CANNOT_TELL;
	return (may & sharing) || overlap == KNOWN_NOT ? BIND_CANNOT_TELL : BIND_CONFLICT;
}

enum bind_verdict bind_among(const struct bind_candidate *c,
			     const struct bind_holder *holders, size_t n)
{
	enum bind_verdict worst = BIND_OK;
	bool beside_group = false;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct bind_holder *h = &holders[i];

		worst = MAX(worst, bind_between(c, h));
		beside_group |= c->proto == PROTO_UDP && c->reuseport &&
				h->reuseport != KNOWN_OFF && h->row->uid == c->uid &&
				bind_overlap(c, h) != KNOWN_OFF;
	}
	/*
	 * UDP takes the first member of a SO_REUSEPORT group that it meets for leave to
	 * bind, and which socket it meets first is a matter of hashing.
	 */
	return worst == BIND_CONFLICT && beside_group ? BIND_CANNOT_TELL : worst;
}

bool bind_is_remembered(const struct bind_candidate *c, struct bind_holder *holders,
			size_t n)
{
	size_t i;

	if (c->proto != PROTO_TCP || !c->reuseport)
		return false;
	for (i = 0; i < n; i++)
		if (holders[i].reuseport == KNOWN_OFF && holders[i].row->uid == c->uid)
			holders[i].reuseport = KNOWN_ON;
	return bind_among(c, holders, n) != BIND_CONFLICT;
}
