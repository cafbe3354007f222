/* Accept queues of unix sockets: who waits, by the inode of his socket. */
#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/diag_unix.h"
#include "kernel/netlink/uapi.h"
#include "kernel/proc/owners.h"
#include "model/finding/pace.h"

/* A server that takes one client a second is slow; this is looked at no longer. */
enum { SLOW_MS = 1000 };

struct unix_reading {
	struct evidence *e;
	int turn;
};

/* Who waits stands in the row itself: it is of one moment. */
static void take_clients(struct evidence *e, struct listener_facts *l, int turn,
			 const struct blob *clients)
{
	struct accept_stats *stats = &l->stats[turn];
	size_t n = clients->len / sizeof(uint32_t), i;
	const uint32_t *inodes;
	struct waiter *who;

	inodes = arena_dup(&e->arena, clients->data, clients->len + 1);
	who = arena_zalloc(&e->arena, n * sizeof(*who) + 1);
	l->clients[turn] = (struct blob){ inodes, clients->len };
	*stats = (struct accept_stats){
		.attributable = true, .stable = true, .who = who, .n_who = (uint32_t)n
	};
	for (i = 0; i < n; i++) {
		who[i].cookie = inodes[i];
		stats->waiting += inodes[i] != 0;
		stats->gave_up += inodes[i] == 0;
	}
}

static struct listener_facts *unix_listener(struct evidence *e, uint64_t cookie)
{
	size_t i;

	for (i = 0; i < e->n_listeners; i++)
		if (sock_is_unix(e->listeners[i].row) &&
		    e->listeners[i].row->cookie == cookie)
			return &e->listeners[i];
	return NULL;
}

static int take_row(const struct nlmsghdr *h, void *ctx)
{
	const struct unix_reading *reading = ctx;
	struct listener_facts *l;
	int turn = reading->turn;
	struct sock s;

	if (!unix_parse(h, &s) || !sock_has_accept_queue(&s) ||
	    !(l = unix_listener(reading->e, s.cookie)))
		return 0;
	l->read[turn] = true;
	l->queued[turn] = s.recv_queue;
	l->limit = s.send_queue;
	if (s.waiting_clients.data || !s.recv_queue)
		take_clients(reading->e, l, turn, &s.waiting_clients);
	return 0;
}

static bool all_read(const struct evidence *e, int turn)
{
	size_t i;

	for (i = 0; i < e->n_listeners; i++)
		if (sock_is_unix(e->listeners[i].row) && !e->listeners[i].read[turn])
			return false;
	return true;
}

static void read_rows(struct reader *r, struct evidence *e, int turn)
{
	const uint32_t listen = BIT(STATE_LISTEN);
	struct unix_reading reading = { e, turn };
	size_t i;

	for (i = 0; i < e->n_listeners; i++)
		e->listeners[i].read[turn] &= !sock_is_unix(e->listeners[i].row);
	evidence_lacks(e,
		       -unix_dump(&r->dump, listen, UDIAG_SHOW_RQLEN | UDIAG_SHOW_ICONS,
				  take_row, &reading));
	/* A queue whose clients do not fit into a message ends the dump (sk_diag_fill()
	 * fails, and nothing follows). */
	if (!all_read(e, turn))
		evidence_lacks(e, -unix_dump(&r->dump, listen, UDIAG_SHOW_RQLEN, take_row,
					     &reading));
}

static void compare(struct listener_facts *l)
{
	if (l->stats[0].n_who && l->read[1] && (l->stats[1].n_who || !l->queued[1]))
		l->accepted = pace_of_unix(&l->clients[0], &l->clients[1], &l->still);
}

void evidence_unix_listeners(struct reader *r, struct evidence *e, int turn)
{
	size_t i;

	read_rows(r, e, turn);
	for (i = 0; turn && i < e->n_listeners; i++)
		if (sock_is_unix(e->listeners[i].row))
			compare(&e->listeners[i]);
}

static bool is_listed(const struct holder *list, int32_t pid)
{
	for (; list; list = list->next)
		if (list->pid == pid)
			return true;
	return false;
}

void evidence_unix_clients(struct reader *r, struct evidence *e, struct listener_facts *l)
{
	enum { MOST_CLIENTS = 64 };
	const uint32_t *inodes = l->clients[0].data;
	size_t n = l->clients[0].len / sizeof(*inodes), i, listed = 0;
	const struct holder *h, **link = &l->client_holders;

	for (i = 0; i < n && listed < MOST_CLIENTS; i++)
		for (h = owners_find(&r->owners, inodes[i]); h; h = h->next) {
			if (is_listed(l->client_holders, h->pid))
				continue;
			holder_append(&e->arena, &link, h)->command = arena_strdup(
				&e->arena, h->command);
			listed++;
		}
}

bool evidence_unix_waits(struct reader *r, struct evidence *e, uint32_t watched_ms)
{
	size_t i;

	evidence_unix_listeners(r, e, 1);
	for (i = 0; i < e->n_listeners; i++) {
		const struct listener_facts *l = &e->listeners[i];

		if (sock_is_unix(l->row) && l->suspect && l->still &&
		    (!l->accepted || watched_ms < SLOW_MS))
			return true;
	}
	return false;
}
