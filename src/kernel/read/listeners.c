#include "kernel/read/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <stdlib.h>

#include "kernel/netlink/diag_inet.h"

enum { MOST_READINGS = 6 };

/* One listener of a reading: what it is known by, and where its message is. */
struct listing {
	uint64_t cookie;
	uint32_t at; /* in messages */
	uint16_t port;
};

struct reading {
	struct buf messages; /* as they came; rows are made of them when all is settled */
	struct listing *v;
	size_t n, cap;
	bool cookies_only; /* it is only compared: keep no messages */
	unsigned packets;
	const void *last;
};

static void reading_free(struct reading *r)
{
	buf_free(&r->messages);
	free(r->v);
	*r = (struct reading){ 0 };
}

static void keep(struct reading *r, const struct nlmsghdr *h)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);

	r->v = array_grow(r->v, r->n, &r->cap, sizeof(*r->v));
	r->v[r->n++] = (struct listing){
		.cookie = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0],
		.at = (uint32_t)r->messages.len,
		.port = ntohs(m->id.idiag_sport),
	};
	if (r->cookies_only)
		return;
	buf_put(&r->messages, h, h->nlmsg_len);
	buf_pad(&r->messages, '\0', NLMSG_ALIGN(h->nlmsg_len) - h->nlmsg_len);
}

static int take(const struct nlmsghdr *h, void *ctx)
{
	struct reading *r = ctx;

	/* Messages of one packet follow each other in the buffer; a new packet starts
	 * over. */
	if ((const void *)h <= r->last || !r->last)
		r->packets++;
	r->last = h;
	if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
		keep(r, h);
	return 0;
}

static int by_port(const void *a, const void *b)
{
	const struct listing *x = a, *y = b;

	if (x->port != y->port)
		return (int)x->port - (int)y->port;
	return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

static void sort_and_unify(struct reading *r)
{
	size_t i, kept = 0;

	if (r->n)
		qsort(r->v, r->n, sizeof(*r->v), by_port);
	for (i = 0; i < r->n; i++)
		if (!kept || !r->v[i].cookie || r->v[i].cookie != r->v[kept - 1].cookie)
			r->v[kept++] = r->v[i];
	r->n = kept;
}

static bool same_in_order(const struct reading *a, const struct reading *b)
{
	size_t i;

	for (i = 0; i < a->n && i < b->n; i++)
		if (a->v[i].cookie != b->v[i].cookie)
			return false;
	return a->n == b->n;
}

/* Whether two readings found the same sockets. If none came or went in between, they
 * stand in the same order. */
static bool same(struct reading *a, struct reading *b)
{
	if (same_in_order(a, b))
		return true;
	sort_and_unify(a);
	sort_and_unify(b);
	return same_in_order(a, b);
}

static int read_once(struct nl *nl, struct inet_query *q, struct reading *r)
{
	int err = inet_dump(nl, q, take, r);

	/* Refused before a row came: the program asks for too much. */
	if ((err == -EPERM || err == -EINVAL) && q->bytecode.len) {
		q->bytecode.len = 0;
		err = inet_dump(nl, q, take, r);
	}
	return err;
}

static void unite(struct reading *into, const struct reading *from)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		keep(into, (const void *)(from->messages.data + from->v[i].at));
}

/* Reads until two readings agree, into r, sorted by port. */
static int read_settled(struct nl *nl, uint32_t ext, const struct blob *bytecode,
			struct reading *r, bool *settled)
{
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.states = 1 << STATE_LISTEN,
				.ext = ext,
				.bytecode = bytecode ? *bytecode : (struct blob){ 0 } };
	unsigned readings;
	int err = read_once(nl, &q, r);

	*settled = r->packets <= 1;
	for (readings = 1; err == 0 && !*settled && readings < MOST_READINGS;
	     readings++) {
		struct reading again = { .cookies_only = true }, before;

		q.ext = 0;
		err = read_once(nl, &q, &again);
		*settled = same(r, &again);
		reading_free(&again);
		if (err < 0 || *settled)
			break;
		before = *r;
		*r = (struct reading){ 0 };
		q.ext = ext;
		err = read_once(nl, &q, r);
		/* One that the last reading lacks may have been missed: keep both. */
		if (readings + 1 == MOST_READINGS)
			unite(r, &before);
		reading_free(&before);
	}
	sort_and_unify(r);
	return err;
}

int listeners_each(struct nl *nl, uint32_t ext, const struct blob *bytecode,
		   nl_message_fn *fn, void *ctx, bool *settled)
{
	struct reading reading = { 0 };
	int err = read_settled(nl, ext, bytecode, &reading, settled);
	size_t i;
	int r = 0;

	for (i = 0; i < reading.n && r == 0; i++)
		r = fn((const void *)(reading.messages.data + reading.v[i].at), ctx);
	reading_free(&reading);
	return r < 0 ? r : err;
}

static void drop_index(struct listeners *l)
{
	hash_index_free(&l->index);
	free(take_ptr(&l->places));
	l->n_places = l->cap_places = l->indexed = 0;
}

void listeners_free(struct listeners *l)
{
	drop_index(l);
	arena_free(&l->arena);
	free(l->v);
	*l = (struct listeners){ 0 };
}

void listeners_add(struct listeners *l, const struct sock *s)
{
	l->v = array_grow(l->v, l->n, &l->cap, sizeof(*l->v));
	l->v[l->n++] = sock_dup(&l->arena, s);
}

static int by_local_port(const void *a, const void *b)
{
	const struct sock *x = *(struct sock *const *)a, *y = *(struct sock *const *)b;

	if (x->local.port != y->local.port)
		return (int)x->local.port - (int)y->local.port;
	return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

void listeners_sort(struct listeners *l)
{
	drop_index(l);
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_local_port);
}

static int add_to_index(const struct nlmsghdr *h, void *ctx)
{
	struct sock s;

	if (inet_parse(h, PROTO_TCP, &s))
		listeners_add(ctx, &s);
	return 0;
}

int listeners_read(struct nl *nl, uint32_t ext, struct listeners *l)
{
	listeners_free(l);
	l->read = true;
	return listeners_each(nl, ext, NULL, add_to_index, l, &l->settled);
}

/* Where one or more listen: what a connection is looked up by. Hashed as bytes, so
 * without padding. */
struct place {
	uint8_t ip[16];	 /* zero: any address */
	uint32_t device; /* 0: any */
	uint16_t port;
	uint8_t family;	   /* of the socket */
	uint8_t ip_family; /* of ip; 0: any address */
};

struct listeners_place {
	struct place at;
	const struct sock *last;
	uint32_t members;
};

static struct place place_of(const struct sock *s, bool any_address, uint32_t device)
{
	struct place p = { .device = device, .port = s->local.port, .family = s->family };

	if (any_address)
		return p;
	memcpy(p.ip, s->local.ip, sizeof(p.ip));
	p.ip_family = s->local.family;
	return p;
}

static struct listeners_place *find_place(struct listeners *l, const struct place *at,
					  uint32_t *hash)
{
	uint32_t step = 0;
	size_t i;

	*hash = hash_bytes(&l->index, at, sizeof(*at));
	while ((i = hash_index_next(&l->index, *hash, &step)) != SIZE_MAX)
		if (memcmp(&l->places[i].at, at, sizeof(*at)) == 0)
			return &l->places[i];
	return NULL;
}

static void add_place(struct listeners *l, const struct sock *s)
{
	struct place at = place_of(s, addr_is_any(&s->local), s->ifindex);
	uint32_t hash;
	struct listeners_place *p = find_place(l, &at, &hash);

	if (p) {
		p->last = s;
		p->members++;
		return;
	}
	l->places = array_grow(l->places, l->n_places, &l->cap_places,
			       sizeof(*l->places));
	l->places[l->n_places] = (struct listeners_place){ at, s, 1 };
	hash_index_add(&l->index, hash, l->n_places++);
}

/* In the order of listener_took(). Four look-ups at most: many addresses on one port cost
 * a connection no more than one. */
bool listeners_find(struct listeners *l, const struct sock *s,
		    const struct sock **listener, uint32_t *members)
{
	unsigned way;

	for (; l->indexed < l->n; l->indexed++)
		add_place(l, l->v[l->indexed]);
	for (way = 0; way < 4; way++) {
		bool any_address = way & 2, any_device = way & 1;
		struct place at = place_of(s, any_address, any_device ? 0 : s->ifindex);
		uint32_t hash;
		const struct listeners_place *p = find_place(l, &at, &hash);

		if (!p)
			continue;
		*listener = p->last;
		*members = p->members;
		return true;
	}
	*members = 0;
	return false;
}
