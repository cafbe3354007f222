/* Unix rows that wait until all of them are there, because the name of a peer may come
 * after the row that shows it. */
#pragma once

#include "kernel/read/collect_private.h"

struct unix_name {
	uint32_t inode;
	uint32_t at, len; /* of the name, in messages */
	uint32_t vfs_inode, vfs_dev;
	bool has_vfs;
};

/* A client that waits for accept(), and for whom. */
struct unix_wait {
	uint32_t client, listener;
};

/* Zero-initialise. */
struct unix_rows {
	struct buf messages; /* as they came, a fifth of what they are as struct sock */
	struct unix_name *names;
	size_t n_names, cap_names;
	struct unix_wait *waits;
	size_t n_waits, cap_waits;
	bool crowded; /* somebody waits who is not among these */
};

void unix_rows_free(struct unix_rows *rows);

/* Keeps a message of a unix dump. nl_message_fn, ctx is the rows. */
int unix_rows_add(const struct nlmsghdr *h, void *ctx);

/* Keeps who waits for a listener (UDIAG_SHOW_ICONS), and no row. The same. */
int unix_rows_add_waits(const struct nlmsghdr *h, void *ctx);

/* Gives each row the name of its peer and lets it go on. 0 or negative. */
int unix_rows_show(const struct unix_rows *rows, struct collector *c);
