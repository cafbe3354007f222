/* --trace, the teaching view: each system call on a socket, its result, and what it did
 * in the kernel, read back through sock_diag; the queues of the listener drawn as they
 * fill. */
#pragma once

#include "kernel/nl.h"
#include "net/session.h"

struct tracer {
	struct nl nl;
	bool blind; /* no sock_diag here: calls only */
	struct timer look;
	int listener; /* its descriptor, -1 = none */
	uint32_t syn_queue, accept_queue, limit;
	struct addr local; /* of the listener */
};

/* Without sock_diag the calls are still shown. */
void tracer_init(struct tracer *t);
void tracer_free(struct tracer *t);
void tracer_call(struct tracer *t, const struct net_event *e);
/* Looks at the listener's queues now and then while the loop runs. */
void tracer_watch(struct tracer *t, struct loop *l);
