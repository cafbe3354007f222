/* --trace, the teaching view: each system call on a socket, its result, and what it did
 * in the kernel, read back through sock_diag; the queues of the listener drawn as they
 * fill. As lines for people, or as events with --json. */
#pragma once

#include "cmd/endpoint/tracer_state.h"

/* t may be NULL. */
void tracer_call(struct tracer *t, const struct net_event *e);
