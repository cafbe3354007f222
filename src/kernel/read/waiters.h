/* Who waits for accept(): one walk limited to the ports of some listeners, between two
 * readings of them. */
#pragma once

#include "kernel/read/reader.h"

/*
 * Sets ->accept of the listeners for which `wanted` returns true (memory of the reader's
 * listener arena). Listeners must have been read. Where a queue moved between the
 * readings, or several listeners share it, the figures say so. 0 or -errno.
 */
int waiters_read(struct reader *r,
		 bool (*wanted)(const struct sock *listener, const void *ctx),
		 const void *ctx);

/*
 * The same of recorded rows, for every listener in r->listeners: still[i] says that the
 * i-th was read twice with the same queue. Each of the n rows is there once.
 */
void waiters_count(struct reader *r, const bool *still, struct sock *const *rows,
		   size_t n);
