#include "kernel/read/unix_join.h"

#include <stdlib.h>

#include "base/hash.h"
#include "kernel/netlink/diag_unix.h"

void unix_rows_free(struct unix_rows *rows)
{
	buf_free(&rows->messages);
	free(rows->names);
	free(rows->waits);
	*rows = (struct unix_rows){ 0 };
}

static void add_waits(struct unix_rows *rows, const struct sock *s)
{
	const uint32_t *clients = s->waiting_clients.data;
	size_t n = s->waiting_clients.len / sizeof(*clients), i;

	for (i = 0; i < n; i++) {
		rows->waits = array_grow(rows->waits, rows->n_waits, &rows->cap_waits,
					 sizeof(*rows->waits));
		rows->waits[rows->n_waits++] = (struct unix_wait){ clients[i], s->inode };
	}
}

int unix_rows_add_waits(const struct nlmsghdr *h, void *ctx)
{
	struct sock s;

	if (unix_parse(h, &s))
		add_waits(ctx, &s);
	return 0;
}

int unix_rows_add(const struct nlmsghdr *h, void *ctx)
{
	struct unix_rows *rows = ctx;
	struct sock s;

	if (!unix_parse(h, &s))
		return 0;
	add_waits(rows, &s);
	rows->crowded |= sock_is_listener(&s) && s.recv_queue && !s.waiting_clients.len;
	if (s.path.len) {
		rows->names = array_grow(rows->names, rows->n_names, &rows->cap_names,
					 sizeof(*rows->names));
		rows->names[rows->n_names++] = (struct unix_name){
			.inode = s.inode,
			.at = (uint32_t)(rows->messages.len +
					 (size_t)((const char *)s.path.data -
						  (const char *)h)),
			.len = s.path.len,
			.vfs_inode = s.vfs_inode,
			.vfs_dev = s.vfs_dev,
			.has_vfs = s.has & SOCK_HAS_VFS,
		};
	}
	buf_put(&rows->messages, h, h->nlmsg_len);
	buf_pad(&rows->messages, '\0', NLMSG_ALIGN(h->nlmsg_len) - h->nlmsg_len);
	return 0;
}

/* Names by inode. */
static struct hash_index make_index(const struct unix_rows *rows)
{
	struct hash_index x = { 0 };
	size_t i;

	for (i = 0; i < rows->n_names; i++)
		hash_index_add(&x, hash_u64(&x, rows->names[i].inode), i);
	return x;
}

/* The name of the socket with this inode, and its file, are those of the peer. */
static void join_peer(const struct unix_rows *rows, struct hash_index *x, uint32_t inode,
		      struct sock *s)
{
	uint32_t hash = hash_u64(x, inode), step = 0;
	const struct unix_name *name;
	size_t at;

	while (inode && (at = hash_index_next(x, hash, &step)) != SIZE_MAX) {
		name = &rows->names[at];
		if (name->inode != inode)
			continue;
		s->peer_path = (struct blob){ rows->messages.data + name->at, name->len };
		s->peer_vfs_inode = name->vfs_inode;
		s->peer_vfs_dev = name->vfs_dev;
		s->has |= name->has_vfs ? SOCK_HAS_PEER_VFS : 0;
		return;
	}
}

static struct hash_index index_waits(const struct unix_rows *rows)
{
	struct hash_index x = { 0 };
	size_t i;

	for (i = 0; i < rows->n_waits; i++)
		hash_index_add(&x, hash_u64(&x, rows->waits[i].client), i);
	return x;
}

/* The listener in whose queue a client is; 0 if it is in none. */
static uint32_t waits_for(const struct unix_rows *rows, struct hash_index *x,
			  uint32_t client)
{
	uint32_t hash = hash_u64(x, client), step = 0;
	size_t at;

	while (rows->n_waits && (at = hash_index_next(x, hash, &step)) != SIZE_MAX)
		if (rows->waits[at].client == client)
			return rows->waits[at].listener;
	return 0;
}

int unix_rows_show(const struct unix_rows *rows, struct collector *c)
{
	struct hash_index x = make_index(rows), waits = index_waits(rows);
	uint32_t listener;
	const struct nlmsghdr *h;
	struct sock s;
	size_t at;
	int r = 0;

	c->known |= NEED_UNIX_PEER;
	for (at = 0; at < rows->messages.len && r == 0; at += NLMSG_ALIGN(h->nlmsg_len)) {
		h = (const void *)(rows->messages.data + at);
		unix_parse(h, &s);
		join_peer(rows, &x, s.peer_inode, &s);
		/* What it is connected to has no inode, and no row, before accept(). */
		listener = s.peer_inode ? 0 : waits_for(rows, &waits, s.inode);
		if (listener) {
			join_peer(rows, &x, listener, &s);
			s.has |= SOCK_AWAITS_ACCEPT;
		}
		r = collect_row(c, &s);
	}
	hash_index_free(&x);
	hash_index_free(&waits);
	return r;
}
