/* The kernel's own counts of the sockets of this thread's network namespace: what
 * /proc/net/sockstat and sockstat6 say (proc(5)). */
#pragma once

#include "base/util.h"

/* Hashed TCP sockets of both families, TIME_WAIT included; half-open requests and bound
 * sockets are not counted. False if it cannot be read. */
bool sockstat_tcp(uint64_t *n);

/*
 * Whether the namespace has no TCP socket at all, but perhaps bound ones and half-open
 * requests. A dump would
 * have to walk the whole table to find that out, and the table is often shared by all
 * namespaces.
 */
bool sockstat_no_tcp(void);

/*
 * Whether each TCP socket of the machine is one of this namespace that listens or has a
 * peer. Then none is bound and silent, and none is in another namespace: what takes long
 * walks to look for need not be looked for. False also if it cannot be told.
 */
bool sockstat_all_tcp_is_here(void);
