/* --trace, the teaching view: each system call on a socket, its result, and what it did
 * in the kernel, read back through sock_diag; the queues of the listener drawn as they
 * fill. As lines for people, or as events with --json. */
#pragma once

#include "cmd/endpoint/tell_out.h"
#include "kernel/netlink/nl.h"
#include "model/sock.h"
#include "net/relay/session.h"

/* What is remembered of a connection: once both ends are through, its descriptor knows
 * nothing of it any more. */
struct tracer_end {
	struct addr local, peer;
	enum closer first; /* who sent the first FIN */
};

/* A connection that nobody has accepted, as it was seen last. */
struct tracer_waiting {
	struct addr peer;
	bool half_open; /* in the SYN queue still */
};

struct tracer {
	struct nl nl;
	bool blind; /* no sock_diag here: calls only */
	bool json;
	struct tell_out *out;
	struct timer look;
	int listener; /* its descriptor, -1 = none */
	uint32_t syn_queue, accept_queue, limit;
	struct addr local; /* of the listener */
	struct tracer_waiting *waiting;
	size_t n_waiting, cap_waiting;
	struct tracer_end *ends; /* by descriptor */
	size_t n_ends, cap_ends;
};

/* Without sock_diag the calls are still shown. */
void tracer_init(struct tracer *t, bool json, struct tell_out *out);
void tracer_free(struct tracer *t);
void tracer_call(struct tracer *t, const struct net_event *e);
/* Looks at the listener's queues now and then while the loop runs. */
void tracer_watch(struct tracer *t, struct loop *l);
