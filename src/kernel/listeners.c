/*
 * The listeners of a namespace, and which of them an un-accepted connection belongs to.
 * The kernel has no sequence counter on its listen table: a listener that closes while a
 * dump is between two packets hides others of its chain, so a reading that took more than
 * one packet is repeated until two agree.
 */
#include <errno.h>
#include <stdlib.h>

#include "kernel/diag_inet.h"
#include "kernel/reader.h"

enum { MOST_READINGS = 6 };

struct reading {
	struct listeners *to;
	unsigned packets;
	const void *last;
};

static int take(const struct nlmsghdr *h, void *ctx)
{
	struct reading *reading = ctx;
	struct listeners *l = reading->to;
	struct sock s;

	/* Messages of one packet follow each other in the buffer; a new packet starts
	 * over. */
	if ((const void *)h <= reading->last || !reading->last)
		reading->packets++;
	reading->last = h;
	if (!inet_parse(h, PROTO_TCP, &s))
		return 0;
	l->v = array_grow(l->v, l->n, &l->cap, sizeof(*l->v));
	l->v[l->n++] = sock_dup(&l->arena, &s);
	return 0;
}

static int by_port(const void *a, const void *b)
{
	const struct sock *x = *(struct sock *const *)a, *y = *(struct sock *const *)b;

	if (x->local.port != y->local.port)
		return (int)x->local.port - (int)y->local.port;
	return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

static void sort_and_unify(struct listeners *l)
{
	size_t i, kept = 0;

	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_port);
	for (i = 0; i < l->n; i++)
		if (!kept || !l->v[i]->cookie ||
		    l->v[i]->cookie != l->v[kept - 1]->cookie)
			l->v[kept++] = l->v[i];
	l->n = kept;
}

/* The cookies of a reading that is only compared. */
struct cookies {
	uint64_t *v;
	size_t n, cap;
};

static int take_cookie(const struct nlmsghdr *h, void *ctx)
{
	struct cookies *c = ctx;
	struct sock s;

	if (!inet_parse_brief(h, PROTO_TCP, &s))
		return 0;
	c->v = array_grow(c->v, c->n, &c->cap, sizeof(*c->v));
	c->v[c->n++] = s.cookie;
	return 0;
}

static int by_cookie(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Whether a second reading finds the sockets of the first, no more and no fewer. */
static int same_again(struct nl *nl, const struct inet_query *q,
		      const struct listeners *l, bool *same)
{
	struct cookies now = { 0 }, before = { 0 };
	int err = inet_dump(nl, q, take_cookie, &now);
	size_t i;

	for (i = 0; i < l->n; i++) {
		before.v = array_grow(before.v, before.n, &before.cap, sizeof(*before.v));
		before.v[before.n++] = l->v[i]->cookie;
	}
	if (now.n)
		qsort(now.v, now.n, sizeof(*now.v), by_cookie);
	if (before.n)
		qsort(before.v, before.n, sizeof(*before.v), by_cookie);
	*same = now.n == before.n &&
		(!now.n || memcmp(now.v, before.v, now.n * sizeof(*now.v)) == 0);
	free(now.v);
	free(before.v);
	return err;
}

void listeners_free(struct listeners *l)
{
	arena_free(&l->arena);
	free(l->v);
	*l = (struct listeners){ 0 };
}

static int read_once(struct nl *nl, const struct inet_query *q, struct listeners *l,
		     unsigned *packets)
{
	struct reading reading = { .to = l };
	int err = inet_dump(nl, q, take, &reading);

	*packets = reading.packets;
	sort_and_unify(l);
	return err;
}

static void unite(struct listeners *into, const struct listeners *from)
{
	size_t i;

	for (i = 0; i < from->n; i++) {
		into->v = array_grow(into->v, into->n, &into->cap, sizeof(*into->v));
		into->v[into->n++] = sock_dup(&into->arena, from->v[i]);
	}
	sort_and_unify(into);
}

int listeners_read(struct nl *nl, uint32_t ext, const struct blob *bytecode,
		   struct listeners *l)
{
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.states = 1 << STATE_LISTEN,
				.ext = ext,
				.bytecode = bytecode ? *bytecode : (struct blob){ 0 } };
	struct listeners before;
	unsigned packets, readings;
	int err;

	*l = (struct listeners){ 0 };
	err = read_once(nl, &q, l, &packets);
	/* Refused before a row came: the program asks for too much. */
	if ((err == -EPERM || err == -EINVAL) && q.bytecode.len) {
		q.bytecode.len = 0;
		err = read_once(nl, &q, l, &packets);
	}
	l->settled = packets <= 1;
	q.ext = 0;
	for (readings = 1; err == 0 && !l->settled && readings < MOST_READINGS;
	     readings++) {
		err = same_again(nl, &q, l, &l->settled);
		if (err < 0 || l->settled)
			break;
		before = *l;
		*l = (struct listeners){ 0 };
		q.ext = ext;
		err = read_once(nl, &q, l, &packets);
		q.ext = 0;
		/* One that the last reading lacks may have been missed: keep both. */
		if (readings + 1 == MOST_READINGS)
			unite(l, &before);
		listeners_free(&before);
	}
	l->read = true;
	return err;
}

int reader_listeners(struct reader *r, uint32_t ext)
{
	listeners_free(&r->listeners);
	return listeners_read(&r->dump, ext, NULL, &r->listeners);
}

/* How well a listener fits a connection: 0 = not, more = more specific. */
static unsigned fit(const struct sock *listener, const struct sock *s)
{
	bool any = addr_is_any(&listener->local);

	if (listener->family != s->family || listener->local.port != s->local.port)
		return 0;
	if (!any && !addr_same_ip(&listener->local, &s->local))
		return 0;
	if (listener->ifindex && listener->ifindex != s->ifindex)
		return 0;
	return 1 + (any ? 0 : 2) + (listener->ifindex ? 1 : 0);
}

bool reader_listener_of(struct reader *r, const struct sock *s,
			const struct sock **listener, uint32_t *members)
{
	const struct listeners *l = &r->listeners;
	size_t low = 0, high, i;
	unsigned best = 0;

	/* Asked for in the middle of a dump: on the other socket. */
	if (!l->read && reader_side_socket(r) == 0)
		listeners_read(&r->exact, 0, NULL, &r->listeners);
	high = l->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->v[middle]->local.port < s->local.port)
			low = middle + 1;
		else
			high = middle;
	}
	*members = 0;
	for (i = low; i < l->n && l->v[i]->local.port == s->local.port; i++) {
		unsigned score = fit(l->v[i], s);

		if (!score || score < best)
			continue;
		*members = score == best ? *members + 1 : 1;
		best = score;
		*listener = l->v[i];
	}
	return best > 0;
}
