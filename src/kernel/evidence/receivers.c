/* Unix datagram sockets that have something to read: who is to read it, who waits to send
 * more. */
#include <stdlib.h>

#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/diag_unix.h"
#include "kernel/netlink/uapi.h"
#include "kernel/proc/doing.h"
#include "kernel/proc/owners.h"

enum {
	STALL_MS = 1000, /* a reader that reads nothing for so long stands */
	MOST_SENDERS = 1024,
	MOST_FDS = 64, /* of one sender to one receiver */
};

struct receiver_reading {
	struct evidence *e;
	int turn;
	struct {
		struct receiver_facts *of;
		uint32_t inode;
	} * senders;
	size_t n, cap;
};

static struct receiver_facts *by_inode(struct evidence *e, uint32_t inode)
{
	size_t i;

	for (i = 0; inode && i < e->n_receivers; i++)
		if (e->receivers[i].l.row->inode == inode)
			return &e->receivers[i];
	return NULL;
}

static void take_sender(struct receiver_reading *reading, const struct sock *s)
{
	struct receiver_facts *to = by_inode(reading->e, s->peer_inode);

	if (!to || s->inode == s->peer_inode || reading->turn ||
	    reading->n == MOST_SENDERS)
		return;
	reading->senders = array_grow(reading->senders, reading->n, &reading->cap,
				      sizeof(*reading->senders));
	reading->senders[reading->n].of = to;
	reading->senders[reading->n++].inode = s->inode;
}

static int take_row(const struct nlmsghdr *h, void *ctx)
{
	struct receiver_reading *reading = ctx;
	struct receiver_facts *to;
	struct sock s;

	if (!unix_parse(h, &s) || s.proto != PROTO_UNIX_DGRAM)
		return 0;
	take_sender(reading, &s);
	to = by_inode(reading->e, s.inode);
	if (!to || to->l.row->cookie != s.cookie)
		return 0;
	to->l.read[reading->turn] = true;
	to->l.queued[reading->turn] = s.recv_queue;
	return 0;
}

/* The inodes of those connected to one receiver. */
static void set_clients(struct evidence *e, struct receiver_facts *to,
			const struct receiver_reading *reading)
{
	uint32_t *inodes = arena_alloc(&e->arena, reading->n * sizeof(*inodes) + 1);
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < reading->n; i++)
		if (reading->senders[i].of == to)
			inodes[n++] = reading->senders[i].inode;
	to->l.clients[0] = (struct blob){ inodes, n * (uint32_t)sizeof(*inodes) };
}

static void read_rows(struct reader *r, struct evidence *e, int turn)
{
	const uint32_t states = BIT(STATE_CLOSE) | BIT(STATE_ESTABLISHED);
	struct receiver_reading reading = { .e = e, .turn = turn };
	size_t i;

	evidence_lacks(e, -unix_dump(&r->dump, states, UDIAG_SHOW_RQLEN | UDIAG_SHOW_PEER,
				     take_row, &reading));
	for (i = 0; !turn && i < e->n_receivers; i++)
		set_clients(e, &e->receivers[i], &reading);
	free(reading.senders);
}

/* A reader that is at work empties its queue mostly. */
uint32_t evidence_receivers(struct reader *r, const struct detect *d, struct evidence *e)
{
	bool any = false;
	size_t i;

	if (!d->receivers.n)
		return 0;
	e->n_receivers = d->receivers.n;
	e->receivers = arena_zalloc(&e->arena, e->n_receivers * sizeof(*e->receivers));
	for (i = 0; i < e->n_receivers; i++)
		e->receivers[i].l.row = d->receivers.v[i];
	read_rows(r, e, 0);
	for (i = 0; i < e->n_receivers; i++) {
		struct listener_facts *l = &e->receivers[i].l;

		l->suspect = l->read[0] && l->queued[0];
		any |= l->suspect;
	}
	return any ? STALL_MS : 0;
}

void evidence_want_receivers(const struct evidence *e, struct hash_index *wanted)
{
	size_t i, k;

	for (i = 0; i < e->n_receivers; i++) {
		const struct listener_facts *l = &e->receivers[i].l;
		const uint32_t *inodes = l->clients[0].data;

		if (!l->suspect)
			continue;
		hash_set_add(wanted, l->row->inode);
		for (k = 0; k < l->clients[0].len / sizeof(*inodes); k++)
			hash_set_add(wanted, inodes[k]);
	}
}

static struct sender *sender_of(struct receiver_facts *to, int32_t pid)
{
	size_t i;

	for (i = 0; i < to->n_senders; i++)
		if (to->senders[i].holder->pid == pid)
			return &to->senders[i];
	return NULL;
}

/* Each process that holds one of its clients, with all their descriptors one after the
 * other. */
static const struct holder *client_holders(struct reader *r, struct evidence *e,
					   struct receiver_facts *to)
{
	const struct holder *first = NULL, **link = &first, *h;
	const uint32_t *inodes = to->l.clients[0].data;
	size_t i;

	for (i = 0; i < to->l.clients[0].len / sizeof(*inodes); i++) {
		h = owners_find(&r->owners, inodes[i]);
		to->unseen += !h;
		for (; h; h = h->next)
			holder_append(&e->arena, &link, h)->command = arena_strdup(
				&e->arena, h->command);
	}
	return first;
}

static void look_at(struct sender *s, const struct holder *h)
{
	int32_t fds[MOST_FDS];
	size_t n = 0;

	for (; h && n < MOST_FDS; h = h->next)
		if (h->pid == s->holder->pid)
			fds[n++] = h->fd;
	s->task = doing_sender(s->holder->pid, fds, n, &s->switches);
	s->stands = s->task > 0;
}

static void read_senders(struct reader *r, struct evidence *e, struct receiver_facts *to)
{
	const struct holder *all = client_holders(r, e, to), *h;
	size_t n = 0;

	for (h = all; h; h = h->next)
		n++;
	to->senders = arena_zalloc(&e->arena, n * sizeof(*to->senders) + 1);
	for (h = all; h; h = h->next)
		if (!sender_of(to, h->pid)) {
			to->senders[to->n_senders].holder = h;
			look_at(&to->senders[to->n_senders], h);
			to->unseen += to->senders[to->n_senders++].task < 0;
		}
}

void evidence_senders(struct reader *r, struct evidence *e)
{
	size_t i;

	for (i = 0; i < e->n_receivers; i++) {
		struct receiver_facts *to = &e->receivers[i];

		if (!to->l.suspect)
			continue;
		to->l.holders = evidence_holders(r, e, to->l.row);
		read_senders(r, e, to);
	}
}

bool evidence_sender_stands(struct evidence *e)
{
	bool any = false;
	size_t i, k;

	for (i = 0; i < e->n_receivers; i++)
		for (k = 0; k < e->receivers[i].n_senders; k++) {
			struct sender *s = &e->receivers[i].senders[k];

			s->stands = s->stands && doing_still_sends(s->holder->pid,
								   s->task, s->switches);
			any |= s->stands;
		}
	return any;
}

void evidence_receivers_again(struct reader *r, struct evidence *e)
{
	if (!e->n_receivers)
		return;
	evidence_sender_stands(e);
	read_rows(r, e, 1);
}
