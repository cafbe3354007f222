#include "kernel/read/unix_join.h"

#include <stdlib.h>

#include "base/hash.h"
#include "kernel/netlink/diag_unix.h"

void unix_rows_free(struct unix_rows *rows)
{
	buf_free(&rows->messages);
	free(rows->names);
	*rows = (struct unix_rows){ 0 };
}

int unix_rows_add(const struct nlmsghdr *h, void *ctx)
{
	struct unix_rows *rows = ctx;
	struct sock s;

	if (!unix_parse(h, &s))
		return 0;
	if (s.path.len) {
		rows->names = array_grow(rows->names, rows->n_names, &rows->cap_names,
					 sizeof(*rows->names));
		rows->names[rows->n_names++] = (struct unix_name){
			.inode = s.inode,
			.at = (uint32_t)(rows->messages.len +
					 (size_t)((const char *)s.path.data -
						  (const char *)h)),
			.len = s.path.len,
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

static struct blob name_of(const struct unix_rows *rows, struct hash_index *x,
			   uint32_t inode)
{
	uint32_t hash = hash_u64(x, inode), step = 0;
	const struct unix_name *name;
	size_t at;

	while (inode && (at = hash_index_next(x, hash, &step)) != SIZE_MAX) {
		name = &rows->names[at];
		if (name->inode == inode)
			return (struct blob){ rows->messages.data + name->at, name->len };
	}
	return (struct blob){ 0 };
}

int unix_rows_show(const struct unix_rows *rows, struct collector *c)
{
	struct hash_index x = make_index(rows);
	const struct nlmsghdr *h;
	struct sock s;
	size_t at;
	int r = 0;

	c->known |= NEED_UNIX_PEER;
	for (at = 0; at < rows->messages.len && r == 0; at += NLMSG_ALIGN(h->nlmsg_len)) {
		h = (const void *)(rows->messages.data + at);
		unix_parse(h, &s);
		s.peer_path = name_of(rows, &x, s.peer_inode);
		r = collect_row(c, &s);
	}
	hash_index_free(&x);
	return r;
}
