/*
 * The part of a filter that the kernel can decide, as INET_DIAG_REQ_BYTECODE
 * (linux/inet_diag.h; run by inet_diag_bc_run() in net/ipv4/inet_diag.c).
 */
#pragma once

#include "base/buf.h"
#include "model/filter/filter.h"

struct bytecode_caps {
	bool net_admin; /* in the namespace's user namespace: MARK_COND is EPERM without
			 */
	/*
	 * The index of an interface, 0 if there is none; asked in the namespace that is
	 * dumped. NULL: conditions on names are left to user space.
	 */
	uint32_t (*ifindex)(const char *name);
};

/*
 * Compiles what the kernel can decide of node. The program passes a superset of the IP
 * rows that match, so every row must still be evaluated; it says nothing of unix sockets.
 * Of "autobound" the kernel knows more than a row tells (SOCK_BINDPORT_LOCK): rows that
 * were bound by hand inside the ephemeral range are not passed.
 *
 * Appends the program to *program. Returns false, and leaves *program as it was, if
 * nothing can be compiled (node may be NULL) or it is too large: then every row is
 * wanted. A kernel that lacks an operation (CGROUP_COND: 5.8) answers EINVAL: ask again
 * without.
 */
bool bytecode_compile(struct buf *program, const struct filter_node *node,
		      const struct bytecode_caps *caps);
