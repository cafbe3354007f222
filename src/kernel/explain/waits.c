#include "kernel/explain/waits.h"

#include <linux/unix_diag.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernel/explain/explain_private.h"
#include "kernel/netlink/diag_unix.h"
#include "kernel/read/waiters.h"
#include "model/cause/listener_match.h"

struct accept_waits {
	struct reader r;
	int err; /* of reading the listeners */
	bool read;
};

/* Its own row says the interface it is bound to; what this host sends to itself comes in
 * by the loopback device. */
static int ask_end(struct reader *r, struct sock *key, struct sock *answer)
{
	enum { LOOPBACK_IFINDEX = 1 }; /* include/net/flow.h: in every namespace */
	int err = reader_exact(r, key, 0, answer);

	if (err == 0 && !sock_is_listener(answer))
		return 0;
	key->ifindex = LOOPBACK_IFINDEX;
	return reader_exact(r, key, 0, answer);
}

enum known waits_accepted(const struct addr *server, const struct addr *client)
{
	_cleanup_reader_ struct reader r = { 0 };
	struct sock key = { .local = addr_unmapped(server),
			    .peer = addr_unmapped(client),
			    .ifindex = server->scope },
		    end;

	if (ask_end(&r, &key, &end) < 0 || sock_is_listener(&end) ||
	    end.local.port != server->port || end.peer.port != client->port)
		return KNOWN_NOT;
	if (sock_is_unaccepted(&end))
		return KNOWN_OFF;
	return end.inode ? KNOWN_ON : KNOWN_NOT;
}

enum known waits_unix_accepted(uint32_t inode)
{
	struct sock own = { 0 };
	struct nl nl;
	int err = nl_open(&nl, NULL);

	if (err == 0)
		err = unix_exact(&nl, inode, UDIAG_SHOW_PEER, &own);
	nl_close(&nl);
	if (err < 0 || !(own.has & SOCK_HAS_PEER_INODE))
		return KNOWN_NOT;
	return known_bool(own.peer_inode != 0);
}

struct accept_waits *waits_new(void)
{
	return xcalloc(1, sizeof(struct accept_waits));
}

void waits_free(struct accept_waits *w)
{
	if (!w)
		return;
	reader_close(&w->r);
	free(w);
}

static bool read_listeners(struct accept_waits *w)
{
	if (!w->read) {
		w->read = true;
		w->err = reader_open(&w->r, NULL);
		if (w->err == 0)
			w->err = reader_listeners(&w->r, 0);
	}
	return w->err == 0;
}

struct place {
	const struct addr *to;
	uint32_t device;
	int score; /* of those that take what comes to it */
};

static bool is_there(const struct sock *listener, const void *ctx)
{
	const struct place *p = ctx;

	return listener_score(listener, p->to, p->device) == p->score;
}

/* A queue on the port, of whatever address: else nobody need be asked whose it is. */
static bool any_queued(const struct listeners *l, uint16_t port)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->v[i]->local.port == port && l->v[i]->recv_queue)
			return true;
	return false;
}

static void find_place(const struct listeners *l, struct place *p)
{
	size_t i;

	explain_find_device(p->to, &p->device);
	for (i = 0; i < l->n; i++)
		p->score = MAX(p->score, listener_score(l->v[i], p->to, p->device));
}

/* Those that may hold it: of a group the members that hold any. */
static void keep_holders(const struct listeners *l, const struct place *p,
			 struct waiting *f, struct kept *k)
{
	bool queued = false;
	size_t i;

	for (i = 0; i < l->n; i++)
		queued |= is_there(l->v[i], p) && l->v[i]->recv_queue;
	for (i = 0; i < l->n; i++) {
		const struct sock *s = l->v[i];

		if (!is_there(s, p))
			continue;
		if (s->recv_queue || !queued)
			kept_add(k, s);
		/* A group has one count, of whichever member is the first. */
		if (s->accept && s->accept->waiting && s->accept->has_wait) {
			f->n += s->accept->waiting;
			f->oldest_ms = MAX(f->oldest_ms, s->accept->longest_wait_ms);
		}
	}
}

static void look_inet(struct accept_waits *w, const struct addr *to, struct arena *a,
		      struct waiting *f)
{
	_cleanup_reader_ struct reader names = { 0 };
	struct listeners *l = &w->r.listeners;
	struct place place = { .to = to };
	struct kept k = { .arena = a };

	if (!read_listeners(w) || (!f->held && !any_queued(l, to->port)))
		return;
	find_place(l, &place);
	if (!place.score || waiters_read(&w->r, is_there, &place) < 0)
		return;
	keep_holders(l, &place, f, &k);
	/* Only now are all processes read. */
	if (f->held || waiting_is_long(f)) {
		kept_own(&k, &names);
		f->owners_error = names.owners.failed;
		f->found = explain_found(a, k.v, k.n);
		f->n_found = k.n;
	}
	kept_free(&k);
}

/* How long others wait at a unix socket stands in no table. */
static void look_unix(const struct connect_question *q, struct arena *a,
		      struct waiting *f)
{
	struct bind_facts *file = arena_zalloc(a, sizeof(*file));

	explain_bind(&(struct bind_question){ .candidate.proto = q->proto,
					      .name = q->name,
					      .name_len = q->name_len,
					      .abstract = q->abstract,
					      .address = q->address,
					      .asked = q->address },
		     a, file);
	f->owners_error = file->owners_error;
	if (!file->taken || file->taken->holder.row->state != STATE_LISTEN)
		return;
	f->found = arena_dup(a, file->taken, sizeof(*f->found));
	f->n_found = 1;
}

void waits_look(struct accept_waits *w, const struct connect_question *q,
		uint64_t held_us, struct arena *a, struct waiting *f)
{
	struct addr to = addr_unmapped(&q->to);

	*f = (struct waiting){ .held = held_us > 0,
			       .held_us = held_us,
			       .asker = geteuid() };
	if (!q->name)
		look_inet(w, &to, a, f);
	else if (f->held)
		look_unix(q, a, f);
}
