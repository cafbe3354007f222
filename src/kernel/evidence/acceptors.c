/* Who of those that hold a listener is to accept: what each of them does. */
#include <stdlib.h>

#include "base/clock.h"
#include "kernel/evidence/actors.h"
#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/proc/doing.h"
#include "model/finding/acceptors.h"

enum {
	MOST_ACCEPTORS = 64, /* of one listener */
	MOST_MS = 100,	     /* for all of them */
};

static struct process_facts *facts_of(struct evidence *e, int32_t pid)
{
	size_t i = 0;

	while (e->processes[i].pid != pid)
		i++;
	return &e->processes[i];
}

/* The descriptors of one process follow each other. */
static size_t count_descriptors(const struct holder *h)
{
	size_t n = 0;
	int32_t pid = h->pid;

	for (; h && h->pid == pid; h = h->next)
		n++;
	return n;
}

static void look_at(struct evidence *e, struct acceptor *a, size_t n_fds, uint32_t inode,
		    uint64_t sockfs)
{
	_cleanup_free_ int32_t *fds = xcalloc(n_fds, sizeof(*fds));
	struct doing_listener l = { inode, sockfs, fds, n_fds };
	const struct holder *h = a->holder;
	size_t i;

	for (i = 0; i < n_fds; i++, h = h->next)
		fds[i] = h->fd;
	doing_read(a->holder->pid, &e->arena, &facts_of(e, a->holder->pid)->doing);
	a->waits = doing_waits(a->holder->pid, &l);
}

static void mark_serving(struct listener_facts *l, const struct holder *h)
{
	size_t i;

	for (; h; h = h->next)
		for (i = 0; i < l->n_acceptors; i++)
			l->acceptors[i].serves |= l->acceptors[i].holder->pid == h->pid;
}

/* Who has a connection that came to the port: it serves clients, or has. */
static void find_connections(struct reader *r, struct evidence *e,
			     struct listener_facts *l)
{
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.states = BIT(STATE_ESTABLISHED) | BIT(STATE_CLOSE_WAIT),
				.sport = l->row->local.port };
	_cleanup_free_ int32_t *pids = xcalloc(l->n_acceptors, sizeof(*pids));
	struct inode_list list = { 0 };
	struct hash_index wanted = { 0 };
	struct owners owners = { 0 };
	size_t i;

	evidence_lacks(e, -inet_dump(&r->dump, &q, evidence_take_inode, &list));
	for (i = 0; i < list.n; i++)
		hash_set_add(&wanted, list.v[i]);
	for (i = 0; i < l->n_acceptors; i++)
		pids[i] = l->acceptors[i].holder->pid;
	if (list.n)
		owners_scan(&owners, &wanted, pids, l->n_acceptors, 1);
	for (i = 0; i < list.n; i++)
		mark_serving(l, owners_find(&owners, list.v[i]));
	owners_free(&owners);
	hash_index_free(&wanted);
	free(list.v);
}

static void read_acceptors(struct reader *r, struct evidence *e, struct listener_facts *l,
			   uint64_t sockfs, uint64_t until)
{
	const struct holder *h = l->holders;
	size_t n_fds;

	l->acceptors = arena_zalloc(&e->arena, MOST_ACCEPTORS * sizeof(*l->acceptors));
	for (; h; l->n_acceptors++) {
		struct acceptor *a = &l->acceptors[l->n_acceptors];

		/* Nobody is told apart where not all were looked at. */
		if (l->n_acceptors == MOST_ACCEPTORS || clock_ms() >= until) {
			l->n_acceptors = 0;
			return;
		}
		a->holder = h;
		n_fds = count_descriptors(h);
		look_at(e, a, n_fds, l->row->inode, sockfs);
		while (n_fds--)
			h = h->next;
	}
	if (l->n_acceptors > 1 && r->dump.sock && !sock_is_unix(l->row))
		find_connections(r, e, l);
	acceptors_judge(e, l);
}

void evidence_acceptors(struct reader *r, struct evidence *e)
{
	uint64_t until = clock_ms() + MOST_MS, sockfs = 0;
	size_t i;

	for (i = 0; i < e->n_listeners; i++) {
		struct listener_facts *l = &e->listeners[i];

		if (!l->suspect || !l->holders)
			continue;
		sockfs = sockfs ? sockfs : doing_sockfs();
		read_acceptors(r, e, l, sockfs, until);
	}
	for (i = 0; i < e->n_receivers; i++)
		if (e->receivers[i].l.suspect && e->receivers[i].l.holders)
			read_acceptors(r, e, &e->receivers[i].l,
				       sockfs ? sockfs : doing_sockfs(), until);
}

const struct holder *evidence_actors(struct reader *r, const struct sock *listener,
				     struct arena *a)
{
	struct evidence e = { 0 };
	struct listener_facts l = { .row = listener };
	const struct holder *h, *first = NULL, **link = &first;

	l.holders = evidence_take_holders(&e, listener->holders);
	read_acceptors(r, &e, &l, doing_sockfs(), clock_ms() + MOST_MS);
	for (h = l.actors; h; h = h->next)
		holder_append(a, &link, h)->command = arena_strdup(a, h->command);
	arena_free(&e.arena);
	free(e.processes);
	return first ? first : listener->holders;
}
