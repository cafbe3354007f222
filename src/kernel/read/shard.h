/*
 * One TCP dump as several that the kernel makes at the same time, one a processor. A
 * dump is the kernel's work, nearly all of it, and one processor does it; so each thread
 * asks for the sockets of its own range of ports (INET_DIAG_REQ_BYTECODE) and receives,
 * while the caller's thread reads the messages of all. Rows come in another order.
 */
#pragma once

#include "kernel/netlink/diag_inet.h"

enum { SHARDS_MOST = 4 };

/* How many shards a dump of this namespace is worth: 1 = it is small. threads: 0 = as
 * many as processors; more than 1 = that many, however small it is. */
unsigned shard_count(unsigned threads);

/*
 * As inet_dump(), in n shards; q has no bytecode, port or LISTEN. The first packet of a
 * dump for all tells where to cut; some rows come twice, within that many rows. Where no
 * cut would help (one port on both ends), the one dump goes on to its end.
 */
int shard_dump(struct nl *nl, const struct inet_query *q, unsigned n, nl_message_fn *fn,
	       void *ctx);
