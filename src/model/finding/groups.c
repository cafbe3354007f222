/* Connections with one cause: those of the same processes to the same place. */
#include "model/finding/inquiry.h"

#include <stdlib.h>

struct member {
	const struct connection_facts *c;
	unsigned kind;
	uint16_t listener;	     /* the port that accepted it, or 0 */
	const struct holder *owners; /* NULL if it does not matter who */
	struct addr remote; /* without port if it was accepted: each has another */
};

struct maker {
	struct inquiry *q;
	const struct grouping *by;
	struct member *v;
	struct {
		struct group *v;
		size_t n;
	} out;
};

bool finding_was_accepted(const struct inquiry *q, const struct sock *s)
{
	const struct detect *d = q->d;

	if (s->state == STATE_SYN_SENT)
		return false;
	/* Where a filter left out the listeners the ports have to tell. */
	return d->listener_ports[s->local.port] ||
	       (!port_is_drawn(&d->draw, s->local.port) &&
		port_is_drawn(&d->draw, s->peer.port));
}

/* By the processes alone: a process may hold several descriptors of a socket. */
static int compare_processes(const struct holder *a, const struct holder *b)
{
	while (a && b) {
		int32_t x = a->pid, y = b->pid;

		if (x != y)
			return x < y ? -1 : 1;
		while (a && a->pid == x)
			a = a->next;
		while (b && b->pid == y)
			b = b->next;
	}
	return (a != NULL) - (b != NULL);
}

/* What is never in one group. */
static int compare_owners(const struct member *a, const struct member *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->listener != b->listener)
		return a->listener < b->listener ? -1 : 1;
	return compare_processes(a->owners, b->owners);
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = compare_owners(x, y);

	return order ? order : addr_compare(&x->remote, &y->remote);
}

static int compare_holders(const void *a, const void *b)
{
	const struct holder *x = *(const struct holder *const *)a,
			    *y = *(const struct holder *const *)b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->fd > y->fd) - (x->fd < y->fd);
}

const struct holder *
finding_all_holders(struct inquiry *q, const struct holder *const *lists, size_t n_lists)
{
	const struct holder *first = NULL, **link = &first, *h, **v;
	size_t n = 0, i;

	for (i = 0; i < n_lists; i++)
		for (h = lists[i]; h; h = h->next)
			n++;
	v = arena_alloc(&q->fs->arena, n * sizeof(*v) + 1);
	n = 0;
	for (i = 0; i < n_lists; i++)
		for (h = lists[i]; h; h = h->next)
			v[n++] = h;
	qsort(v, n, sizeof(*v), compare_holders);
	for (i = 0; i < n; i++) {
		struct holder *copy = holder_append(&q->fs->arena, &link, v[i]);

		copy->command = i && v[i]->pid == v[i - 1]->pid
					? v[i - 1]->command
					: arena_strdup(&q->fs->arena, v[i]->command);
		v[i] = copy;
	}
	return first;
}

static const struct holder *all_holders(struct maker *m, const struct group *g)
{
	_cleanup_free_ const struct holder **lists = xcalloc(g->n + 1, sizeof(*lists));
	size_t i;

	for (i = 0; i < g->n; i++)
		lists[i] = g->v[i]->holders;
	return finding_all_holders(m->q, lists, g->n);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = ((const struct place *)a)->n, y = ((const struct place *)b)->n;

	return (x < y) - (x > y);
}

static void add_group(struct maker *m, size_t from, size_t to)
{
	struct group *g = &m->out.v[m->out.n++];
	size_t i;

	*g = (struct group){ .kind = m->v[from].kind,
			     .listener = m->v[from].listener,
			     .n = to - from };
	g->v = arena_alloc(&m->q->fs->arena, g->n * sizeof(*g->v));
	g->places = arena_alloc(&m->q->fs->arena, g->n * sizeof(*g->places));
	g->oldest = m->v[from].c;
	for (i = from; i < to; i++) {
		const struct member *x = &m->v[i];

		g->v[i - from] = x->c;
		if (m->by->age(x->c) > m->by->age(g->oldest))
			g->oldest = x->c;
		if (i == from || addr_compare(&x->remote, &x[-1].remote))
			g->places[g->n_places++] = (struct place){ .addr = x->remote };
		g->places[g->n_places - 1].n++;
	}
	qsort(g->places, g->n_places, sizeof(*g->places), by_number);
	g->holders = all_holders(m, g);
}

/* Those of the same processes, from..to: a group each place, or one if they are many. */
static void add_places(struct maker *m, size_t from, size_t to)
{
	size_t places = 1, i;

	for (i = from + 1; i < to; i++)
		places += compare_members(&m->v[i - 1], &m->v[i]) != 0;
	if (m->by->anywhere || (m->by->most_places && places > m->by->most_places)) {
		add_group(m, from, to);
		return;
	}
	for (i = from + 1; i <= to; i++)
		if (i == to || compare_members(&m->v[i - 1], &m->v[i])) {
			add_group(m, from, i);
			from = i;
		}
}

static size_t take_members(struct maker *m, const struct candidates *all)
{
	size_t n = 0, i;

	for (i = 0; i < all->n; i++) {
		const struct connection_facts *c = &all->v[i];
		struct member *x = &m->v[n];

		*x = (struct member){ .c = c, .remote = addr_unmapped(&c->row->peer) };
		x->kind = c->suspect ? m->by->kind(m->q, c) : 0;
		if (!x->kind)
			continue;
		x->owners = m->by->of_anyone ? NULL : c->holders;
		if (c->has_listener || finding_was_accepted(m->q, c->row)) {
			x->listener = c->row->local.port;
			x->remote.port = 0;
		}
		if (m->by->anywhere || m->by->of_hosts)
			x->listener = x->remote.port = 0;
		n++;
	}
	return n;
}

void finding_judge_groups(struct inquiry *q, const struct rule *rule,
			  const struct grouping *by)
{
	struct candidates all = finding_candidates(q, rule);
	struct maker m = { .q = q, .by = by };
	size_t n, i, from = 0;

	m.v = xcalloc(all.n + 1, sizeof(*m.v));
	n = take_members(&m, &all);
	qsort(m.v, n, sizeof(*m.v), compare_members);
	m.out.v = arena_alloc(&q->fs->arena, n * sizeof(*m.out.v) + 1);
	for (i = 1; i <= n; i++)
		if (i == n || compare_owners(&m.v[i - 1], &m.v[i])) {
			add_places(&m, from, i);
			from = i;
		}
	free(m.v);
	for (i = 0; i < m.out.n; i++)
		if (m.out.v[i].n >= by->least)
			by->tell(q, &m.out.v[i]);
}

static void put_place(struct inquiry *q, const struct addr *a)
{
	if (a->port)
		addr_put(&q->text, a);
	else
		addr_put_ip(&q->text, a);
}

void finding_put_places(struct inquiry *q, const struct group *g)
{
	enum { SHOWN = 3 };
	size_t i;

	for (i = 0; i < g->n_places && i < SHOWN; i++) {
		buf_puts(&q->text, i ? ", " : "");
		put_place(q, &g->places[i].addr);
		if (g->n_places > 1)
			say(q, " (%u)", g->places[i].n);
	}
	if (g->n_places > SHOWN)
		say(q, " and %zu more", g->n_places - SHOWN);
}

struct finding *finding_of_group(struct inquiry *q, const struct rule *rule,
				 const struct group *g)
{
	struct finding *f;
	uint64_t *cookies;
	size_t i;

	if (g->n == 1)
		return finding_of_connection(q, rule, g->v[0]);
	say(q, "%zu connections %s ", g->n, g->listener ? "from" : "to");
	finding_put_places(q, g);
	if (g->listener)
		say(q, " to port %u", g->listener);
	buf_puts(&q->text, ", ");
	finding_put_holders(q, g->holders);
	f = finding_add(q->fs, rule);
	f->where = finding_text(q);
	f->holders = g->holders;
	cookies = arena_alloc(&q->fs->arena, g->n * sizeof(*cookies));
	for (i = 0; i < g->n; i++)
		cookies[i] = g->v[i]->row->cookie;
	f->cookies = cookies;
	f->n_cookies = g->n;
	return f;
}
