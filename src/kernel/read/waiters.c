#include "kernel/read/waiters.h"

#include <stdlib.h>

#include "base/hash.h"
#include "kernel/netlink/bytecode.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/uapi.h"
#include "model/filter/filter.h"
#include "model/tcpinfo.h"

enum {
	ONE_AGE_MS = 20,  /* waits that differ by less are one age */
	MOST_TRIES = 3,	  /* readings of a queue that keeps moving */
	MOST_AGES = 8192, /* exact requests in one walk; the limit of a queue is 4096 by
			     default */
};

struct count {
	struct sock *listener;
	struct accept_stats *stats;
};

struct waiting {
	struct accept_stats *stats;
	struct waiter who;
};

struct walk {
	struct reader *r;
	struct count *counts;
	size_t n;
	struct waiting *waiting; /* each that waits, as met */
	size_t n_waiting, cap_waiting;
	struct hash_index places; /* of counts, where their listeners listen */
	unsigned ages;
};

static void walk_free(struct walk *w)
{
	free(w->counts);
	free(w->waiting);
	hash_index_free(&w->places);
}

/* Where a listener listens: the members of a group have it in common. */
static uint32_t hash_place(struct hash_index *x, const struct sock *listener)
{
	struct {
		uint8_t ip[16];
		uint32_t family, port, ifindex, zero;
	} place = { .family = listener->family,
		    .port = listener->local.port,
		    .ifindex = listener->ifindex };

	memcpy(place.ip, listener->local.ip, sizeof(place.ip));
	return hash_bytes(x, &place, sizeof(place));
}

/* The first of counts where it listens, or NULL. */
static struct count *count_at(struct walk *w, const struct sock *listener)
{
	uint32_t hash = hash_place(&w->places, listener), step = 0;
	size_t at;

	while ((at = hash_index_next(&w->places, hash, &step)) != SIZE_MAX) {
		const struct sock *l = w->counts[at].listener;

		if (l->family == listener->family && l->ifindex == listener->ifindex &&
		    addr_compare(&l->local, &listener->local) == 0)
			return &w->counts[at];
	}
	return NULL;
}

static struct accept_stats *stats_of(struct walk *w, const struct sock *s)
{
	const struct sock *listener;
	uint32_t members;
	struct count *c;

	/* The members of a group have one common count, that of the first. */
	if (!reader_listener_of(w->r, s, &listener, &members) ||
	    !(c = count_at(w, listener)))
		return NULL;
	if (members > 1)
		c->stats->attributable = false;
	return c->stats;
}

static void count_host(struct accept_stats *stats, const struct addr *client)
{
	size_t i;

	for (i = 0; i < ACCEPT_HOSTS; i++) {
		if (!stats->hosts[i].n)
			stats->hosts[i].addr = *client;
		else if (!addr_same_ip(&stats->hosts[i].addr, client))
			continue;
		stats->hosts[i].n++;
		return;
	}
	stats->other_hosts++;
}

/* Counts a row into the figures of its listener; returns them if it waits for accept().
 */
static struct accept_stats *count(struct walk *w, const struct sock *s)
{
	bool half_open = s->state == STATE_SYN_RECV && !(s->has & SOCK_IS_FULL);
	struct accept_stats *stats;

	if ((!half_open && !sock_is_unaccepted(s)) || !(stats = stats_of(w, s)))
		return NULL;
	if (half_open) {
		stats->syn_queue++;
		stats->syn_retrans += s->retrans;
		return NULL;
	}
	stats->waiting++;
	stats->closed += s->state == STATE_CLOSE_WAIT;
	count_host(stats, &s->peer);
	return stats;
}

/* False if the row does not say how long it has waited. */
static bool count_age(struct accept_stats *stats, const struct sock *s)
{
	uint32_t ms;

	if (!sock_info_u32(s, offsetof(struct tcpinfo, last_data_sent), &ms))
		return false;
	/* Ages are read one after the other and rounded to ticks: of clients that came
	 * together the first of the walk is the oldest, the next time too. */
	if (!stats->has_wait || ms > stats->oldest_wait_ms + ONE_AGE_MS) {
		stats->oldest_wait_ms = ms;
		stats->oldest = s->peer;
	}
	stats->longest_wait_ms = MAX(stats->longest_wait_ms, ms);
	stats->has_wait = true;
	return true;
}

static void keep_waiter(struct walk *w, struct accept_stats *stats, const struct sock *s,
			uint32_t ms)
{
	w->waiting = array_grow(w->waiting, w->n_waiting, &w->cap_waiting,
				sizeof(*w->waiting));
	w->waiting[w->n_waiting++] = (struct waiting){
		.stats = stats,
		.who = { s->cookie, s->local, s->peer, s->ifindex, ms },
	};
}

static int count_row(const struct nlmsghdr *h, void *ctx)
{
	struct walk *w = ctx;
	struct accept_stats *stats;
	struct sock s, fresh;
	uint32_t ms = 0;

	if (!inet_parse_brief(h, PROTO_TCP, &s) || !(stats = count(w, &s)))
		return 0;
	if (w->ages++ < MOST_AGES &&
	    reader_exact(w->r, &s, EXT_BIT(INET_DIAG_INFO), &fresh) == 0 &&
	    fresh.cookie == s.cookie && count_age(stats, &fresh))
		sock_info_u32(&fresh, offsetof(struct tcpinfo, last_data_sent), &ms);
	keep_waiter(w, stats, &s, ms);
	return 0;
}

static int by_listener_and_age(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	if (x->stats != y->stats)
		return x->stats < y->stats ? -1 : 1;
	return (x->who.wait_ms < y->who.wait_ms) - (x->who.wait_ms > y->who.wait_ms);
}

/* Those that wait, of each listener, the oldest first. */
static void list_waiters(struct walk *w)
{
	struct waiter *list = arena_zalloc(&w->r->listeners.arena,
					   w->n_waiting * sizeof(*list) + 1);
	size_t i;

	if (w->n_waiting)
		qsort(w->waiting, w->n_waiting, sizeof(*w->waiting), by_listener_and_age);
	for (i = 0; i < w->n_waiting; i++) {
		struct accept_stats *stats = w->waiting[i].stats;

		list[i] = w->waiting[i].who;
		if (!stats->n_who++)
			stats->who = &list[i];
	}
}

/* The walk sees only rows of these ports; in the request's own field if it is one. */
static int walk_ports(struct reader *r, struct walk *w)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_buf_ struct buf program = { 0 };
	struct port_set ports = { 0 };
	struct inet_query q = {
		.protocol = IPPROTO_TCP,
		.states = 1 << STATE_ESTABLISHED | 1 << STATE_CLOSE_WAIT |
			  STATES_SYN_RECV,
	};
	size_t i;
	int err;

	for (i = 0; i < w->n; i++) {
		uint16_t port = w->counts[i].listener->local.port;

		if (port_set_has(&ports, port))
			continue;
		ports.v = array_grow(ports.v, ports.n, &ports.cap, sizeof(*ports.v));
		ports.v[ports.n++] = (struct port_range){ port, port };
	}
	if (ports.n == 1)
		q.sport = ports.v[0].lo;
	else if (bytecode_compile(&program, filter_ports(&a, SIDE_LOCAL, &ports),
				  &reader_caps))
		q.bytecode = (struct blob){ program.data, (uint32_t)program.len };
	err = inet_dump(&r->dump, &q, count_row, w);
	port_set_free(&ports);
	return err;
}

/* Whether several listeners share port and address: then no row can be given to one of
 * them. */
static bool in_group(struct reader *r, const struct sock *listener)
{
	const struct sock *found;
	uint32_t members;

	return reader_listener_of(r, listener, &found, &members) && members > 1;
}

/* Who gave up is known if the queue stood still while those who wait were counted. */
static void settle_count(struct accept_stats *stats, const struct sock *listener,
			 bool still)
{
	stats->stable = stats->attributable && still &&
			stats->waiting <= listener->recv_queue;
	stats->has_wait |= !stats->waiting; /* nobody waits: no time */
	if (stats->stable)
		stats->gave_up = listener->recv_queue - stats->waiting;
}

/* Reads the listeners' own rows again: a queue that moved makes the difference
 * meaningless. */
static bool compare_queues(struct reader *r, struct walk *w)
{
	bool all_stable = true;
	size_t i;

	for (i = 0; i < w->n; i++) {
		struct accept_stats *stats = w->counts[i].stats;
		const struct sock *listener = w->counts[i].listener;
		struct sock now;

		settle_count(stats, listener,
			     stats->attributable &&
				     reader_exact(r, listener, 0, &now) == 0 &&
				     now.recv_queue == listener->recv_queue);
		if (stats->attributable && !stats->stable)
			all_stable = false;
	}
	return all_stable;
}

/* The listener's row as it is now: what is shown is what the walk is compared with. */
static void begin_count(struct reader *r, struct count *c, bool again)
{
	struct sock now;

	if (again && reader_exact(r, c->listener, 0, &now) == 0) {
		c->listener->recv_queue = now.recv_queue;
		c->listener->send_queue = now.send_queue;
	}
	*c->stats = (struct accept_stats){ .attributable = !in_group(r, c->listener) };
}

static void add_listener(struct walk *w, size_t *cap, struct sock *listener)
{
	struct accept_stats *stats = arena_zalloc(&w->r->listeners.arena, sizeof(*stats));

	listener->accept = stats;
	w->counts = array_grow(w->counts, w->n, cap, sizeof(*w->counts));
	if (!count_at(w, listener))
		hash_index_add(&w->places, hash_place(&w->places, listener), w->n);
	w->counts[w->n++] = (struct count){ listener, stats };
}

void waiters_count(struct reader *r, const bool *still, struct sock *const *rows,
		   size_t n)
{
	struct listeners *l = &r->listeners;
	struct walk w = { .r = r };
	size_t cap = 0, i;

	for (i = 0; i < l->n; i++) {
		add_listener(&w, &cap, l->v[i]);
		begin_count(r, &w.counts[i], false);
	}
	for (i = 0; i < n; i++) {
		struct accept_stats *stats = count(&w, rows[i]);

		if (stats && !count_age(stats, rows[i]))
			stats->unaged++;
	}
	for (i = 0; i < l->n; i++) {
		struct accept_stats *stats = w.counts[i].stats;

		stats->has_wait &= !stats->unaged;
		settle_count(stats, l->v[i],
			     still[i] || stats->waiting == l->v[i]->recv_queue);
	}
	walk_free(&w);
}

/* Who waits was not read, or not all of it: none of the figures is one. */
static void forget_counts(struct walk *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		*w->counts[i].stats = (struct accept_stats){ .attributable = false };
}

int waiters_read(struct reader *r,
		 bool (*wanted)(const struct sock *listener, const void *ctx),
		 const void *ctx)
{
	struct listeners *l = &r->listeners;
	struct walk w = { .r = r };
	size_t cap = 0, i;
	bool interrupted = r->dump.interrupted;
	unsigned try;
	int err = 0;

	for (i = 0; i < l->n; i++)
		if (wanted(l->v[i], ctx))
			add_listener(&w, &cap, l->v[i]);
	for (try = 0; w.n && err == 0 && try < MOST_TRIES; try++) {
		for (i = 0; i < w.n; i++)
			begin_count(r, &w.counts[i], try > 0);
		r->dump.interrupted = false;
		w.n_waiting = 0;
		err = walk_ports(r, &w);
		if (err < 0 || (compare_queues(r, &w) && !r->dump.interrupted))
			break;
	}
	/* A walk that was interrupted may lack some who wait. */
	if (err < 0 || r->dump.interrupted)
		forget_counts(&w);
	else
		list_waiters(&w);
	r->dump.interrupted |= interrupted;
	walk_free(&w);
	return err;
}
