/* Accept queues, twice: who waits in the first reading, and what became of them. */
#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/uapi.h"
#include "kernel/proc/procfile.h"
#include "kernel/read/waiters.h"
#include "model/rule/rules.h"

/* A unix socket has the counter, and nothing ever counts there. */
static bool counts_drops(const struct sock *row, uint32_t *drops)
{
	return !sock_is_unix(row) && sock_mem_u32(row, SOCK_MEM_DROPS, drops);
}

enum {
	SAME_AGE_MS = 20,  /* ages are read one after the other, in ticks */
	MOST_WATCHED = 64, /* of one age, of a listener */
};

void evidence_suspect_listeners(const struct detect *d, struct evidence *e)
{
	size_t i;

	e->n_listeners = d->listeners.n;
	e->listeners = arena_zalloc(&e->arena,
				    d->listeners.n * sizeof(*e->listeners) + 1);
	for (i = 0; i < d->listeners.n; i++) {
		struct listener_facts *l = &e->listeners[i];
		const struct sock *row = d->listeners.v[i];
		uint32_t drops;

		l->row = row;
		l->members = 1;
		l->queued[0] = row->recv_queue;
		l->limit = row->send_queue;
		l->shadow = d->listener_ports[row->local.port] > 1;
		l->crowded = row->recv_queue || d->half_open;
		if (counts_drops(row, &drops)) {
			l->drops[0] = drops;
			l->has_drops = true;
		}
		l->suspect = rules_suspect_listener(d, e, l);
	}
}

void evidence_suspect_again(const struct detect *d, struct evidence *e)
{
	size_t i;

	for (i = 0; i < e->n_listeners; i++) {
		struct listener_facts *l = &e->listeners[i];

		if (l->suspect || !rules_suspect_listener(d, e, l))
			continue;
		/* Its row is the first reading. */
		l->read[0] = l->suspect = true;
	}
}

static bool any_suspect(const struct evidence *e, bool is_unix)
{
	size_t i;

	for (i = 0; i < e->n_listeners; i++)
		if (e->listeners[i].suspect &&
		    sock_is_unix(e->listeners[i].row) == is_unix)
			return true;
	return false;
}

/* A listener whose queue, or whose half-open connections, call for a closer look. */
static bool deserves_look(const struct sock *listener, const void *ctx)
{
	const struct evidence *e = ctx;
	size_t i;

	for (i = 0; i < e->n_listeners; i++)
		if (e->listeners[i].row->cookie == listener->cookie)
			return e->listeners[i].suspect && e->listeners[i].crowded;
	return false;
}

/* What the reader keeps goes with its next reading. */
static void take_stats(struct evidence *e, struct listener_facts *l, int turn,
		       const struct accept_stats *stats)
{
	l->stats[turn] = *stats;
	l->stats[turn].who = arena_dup(&e->arena, stats->who,
				       stats->n_who * sizeof(*stats->who));
}

static void take_listener(struct reader *r, struct evidence *e, struct listener_facts *l,
			  int turn, const struct sock *row)
{
	const struct sock *found;
	uint32_t drops, members;

	l->read[turn] = true;
	l->queued[turn] = row->recv_queue;
	l->limit = row->send_queue;
	if (row->accept)
		take_stats(e, l, turn, row->accept);
	if (counts_drops(row, &drops)) {
		l->drops[turn] = drops;
		l->has_drops = true;
	}
	if (reader_listener_of(r, row, &found, &members))
		l->members = members;
}

static void read_listeners(struct reader *r, const struct detect *d, struct evidence *e,
			   int turn)
{
	size_t i, k;
	int err;

	err = reader_listeners(r, EXT_BIT(INET_DIAG_SKMEMINFO));
	evidence_lacks(e, -err);
	if (err < 0)
		return;
	evidence_lacks(e, -waiters_read(r, deserves_look, e));
	for (i = 0; i < d->listeners.n; i++) {
		struct listener_facts *l = &e->listeners[i];

		for (k = 0; !sock_is_unix(l->row) && k < r->listeners.n; k++) {
			const struct sock *row = r->listeners.v[k];

			if (row->cookie != l->row->cookie)
				continue;
			take_listener(r, e, l, turn, row);
			break;
		}
	}
}

uint32_t evidence_listeners(struct reader *r, const struct detect *d, struct evidence *e)
{
	uint32_t most = 0;
	size_t i;

	if (r->dump.sock && any_suspect(e, false))
		read_listeners(r, d, e, 0);
	if (r->dump.sock && any_suspect(e, true))
		evidence_unix_listeners(r, e, 0);
	for (i = 0; i < e->n_listeners; i++) {
		struct listener_facts *l = &e->listeners[i];
		uint32_t patience = l->suspect ? rules_patience(d, e, l) : 0;

		l->suspect = patience > 0;
		most = MAX(most, patience);
	}
	return most;
}

static const struct sock *key_of(const struct waiter *w, struct sock *key)
{
	*key = (struct sock){ .cookie = w->cookie,
			      .local = w->local,
			      .peer = w->peer,
			      .ifindex = w->ifindex };
	return key;
}

enum fate { FATE_WAITS, FATE_ACCEPTED, FATE_GONE };

/* accept() gives a connection its inode. */
static enum fate fate_of(struct reader *r, const struct waiter *w)
{
	struct sock key, now;

	if (reader_exact(r, key_of(w, &key), 0, &now) != 0 || now.cookie != w->cookie)
		return FATE_GONE;
	return now.inode ? FATE_ACCEPTED : FATE_WAITS;
}

/* Whether none of those that have waited longest was taken off the queue. */
static bool stands(struct reader *r, const struct listener_facts *l)
{
	const struct accept_stats *s = &l->stats[0];
	uint32_t i;

	if (!l->suspect || !s->n_who)
		return false;
	for (i = 0; i < s->n_who && i < MOST_WATCHED &&
		    s->who[i].wait_ms + SAME_AGE_MS >= s->who[0].wait_ms;
	     i++)
		if (fate_of(r, &s->who[i]) == FATE_ACCEPTED)
			return false;
	return true;
}

/* Whether one that has dropped connections before may do it once more. */
static bool may_overflow(struct evidence *e)
{
	size_t i;

	if (!e->asked)
		return false;
	procfile_counters(&e->counters[1]);
	if (!e->counters[0].known || !e->counters[1].known ||
	    e->counters[1].listen_overflows > e->counters[0].listen_overflows)
		return false;
	for (i = 0; i < e->n_listeners; i++)
		if (e->listeners[i].suspect && e->listeners[i].drops[0])
			return true;
	return false;
}

bool evidence_listener_stands(struct reader *r, struct evidence *e, uint32_t watched_ms)
{
	size_t i;

	if (may_overflow(e))
		return true;
	for (i = 0; i < e->n_listeners; i++)
		if (stands(r, &e->listeners[i]))
			return true;
	return any_suspect(e, true) && evidence_unix_waits(r, e, watched_ms);
}

static bool has_waiter(struct hash_index *x, const struct accept_stats *s,
		       uint64_t cookie)
{
	uint32_t hash = hash_u64(x, cookie), step = 0;
	size_t at;

	while ((at = hash_index_next(x, hash, &step)) != SIZE_MAX)
		if (s->who[at].cookie == cookie)
			return true;
	return false;
}

static void count_fates(struct reader *r, struct listener_facts *l)
{
	const struct accept_stats *before = &l->stats[0], *now = &l->stats[1];
	struct hash_index waiting = { 0 };
	uint32_t i;

	for (i = 0; i < now->n_who; i++)
		hash_index_add(&waiting, hash_u64(&waiting, now->who[i].cookie), i);
	for (i = 0; i < before->n_who; i++) {
		enum fate fate = has_waiter(&waiting, now, before->who[i].cookie)
					 ? FATE_WAITS
					 : fate_of(r, &before->who[i]);

		l->accepted += fate == FATE_ACCEPTED;
		l->gone += fate == FATE_GONE;
	}
	hash_index_free(&waiting);
}

void evidence_listeners_again(struct reader *r, const struct detect *d,
			      struct evidence *e)
{
	size_t i;

	if (any_suspect(e, true))
		evidence_unix_listeners(r, e, 1);
	if (!any_suspect(e, false))
		return;
	read_listeners(r, d, e, 1);
	for (i = 0; i < e->n_listeners; i++)
		if (e->listeners[i].suspect && e->listeners[i].read[1] &&
		    !sock_is_unix(e->listeners[i].row))
			count_fates(r, &e->listeners[i]);
}
