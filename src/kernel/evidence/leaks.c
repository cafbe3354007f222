/* What programs forget: who accepted it, who still waits for it, whether it grows. */
#include <stdlib.h>

#include "base/clock.h"
#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/uapi.h"

/* From the dump of all rows to the last reading of what grows. */
enum { GROWTH_WINDOW_MS = 1000 };

int evidence_take_inode(const struct nlmsghdr *h, void *ctx)
{
	struct inode_list *list = ctx;
	struct sock s;

	if (inet_parse_brief(h, PROTO_TCP, &s) && s.inode) {
		list->v = array_grow(list->v, list->n, &list->cap, sizeof(*list->v));
		list->v[list->n++] = s.inode;
	}
	return 0;
}

/* The other ends of the candidates, and which of these wait for an answer. */
struct awaited {
	struct hash_index index; /* of v, by both ends */
	struct connection_facts *v;
};

static uint32_t hash_ends(struct hash_index *x, const struct addr *local,
			  const struct addr *peer)
{
	const struct hash_key *key = hash_index_key(x);
	struct addr a = addr_unmapped(local), b = addr_unmapped(peer);
	uint64_t h = hash_step(key, key->k[0] ^ ((uint64_t)a.port << 16 | b.port), a.ip);

	return hash_end(key, hash_step(key, h, b.ip));
}

static int take_half_closed(const struct nlmsghdr *h, void *ctx)
{
	struct awaited *w = ctx;
	uint32_t hash, step = 0;
	struct sock s;
	size_t at;

	/* Without an owner nobody waits. */
	if (!inet_parse_brief(h, PROTO_TCP, &s) || !s.inode)
		return 0;
	hash = hash_ends(&w->index, &s.peer, &s.local);
	while ((at = hash_index_next(&w->index, hash, &step)) != SIZE_MAX)
		if (addr_same_end(&w->v[at].row->local, &s.peer) &&
		    addr_same_end(&w->v[at].row->peer, &s.local))
			w->v[at].is_awaited = true;
	return 0;
}

static void find_awaited(struct reader *r, struct evidence *e,
			 const struct suspects *list, struct connection_facts *v)
{
	struct inet_query q = { .protocol = IPPROTO_TCP, .states = BIT(STATE_FIN_WAIT2) };
	struct awaited w = { .v = v };
	size_t i;

	for (i = 0; i < list->n; i++)
		hash_index_add(&w.index,
			       hash_ends(&w.index, &v[i].row->local, &v[i].row->peer), i);
	evidence_lacks(e, -inet_dump(&r->dump, &q, take_half_closed, &w));
	hash_index_free(&w.index);
}

static bool looks_at_ends(const struct suspects *list)
{
	return list->n && list->rule->look_ends && list->count >= list->rule->least;
}

void evidence_ends(struct reader *r, struct evidence *e, const struct suspects *list,
		   struct connection_facts *v)
{
	const struct sock *listener;
	uint32_t members;
	size_t i;
	int err;

	if (!looks_at_ends(list))
		return;
	if (!(list->rule->rows & BIT(STATE_FIN_WAIT2)))
		find_awaited(r, e, list, v);
	err = reader_listeners(r, 0);
	evidence_lacks(e, -err);
	for (i = 0; err >= 0 && i < list->n; i++)
		v[i].has_listener = reader_listener_of(r, v[i].row, &listener, &members);
}

/* One socket more for each process that holds it; false if nobody is known to. */
static bool count_later(struct owners *o, struct evidence *e, uint32_t inode, int turn)
{
	const struct holder *h = owners_find(o, inode);
	bool found = h != NULL;
	int32_t last = -1;
	size_t k;

	/* Several descriptors of one process are one socket. */
	for (; h; last = h->pid, h = h->next)
		for (k = 0; h->pid != last && k < e->n_processes; k++)
			if (e->processes[k].pid == h->pid)
				e->processes[k].leaked[turn]++;
	return found;
}

/* The sockets that are new since the owners were read: the same processes are asked
 * again, for these alone. */
static void count_fresh(struct reader *r, struct evidence *e,
			const struct inode_list *list, const struct hash_index *fresh,
			int turn)
{
	_cleanup_free_ int32_t *pids = xcalloc(e->n_processes, sizeof(*pids));
	struct owners owners = { 0 };
	size_t i;

	for (i = 0; i < e->n_processes; i++)
		pids[i] = e->processes[i].pid;
	owners_scan(&owners, fresh, pids, e->n_processes, r->threads);
	evidence_lacks(e, owners.failed);
	for (i = 0; i < list->n; i++)
		if (hash_set_has(fresh, list->v[i]))
			count_later(&owners, e, list->v[i], turn);
	owners_free(&owners);
}

/* The rows of the dump, as their owners were read. */
static void count_first(struct evidence *e, const struct suspects *list,
			const struct connection_facts *v)
{
	const struct holder *h;
	int32_t last;
	size_t i, k;

	for (i = 0; i < list->n; i++)
		for (h = v[i].holders, last = -1; h; last = h->pid, h = h->next)
			for (k = 0; h->pid != last && k < e->n_processes; k++)
				if (e->processes[k].pid == h->pid)
					e->processes[k].leaked[0]++;
}

/* One more reading, so long after the middle of the dump. */
static bool read_growth(struct reader *r, struct evidence *e, const struct suspects *list,
			int turn)
{
	struct inet_query q = { .protocol = IPPROTO_TCP, .states = list->rule->rows };
	struct inode_list inodes = { 0 };
	struct hash_index fresh = { 0 };
	bool grows = false;
	size_t i;
	int err;

	err = inet_dump(&r->dump, &q, evidence_take_inode, &inodes);
	evidence_lacks(e, -err);
	for (i = 0; err >= 0 && i < inodes.n; i++)
		if (!count_later(&r->owners, e, inodes.v[i], turn))
			hash_set_add(&fresh, inodes.v[i]);
	if (fresh.n)
		count_fresh(r, e, &inodes, &fresh, turn);
	for (i = 0; err >= 0 && i < e->n_processes; i++) {
		struct process_facts *p = &e->processes[i];

		p->readings = (uint8_t)turn;
		grows |= p->leaked[turn] > p->leaked[turn - 1];
	}
	hash_index_free(&fresh);
	free(inodes.v);
	return grows;
}

void evidence_growth(struct reader *r, struct evidence *e, const struct suspects *list,
		     const struct connection_facts *v, uint64_t middle)
{
	uint32_t least = list->rule->again_least ? list->rule->again_least
						 : list->rule->least;
	bool grows = true;
	int turn;

	if (list->count < least || !e->n_processes)
		return;
	count_first(e, list, v);
	for (turn = 1; turn <= GROWTH_READINGS && grows; turn++) {
		/* Only what grows is watched for longer. */
		if (turn > 1)
			clock_sleep_until((middle + GROWTH_WINDOW_MS) * 1000);
		e->growth_ms[turn] = (uint32_t)(clock_ms() - middle);
		grows = read_growth(r, e, list, turn);
	}
}

void evidence_want_listening(const struct reader *r, const struct suspects *list,
			     struct hash_index *wanted)
{
	size_t i;

	for (i = 0; looks_at_ends(list) && i < r->listeners.n; i++)
		hash_set_add(wanted, r->listeners.v[i]->inode);
}

void evidence_listening(struct reader *r, struct evidence *e, const struct suspects *list)
{
	const struct holder *h;
	size_t i, k;

	for (i = 0; looks_at_ends(list) && i < r->listeners.n; i++)
		for (h = owners_find(&r->owners, r->listeners.v[i]->inode); h;
		     h = h->next)
			for (k = 0; k < e->n_processes; k++)
				if (e->processes[k].pid == h->pid)
					e->processes[k].listens = true;
}
