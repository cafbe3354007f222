/*
 * The accept queues of a recorded dump. Live, a walk over the listeners' ports counts who
 * waits; here the same is counted from the rows of the file, once all of them are there.
 * A socket may be in it several times (a second reading of a listener, the answer to a
 * single question): what the later ones add is joined with the first.
 */
#include <stdlib.h>

#include "kernel/read/replay.h"
#include "kernel/read/waiters.h"

struct reading {
	struct sock *s;
	size_t order;
	unsigned times; /* of the first of a socket: how often it was read ... */
	bool moved;	/* ... and whether its queue was another then */
};

static int by_cookie(const void *a, const void *b)
{
	const struct reading *x = a, *y = b;

	if (x->s->cookie != y->s->cookie)
		return x->s->cookie < y->s->cookie ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static int by_order(const void *a, const void *b)
{
	const struct reading *x = a, *y = b;

	return (x->order > y->order) - (x->order < y->order);
}

/* Leaves the first reading of each socket in v, sorted by cookie; returns how many. */
static size_t unite(struct reading *v, size_t n)
{
	size_t kept = 0, i;

	qsort(v, n, sizeof(*v), by_cookie);
	for (i = 0; i < n; i++) {
		struct reading *first = kept ? &v[kept - 1] : NULL;

		v[i].times = 1;
		v[i].moved = false;
		if (!first || !v[i].s->cookie || v[i].s->cookie != first->s->cookie) {
			v[kept++] = v[i];
			continue;
		}
		first->times++;
		first->moved |= v[i].s->recv_queue != first->s->recv_queue;
		if (!first->s->tcp_info.len)
			first->s->tcp_info = v[i].s->tcp_info;
		if (!first->s->skmem.len)
			first->s->skmem = v[i].s->skmem;
	}
	return kept;
}

static bool stood_still(const struct reading *v, size_t n, struct sock *listener)
{
	struct reading key = { .s = listener };
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_cookie(&v[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && v[low].s->cookie == listener->cookie && v[low].times > 1 &&
	       !v[low].moved;
}

/* A queue that was read once may have moved since; if all who are counted are there, it
 * did not matter. */
static void count(struct collector *c, const struct reading *v, size_t n)
{
	struct listeners *l = &c->r->listeners;
	bool *still = xcalloc(l->n + 1, sizeof(*still));
	struct sock **rows = xcalloc(n + 1, sizeof(struct sock *));
	size_t i;

	for (i = 0; i < l->n; i++)
		still[i] = stood_still(v, n, l->v[i]);
	for (i = 0; i < n; i++)
		rows[i] = v[i].s;
	waiters_count(c->r, still, rows, n);
	free(rows);
	free(still);
}

static int show_rows(struct collector *c, struct sock *const *rows, size_t n)
{
	size_t i;
	int r = 0;

	for (i = 0; i < n && r == 0; i++) {
		struct sock s = *rows[i];

		r = collect_row(c, &s);
	}
	return r;
}

int replay_queues(struct collector *c, struct collector *queues, struct collector *rest)
{
	struct listeners *l = &c->r->listeners;
	struct reading *v = xcalloc(queues->n_rows + 1, sizeof(*v));
	size_t n, i;
	int r = 0;

	for (i = 0; i < queues->n_rows; i++)
		v[i] = (struct reading){ .s = queues->rows[i], .order = i };
	n = unite(v, queues->n_rows);
	for (i = 0; i < n; i++)
		if (sock_is_listener(v[i].s))
			listeners_add(l, v[i].s);
	listeners_sort(l);
	if (c->needs & NEED_WAITERS) {
		count(c, v, n);
		r = show_rows(c, l->v, l->n);
	}
	if (r == 0)
		r = show_rows(c, rest->rows, rest->n_rows);
	/* In the order of the file, listeners that were shown above left out as seen
	 * before. */
	qsort(v, n, sizeof(*v), by_order);
	for (i = 0; i < n && r == 0; i++)
		r = show_rows(c, &v[i].s, 1);
	free(v);
	return r;
}
