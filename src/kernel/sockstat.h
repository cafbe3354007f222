/* The kernel's own counts of the sockets of this thread's network namespace: what
 * /proc/net/sockstat and sockstat6 say (proc(5)). */
#pragma once

#include "base/util.h"

/* Hashed TCP sockets of both families, TIME_WAIT included; half-open requests and bound
 * sockets are not counted. False if it cannot be read. */
bool sockstat_tcp(uint64_t *n);

/*
 * Whether the namespace has no TCP socket at all, but perhaps bound ones. A dump would
 * have to walk the whole table to find that out, and the table is often shared by all
 * namespaces.
 */
bool sockstat_no_tcp(void);
