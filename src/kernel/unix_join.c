#include "kernel/unix_join.h"

#include <stdlib.h>

#include "kernel/diag_unix.h"

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

/* Names by inode: open addressing, half full; NULL = free. */
struct index {
	const struct unix_name **slots;
	size_t size;
};

static struct index make_index(const struct unix_rows *rows)
{
	struct index x = { .size = rows->n_names * 2 + 1 };
	size_t i, slot;

	x.slots = xcalloc(x.size, sizeof(*x.slots));
	for (i = 0; i < rows->n_names; i++) {
		slot = rows->names[i].inode % x.size;
		while (x.slots[slot])
			slot = slot + 1 == x.size ? 0 : slot + 1;
		x.slots[slot] = &rows->names[i];
	}
	return x;
}

static struct blob name_of(const struct unix_rows *rows, const struct index *x,
			   uint32_t inode)
{
	size_t slot = inode % x->size;
	const struct unix_name *name;

	while (inode && (name = x->slots[slot])) {
		if (name->inode == inode)
			return (struct blob){ rows->messages.data + name->at, name->len };
		slot = slot + 1 == x->size ? 0 : slot + 1;
	}
	return (struct blob){ 0 };
}

int unix_rows_show(const struct unix_rows *rows, struct collector *c)
{
	struct index x = make_index(rows);
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
	free(x.slots);
	return r;
}
