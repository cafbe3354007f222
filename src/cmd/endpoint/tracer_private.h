/* What the files of the tracer share. */
#pragma once

#include "cmd/endpoint/tracer.h"

enum { TRACER_CALL_COLUMN = 43, TRACER_STATE_COLUMN = 12 };

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

/* The kernel's row of a descriptor; false where it has none (bound only, reset). */
bool tracer_row(struct tracer *t, int fd, struct sock *s);
/* Both names of a descriptor; the peer's is empty where there is none. */
bool tracer_names(int fd, struct addr *local, struct addr *peer);

/* "##. 2/2 (holds 3)": a backlog of N holds N+1. */
void tracer_put_queue(struct buf *b, uint32_t waiting, uint32_t limit);
