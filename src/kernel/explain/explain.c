#include "kernel/explain/explain_private.h"
#include "kernel/explain/policies.h"
#include "kernel/explain/source.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "kernel/proc/fdsteal.h"
#include "kernel/proc/place.h"
#include "kernel/proc/process.h"
#include "kernel/proc/procfile.h"
#include "kernel/read/bound.h"
#include "model/cause/listener_match.h"

/* The listener in whose name a connection came: its options are the connection's, which
 * it took over at the handshake. */
static const struct bind_found *listener_of(const struct bind_facts *f,
					    const struct sock *s)
{
	const struct bind_found *best = NULL;
	int most = 0, one;
	size_t i;

	for (i = 0; i < f->n_listening; i++) {
		one = listener_took(f->found[i].holder.row, s);
		if (one > most)
			best = &f->found[i], most = one;
	}
	return best;
}

/* Whether the other end of a connection is a listener of this host. */
static bool calls_listener(struct reader *r, const struct sock *s)
{
	struct sock keys[] = { { .family = AF_INET6, .local = s->peer },
			       { .family = AF_INET, .local = addr_unmapped(&s->peer) } };
	const struct sock *there;
	uint32_t members;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (reader_listener_of(r, &keys[i], &there, &members) &&
		    listener_score(there, &s->peer, 0) > 0 &&
		    (!addr_is_any(&there->local) || sock_peer_is_here(s)))
			return true;
	return false;
}

static bool is_connection(const struct sock *s)
{
	return s->proto == PROTO_TCP && s->state != STATE_LISTEN &&
	       s->state != STATE_BOUND_INACTIVE && s->peer.port;
}

/*
 * Whether the port was drawn for this connection or was a server's. No table says so; the
 * other end does: a listener there, or a port that no kernel draws, means that it was
 * called by us.
 */
static enum bind_direction direction_of(struct reader *r,
					const struct bind_found *listener,
					const struct bind_facts *f, const struct sock *s)
{
	enum {
		BIND_NO_PORT = BIT(8)
	}; /* struct inet_diag_sockopt: bind_address_no_port */
	bool drawn = s->local.port >= f->range_lo && s->local.port <= f->range_hi;
	bool theirs_drawn = s->peer.port >= f->range_lo && s->peer.port <= f->range_hi;

	if (!is_connection(s))
		return s->proto == PROTO_UDP && s->peer.port && drawn ? DIRECTION_OUTGOING
								      : DIRECTION_NONE;
	if (listener)
		return DIRECTION_SERVED;
	if (s->state == STATE_SYN_SENT || (s->options & BIND_NO_PORT) ||
	    calls_listener(r, s))
		return DIRECTION_OUTGOING;
	return drawn && !theirs_drawn ? DIRECTION_OUTGOING : DIRECTION_SERVED;
}

static enum known known_option(uint64_t value)
{
	return value == UINT64_MAX ? KNOWN_NOT : known_bool(value != 0);
}

static void read_holder(struct bind_found *x, struct arena *a)
{
	const struct sock *s = x->holder.row;
	struct sock_options o;

	if (s->has & SOCK_HAS_V6ONLY)
		x->holder.v6only = known_bool(s->v6only);
	found_process(x, a);
	if (!s->holders || fdsteal_options_of(s, &o) < 0)
		return;
	x->holder.reuseaddr = known_option(o.reuseaddr);
	x->holder.reuseport = known_option(o.reuseport);
	if (s->family == AF_INET6 && o.v6only != UINT64_MAX)
		x->holder.v6only = known_option(o.v6only);
}

/* A port may have hundreds of thousands of connections: so many owners are asked for
 * their options; what a listener took beyond has the listener's. */
enum { MOST_ASKED = 1024 };

/* Listeners first: all else is measured by them. */
static size_t listeners_first(struct kept *k)
{
	size_t n = 0, i;

	for (i = 0; i < k->n; i++) {
		struct sock *s = k->v[i];

		if (s->state != STATE_LISTEN)
			continue;
		k->v[i] = k->v[n];
		k->v[n++] = s;
	}
	return n;
}

/* What a connection has of its listener. */
static void inherit(struct bind_found *x, const struct bind_found *listener, bool options)
{
	x->covered = true;
	if (!options)
		return;
	x->holder.reuseaddr = listener->holder.reuseaddr;
	x->holder.reuseport = listener->holder.reuseport;
	x->holder.v6only = listener->holder.v6only;
}

static void find_holders(struct reader *r, struct arena *a, struct kept *k,
			 struct bind_facts *f)
{
	size_t i;

	f->owners_error = r->owners.failed;
	if (r->owners.unseen == OWNER_CANDIDATES)
		f->candidates = arena_strdup(a, r->owners.unseen_why);
	f->found = arena_zalloc(a, (k->n + 1) * sizeof(*f->found));
	f->n_found = k->n;
	f->n_listening = listeners_first(k);
	for (i = 0; i < k->n; i++) {
		struct bind_found *x = &f->found[i];
		const struct sock *row = x->holder.row = k->v[i];
		const struct bind_found *listener = is_connection(row)
							    ? listener_of(f, row)
							    : NULL;

		if (!listener || i < MOST_ASKED)
			read_holder(x, a);
		if (listener)
			inherit(x, listener, sock_is_unaccepted(row) || i >= MOST_ASKED);
		x->direction = direction_of(r, listener, f, row);
		x->holder.inherited = x->direction == DIRECTION_SERVED;
	}
}

/* Ports that one process holds; those of its workers, who share them, are no more. */
static size_t ports_of(const struct kept *k, const uint8_t *held, int32_t pid)
{
	_cleanup_free_ bool *seen = xcalloc(PORT_COUNT, sizeof(*seen));
	const struct holder *h;
	size_t i, n = 0;

	for (i = 0; i < k->n; i++) {
		uint16_t port = k->v[i]->local.port;

		for (h = k->v[i]->holders; h && h->pid != pid;)
			h = h->next;
		n += h && held[port] && !seen[port];
		seen[port] |= h != NULL;
	}
	return n;
}

/* The process that has most of the range: of the first few that are met. */
static void find_range_holder(const struct kept *k, const struct port_draw *draw,
			      const uint8_t *held, struct bind_facts *f)
{
	enum { ASKED_MOST = 16 };
	int32_t asked[ASKED_MOST];
	struct holder *first;
	size_t i, j, n, n_asked = 0;

	for (i = 0; i < k->n && n_asked < ASKED_MOST; i++) {
		const struct holder *h = k->v[i]->holders;
		uint16_t port = k->v[i]->local.port;

		if (!h || !held[port] || port < draw->lo || port > draw->hi)
			continue;
		for (j = 0; j < n_asked && asked[j] != h->pid;)
			j++;
		if (j < n_asked)
			continue;
		asked[n_asked++] = h->pid;
		n = ports_of(k, held, h->pid);
		if (n <= f->range_held)
			continue;
		first = arena_dup(k->arena, h, sizeof(*h));
		first->next = NULL;
		f->range_holder = first;
		f->range_held = n;
	}
}

/* Port 0: how many ports of the range nobody holds at an address that overlaps, and who
 * holds most of them where none is left. */
static void count_range(struct reader *r, struct kept *k, struct bind_facts *f)
{
	_cleanup_free_ bool *reserved = xcalloc(PORT_COUNT, sizeof(*reserved));
	_cleanup_free_ uint8_t *held = xcalloc(PORT_COUNT, sizeof(*held));
	struct port_draw draw = { f->range_lo, f->range_hi, reserved, held };
	uint64_t ports, taken;
	size_t i;

	free(procfile_reserved_ports(reserved));
	for (i = 0; i < k->n; i++) {
		struct bind_holder h = { .row = k->v[i] };
		uint16_t port = k->v[i]->local.port;

		if (bind_overlap(&f->candidate, &h) != KNOWN_OFF)
			held[port] = !reserved[port];
	}
	port_draw_count(&draw, &ports, &taken);
	f->range_ports = ports;
	f->range_free = ports - taken;
	if (f->range_free)
		return;
	kept_own(k, r);
	f->owners_error = r->owners.failed;
	find_range_holder(k, &draw, held, f);
}

static bool has_bound(const struct kept *k)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (k->v[i]->state == STATE_BOUND_INACTIVE)
			return true;
	return false;
}

/* The processes of both kinds of rows are found in one pass over /proc. */
static void explain_port(struct reader *r, struct arena *a, struct kept *k,
			 struct bind_facts *f)
{
	size_t here = k->n, all;

	if (f->candidate.proto == PROTO_TCP) {
		int refused = 0, lists = has_bound(k) ? 1 : bound_are_listed(r, &refused);

		f->sees_bound = lists > 0;
		f->bound_error = -MIN(lists, 0);
		f->bound_refused = refused;
		if (refused == EACCES || refused == EPERM)
			explain_policy(POLICY_PORT, refused, &f->policy);
		f->other_netns = explain_elsewhere(k, f->candidate.addr.port);
	}
	kept_own(k, r);
	all = k->n;
	f->n_elsewhere = all - here;
	f->elsewhere = explain_found(a, k->v + here, f->n_elsewhere);
	k->n = here;
	find_holders(r, a, k, f);
	k->n = all;
}

const char *explain_device(struct arena *a, uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	return ifindex && if_indextoname(ifindex, name) ? arena_strdup(a, name) : NULL;
}

static void explain_inet(struct arena *a, struct bind_facts *f)
{
	_cleanup_reader_ struct reader r = { 0 };
	const struct bind_candidate *c = &f->candidate;
	struct kept k = { .arena = a };
	struct fault ignored = FAULT_INIT;
	int err = reader_open(&r, &ignored);
	uint32_t device;

	explain_settings(f);
	explain_reservation(a, f);
	f->place = place_of(&c->addr, c->ifindex, &device);
	f->device = explain_device(a, device);
	if (f->place == PLACE_FOREIGN)
		explain_source(&c->addr, c->ifindex, 0, &f->ipv6);
	if (f->place == PLACE_FOREIGN && !ipv6_is_off(&f->ipv6) &&
	    !addr_is_loopback(&c->addr))
		f->others = explain_foreign_place(&c->addr, a);
	f->loopback_down = addr_is_loopback(&c->addr) && place_loopback_is_down() == 1;
	if (err == 0)
		err = explain_read_port(&r, c->proto, c->addr.port, &k);
	f->dump_error = -err;
	if (!c->addr.port)
		count_range(&r, &k, f);
	else if (r.dump.sock)
		explain_port(&r, a, &k, f);
	kept_free(&k);
}

void explain_bind(const struct bind_question *q, struct arena *a,
		  struct bind_facts *facts)
{
	*facts = (struct bind_facts){ .candidate = q->candidate,
				      .freebind = q->freebind,
				      .user = q->user,
				      .address = q->address,
				      .asked = q->asked,
				      .asker = geteuid() };
	facts->netns_is_above = process_netns_is_above();
	facts->privileged = q->user ? q->candidate.uid == 0 && !facts->netns_is_above
				    : process_may_bind_low();
	if (q->name)
		explain_unix(q, a, facts);
	else
		explain_inet(a, facts);
}
