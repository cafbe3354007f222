/* What a system call did to a socket: from what the kernel has afterwards. */
#pragma once

#include "cmd/endpoint/tracer_state.h"

/* What a call did: words, and the figures behind them. */
struct tracer_effect {
	struct buf words;
	enum sock_state state; /* 0 = there is none, or nothing was seen */
	bool has_queues;       /* of a listener */
	uint32_t accept_queue, limit;
	bool has_bytes; /* of a connection */
	uint64_t unread, unacknowledged;
	uint32_t notsent;
};

void tracer_effect(struct tracer *t, const struct net_event *e, struct tracer_effect *x);
