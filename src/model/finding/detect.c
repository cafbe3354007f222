#include "model/finding/detect.h"

#include <stdlib.h>

enum { MOST_DESTINATIONS = 65536 };

void detect_begin(struct detect *d)
{
	d->local_ports = xcalloc(PORTS, sizeof(*d->local_ports));
	d->listener_ports = xcalloc(PORTS, sizeof(*d->listener_ports));
}

void detect_free(struct detect *d)
{
	struct suspects *all[] = { &d->listeners, &d->close_wait, &d->senders,
				   &d->readers,	  &d->syn_sent,	  &d->orphans,
				   &d->udp };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		free(all[i]->v);
	free(d->local_ports);
	free(d->listener_ports);
	free(d->half_open);
	free(d->half_open_retrans);
	free(d->destinations);
	arena_free(&d->arena);
	*d = (struct detect){ 0 };
}

static void suspect(struct detect *d, struct suspects *list, const struct sock *s)
{
	bool leak = list == &d->close_wait;

	/* A host may have more listeners than that; few of them are in trouble. */
	if (list->count++ >= (leak ? (uint64_t)MOST_CLOSE_WAIT : MOST_SUSPECTS) &&
	    !(list == &d->listeners && s->recv_queue))
		return;
	list->v = array_grow(list->v, list->n, &list->cap, sizeof(*list->v));
	list->v[list->n++] = sock_dup(&d->arena, s);
}

bool detect_is_filling(const struct sock *listener)
{
	return sock_has_accept_queue(listener) && listener->recv_queue > 1 &&
	       accept_queue_percent(listener->recv_queue, listener->send_queue) >=
		       FILLING_PERCENT;
}

static bool same_way(const struct destination *x, const struct addr *local,
		     const struct addr *peer)
{
	return x->peer.port == peer->port && addr_same_ip(&x->peer, peer) &&
	       addr_same_ip(&x->local, local);
}

static uint64_t hash_way(const struct addr *local, const struct addr *peer)
{
	uint64_t a[2], b[2];

	memcpy(a, local->ip, sizeof(a));
	memcpy(b, peer->ip, sizeof(b));
	return ((a[0] ^ (a[1] >> 7)) * 0x9e3779b97f4a7c15ull) ^
	       ((b[0] ^ (b[1] << 9) ^ peer->port) * 0xc2b2ae3d27d4eb4full);
}

static struct destination *way_slot(struct detect *d, const struct addr *local,
				    const struct addr *peer)
{
	size_t i = (hash_way(local, peer) >> 20) & (d->size_destinations - 1);

	while (d->destinations[i].used && !same_way(&d->destinations[i], local, peer))
		i = (i + 1) & (d->size_destinations - 1);
	return &d->destinations[i];
}

static void grow_ways(struct detect *d)
{
	struct destination *old = d->destinations;
	size_t old_size = d->size_destinations, i;

	d->size_destinations = old_size ? old_size * 2 : 256;
	d->destinations = xcalloc(d->size_destinations, sizeof(*d->destinations));
	for (i = 0; i < old_size; i++)
		if (old[i].used)
			*way_slot(d, &old[i].local, &old[i].peer) = old[i];
	free(old);
}

/* An outgoing connection as far as a row tells: its local port is one the kernel may have
 * drawn. */
static void count_way(struct detect *d, const struct sock *s)
{
	const struct addr *local = &s->local, *peer = &s->peer;
	struct addr plain[2];
	struct destination *w;

	/* What a listener of this range has accepted did not draw its port. */
	if (s->local.port < d->ephemeral_lo || s->local.port > d->ephemeral_hi ||
	    d->listener_ports[s->local.port] || d->n_destinations >= MOST_DESTINATIONS)
		return;
	if (d->n_destinations * 2 >= d->size_destinations)
		grow_ways(d);
	/* Both kinds of sockets draw from one range towards an IPv4 destination. */
	if (UNLIKELY(addr_is_v4_mapped(peer))) {
		plain[0] = addr_unmapped(local);
		plain[1] = addr_unmapped(peer);
		local = &plain[0];
		peer = &plain[1];
	}
	w = way_slot(d, local, peer);
	if (!w->used++) {
		w->local = *local;
		w->peer = *peer;
		d->n_destinations++;
	}
	w->reusable += s->state == STATE_TIME_WAIT &&
		       s->expires_ms <= TIME_WAIT_MS - REUSE_AGE_MS;
}

static void count_half_open(struct detect *d, const struct sock *s)
{
	if (!d->half_open) {
		d->half_open = xcalloc(PORTS, sizeof(*d->half_open));
		d->half_open_retrans = xcalloc(PORTS, sizeof(*d->half_open_retrans));
	}
	d->half_open[s->local.port]++;
	d->half_open_retrans[s->local.port] += s->retrans;
}

/* Unacknowledged data with a timer that has fired in vain, or a window that is closed: a
 * peer that lives answers each probe, so that they are not counted. */
static bool may_be_stuck_sending(const struct sock *s)
{
	return s->send_queue &&
	       (s->timer == TIMER_WINDOW_PROBE ||
		(s->timer == TIMER_RETRANSMIT && s->retrans >= STUCK_RETRANS));
}

static void detect_connection(struct detect *d, const struct sock *s)
{
	d->local_ports[s->local.port] |= addr_is_loopback(&s->peer) ? SEEN_LOOPBACK
								    : SEEN_REMOTE;
	count_way(d, s);
	if (UNLIKELY(may_be_stuck_sending(s)) && s->inode)
		suspect(d, &d->senders, s);
	if (UNLIKELY(s->recv_queue >= READER_LEAST_BYTES) && s->inode)
		suspect(d, &d->readers, s);
}

static void detect_tcp(struct detect *d, const struct sock *s)
{
	switch ((enum sock_state)s->state) {
	case STATE_LISTEN:
		suspect(d, &d->listeners, s);
		if (d->listener_ports[s->local.port] < UINT8_MAX)
			d->listener_ports[s->local.port]++;
		return;
	case STATE_ESTABLISHED:
	case STATE_FIN_WAIT2:
		detect_connection(d, s);
		return;
	case STATE_CLOSE_WAIT:
		detect_connection(d, s);
		if (s->inode)
			suspect(d, &d->close_wait, s);
		return;
	case STATE_SYN_SENT:
		count_way(d, s);
		if (s->retrans >= SYN_SENT_RETRANS)
			suspect(d, &d->syn_sent, s);
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
			detect_connection(d, s);
			return;
		}
		count_way(d, s);
		if ((s->timer == TIMER_RETRANSMIT && s->retrans >= STUCK_RETRANS) ||
		    s->timer == TIMER_WINDOW_PROBE)
			suspect(d, &d->orphans, s);
		return;
	case STATE_CLOSE:
	case STATE_NEW_SYN_RECV:
	case STATE_BOUND_INACTIVE:
	case STATE_COUNT:
		return;
	}
}

static bool has_dropped(const struct sock *s)
{
	uint32_t drops;

	return sock_mem_u32(s, SOCK_MEM_DROPS, &drops) && drops;
}

void detect_row(struct detect *d, const struct sock *s)
{
	if (s->proto == PROTO_TCP)
		detect_tcp(d, s);
	else if (s->proto == PROTO_UDP && (s->recv_queue || has_dropped(s)))
		suspect(d, &d->udp, s);
}

bool detect_syn_pressure(const struct detect *d, const struct sock *listener,
			 uint64_t capacity)
{
	uint64_t half_open = d->half_open ? d->half_open[listener->local.port] : 0;

	return half_open >= SYN_QUEUE_LEAST &&
	       half_open * 100 >= capacity * SYN_QUEUE_PERCENT;
}

bool detect_shares_port(const struct detect *d, size_t i)
{
	return d->listener_ports[d->listeners.v[i]->local.port] > 1;
}
