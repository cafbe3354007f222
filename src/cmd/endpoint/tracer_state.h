/* What the tracer knows, and how it asks the kernel. */
#pragma once

#include "cmd/endpoint/tell_out.h"
#include "kernel/netlink/nl.h"
#include "model/sock.h"
#include "net/relay/session.h"

enum { TRACER_CALL_COLUMN = 43, TRACER_STATE_COLUMN = 12 };

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

/* The kernel's row of a descriptor; false where it has none (bound only, reset). */
bool tracer_row(struct tracer *t, int fd, struct sock *s);
/* Both names of a descriptor; the peer's is empty where there is none. */
bool tracer_names(int fd, struct addr *local, struct addr *peer);

/* "##. 2/2 (holds 3)": a backlog of N holds N+1. */
void tracer_put_queue(struct buf *b, uint32_t waiting, uint32_t limit);
