/* Unix sockets through unix_diag. */
#pragma once

#include "kernel/netlink/nl.h"
#include "model/sock.h"

/* Every unix socket in one of the states; show = UDIAG_SHOW_* bits. 0 or -errno, as
 * nl_dump(). */
int unix_dump(struct nl *nl, uint32_t states, uint32_t show, nl_message_fn *fn,
	      void *ctx);

/* The unix socket of this inode; its texts live until the next request. 0, -ENOENT, or
 * -errno. */
int unix_exact(struct nl *nl, uint32_t inode, uint32_t show, struct sock *s);

/* One unix_diag message into *s; false if it is too short or of another family. */
bool unix_parse(const struct nlmsghdr *h, struct sock *s);
