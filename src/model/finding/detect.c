#include "model/finding/detect.h"

#include <stdlib.h>

enum {
	MOST_DESTINATIONS = 65536,
	TIME_WAIT_MS = 60000, /* TCP_TIMEWAIT_LEN */
	MOST_RECEIVERS = 256,
	REUSE_AGE_MS = 1000, /* net.ipv4.tcp_tw_reuse takes TIME_WAIT of this age */
};

/* Of each kind of rows, the rules that one may be a candidate of. */
static void list_rules(struct detect *d, const struct rule *const *rules, size_t n,
		       bool queued)
{
	size_t i, k;

	for (k = 0; k < ARRAY_SIZE(d->of_rows); k++) {
		struct row_rules *of = &d->of_rows[k];

		for (i = 0; i < n; i++)
			if (rules[i]->rows & BIT(k) && rules[i]->queued == queued &&
			    (d->notes || !rules[i]->for_notes))
				of->rules[of->n++] = (uint8_t)i;
		if (!queued)
			of->idle = of->n;
	}
}

void detect_begin(struct detect *d, const struct rule *const *rules, size_t n)
{
	size_t i;

	d->local_ports = xcalloc(PORT_COUNT, sizeof(*d->local_ports));
	d->listener_ports = xcalloc(PORT_COUNT, sizeof(*d->listener_ports));
	d->reserved = xcalloc(PORT_COUNT, sizeof(*d->reserved));
	d->draw.reserved = d->reserved;
	d->draw.listeners = d->listener_ports;
	for (i = 0; i < n; i++) {
		d->suspects[i].rule = rules[i];
		d->suspects[i].most = rules[i]->most ? rules[i]->most : MOST_SUSPECTS;
	}
	d->stranded.most = MOST_SUSPECTS;
	list_rules(d, rules, n, false);
	list_rules(d, rules, n, true);
}

void detect_free(struct detect *d)
{
	size_t i;

	for (i = 0; i < RULES_MOST; i++)
		free(d->suspects[i].v);
	free(d->listeners.v);
	free(d->stranded.v);
	own_free(&d->own);
	free(d->receivers.v);
	free(d->bound_files.v);
	free(d->local_ports);
	free(d->udp_ports);
	free(d->listener_ports);
	free(d->reserved);
	free(d->half_open);
	free(d->half_open_retrans);
	free(d->destinations);
	hash_index_free(&d->ways);
	arena_free(&d->arena);
	*d = (struct detect){ 0 };
}

static void keep(struct detect *d, struct suspects *list, const struct sock *s)
{
	list->v = array_grow(list->v, list->n, &list->cap, sizeof(*list->v));
	list->v[list->n++] = sock_dup(&d->arena, s);
}

/* A transparent socket is meant to have an address that is not local. Without an inode it
 * is no program's. */
static void keep_stranded(struct detect *d, const struct sock *s)
{
	if (UNLIKELY(!own_has(&d->own, s)) && s->inode && !sock_is_transparent(s) &&
	    d->stranded.count++ < d->stranded.most)
		keep(d, &d->stranded, s);
}

/* A host may have more listeners than that; few of them are in trouble. */
static void keep_listener(struct detect *d, const struct sock *s)
{
	if (d->listeners.count++ < MOST_SUSPECTS || s->recv_queue)
		keep(d, &d->listeners, s);
	if (d->listener_ports[s->local.port] < UINT8_MAX)
		d->listener_ports[s->local.port]++;
}

/* A socket without an inode is nobody's to read. */
/* A server of datagrams does not listen. */
static void keep_bound_file(struct detect *d, const struct sock *s)
{
	const char *name = s->path.data;

	if (d->bound_files_too && s->path.len && name[0] == '/' &&
	    (s->has & SOCK_HAS_VFS) &&
	    (s->state == STATE_LISTEN ||
	     (s->proto == PROTO_UNIX_DGRAM && s->state == STATE_CLOSE)) &&
	    d->bound_files.count++ < MOST_SUSPECTS)
		keep(d, &d->bound_files, s);
}

static void keep_unix(struct detect *d, const struct sock *s)
{
	if (sock_has_accept_queue(s))
		keep(d, &d->listeners, s);
	else if (s->proto == PROTO_UNIX_DGRAM && s->inode &&
		 d->receivers.count++ < MOST_RECEIVERS)
		keep(d, &d->receivers, s);
}

static bool same_way(const struct destination *x, const struct addr *local,
		     const struct addr *peer)
{
	return x->peer.port == peer->port && addr_same_ip(&x->peer, peer) &&
	       addr_same_ip(&x->local, local);
}

static uint32_t hash_way(struct hash_index *x, const struct addr *local,
			 const struct addr *peer)
{
	const struct hash_key *key = hash_index_key(x);
	uint64_t h = hash_step(key, key->k[0] ^ peer->port, local->ip);

	return hash_end(key, hash_step(key, h, peer->ip));
}

/* The destination, a new one if none is the same. */
static struct destination *way_of(struct detect *d, const struct addr *local,
				  const struct addr *peer)
{
	uint32_t hash = hash_way(&d->ways, local, peer), step = 0;
	struct destination *w;
	size_t at;

	while ((at = hash_index_next(&d->ways, hash, &step)) != SIZE_MAX)
		if (same_way(&d->destinations[at], local, peer))
			return &d->destinations[at];
	d->destinations = array_grow(d->destinations, d->n_destinations,
				     &d->cap_destinations, sizeof(*d->destinations));
	hash_index_add(&d->ways, hash, d->n_destinations);
	w = &d->destinations[d->n_destinations++];
	*w = (struct destination){ .local = *local, .peer = *peer };
	return w;
}

/* An outgoing connection as far as a row tells: its local port is one the kernel may have
 * drawn. */
static void count_way(struct detect *d, const struct sock *s)
{
	const struct addr *local = &s->local, *peer = &s->peer;
	struct addr plain[2];
	struct destination *w;

	/* What a listener of this range has accepted did not draw its port. */
	if (!port_is_drawn(&d->draw, s->local.port) ||
	    d->n_destinations >= MOST_DESTINATIONS)
		return;
	/* Both kinds of sockets draw from one range towards an IPv4 destination. */
	if (UNLIKELY(addr_is_v4_mapped(peer))) {
		plain[0] = addr_unmapped(local);
		plain[1] = addr_unmapped(peer);
		local = &plain[0];
		peer = &plain[1];
	}
	w = way_of(d, local, peer);
	w->used++;
	w->reusable += s->state == STATE_TIME_WAIT &&
		       s->expires_ms <= TIME_WAIT_MS - REUSE_AGE_MS;
}

static void count_half_open(struct detect *d, const struct sock *s)
{
	if (!d->half_open) {
		d->half_open = xcalloc(PORT_COUNT, sizeof(*d->half_open));
		d->half_open_retrans = xcalloc(PORT_COUNT, sizeof(*d->half_open_retrans));
	}
	d->half_open[s->local.port]++;
	d->half_open_retrans[s->local.port] += s->retrans;
}

static void count_connection(struct detect *d, const struct sock *s)
{
	struct port_seen *seen = &d->local_ports[s->local.port];

	seen->peers |= addr_is_loopback(&s->peer) ? SEEN_LOOPBACK : SEEN_REMOTE;
	seen->n++;
	count_way(d, s);
}

static void count_tcp(struct detect *d, const struct sock *s)
{
	switch ((enum sock_state)s->state) {
	case STATE_LISTEN:
		keep_listener(d, s);
		keep_stranded(d, s);
		return;
	case STATE_ESTABLISHED:
	case STATE_FIN_WAIT2:
	case STATE_CLOSE_WAIT:
		count_connection(d, s);
		keep_stranded(d, s);
		return;
	case STATE_SYN_SENT:
		keep_stranded(d, s);
		count_way(d, s);
		return;
	case STATE_SYN_RECV:
		count_half_open(d, s);
		return;
	case STATE_TIME_WAIT:
		d->time_wait++;
		count_way(d, s);
		return;
	case STATE_FIN_WAIT1:
	case STATE_CLOSING:
	case STATE_LAST_ACK:
		if (s->inode) {
			count_connection(d, s);
			keep_stranded(d, s);
			return;
		}
		d->local_ports[s->local.port].n++;
		count_way(d, s);
		return;
	case STATE_CLOSE:
	case STATE_NEW_SYN_RECV:
	case STATE_BOUND_INACTIVE:
	case STATE_COUNT:
		return;
	}
}

void detect_row(struct detect *d, const struct sock *s)
{
	const struct row_rules *of = &d->of_rows[STATE_COUNT];
	size_t n, i;

	if (LIKELY(s->proto == PROTO_TCP)) {
		of = &d->of_rows[s->state];
		count_tcp(d, s);
	} else if (s->proto == PROTO_UDP) {
		keep_stranded(d, s);
		if (!d->udp_ports)
			d->udp_ports = xcalloc(PORT_COUNT, sizeof(*d->udp_ports));
		d->udp_ports[s->local.port] |= (uint8_t)udp_port_taken(s);
	} else {
		if (s->recv_queue)
			keep_unix(d, s);
		keep_bound_file(d, s);
		return;
	}
	/* With TCP_INFO the row tells more than that its queues are empty. */
	n = s->recv_queue || s->send_queue || s->retrans || s->tcp_info.len ? of->n
									    : of->idle;
	for (i = 0; i < n; i++) {
		struct suspects *list = &d->suspects[of->rules[i]];

		if (list->rule->candidate(s) && list->count++ < list->most)
			keep(d, list, s);
	}
}
