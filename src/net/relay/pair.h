/*
 * A relayed peer: two connected sockets, and what one sends goes to the other. Each
 * direction has its own end: the FIN of one side becomes the FIN of the other, behind the
 * last byte, and a reset a reset.
 *
 *	open -> (one side ended: FIN to the other) -> (both ended) -> closed
 *	     -> (one side reset) -> (what it had sent is delivered, for at most 1 s) ->
 *reset
 *
 * The behaviours of a session apply towards the peer: what reads slowly or not at all
 * reads from it, what writes slowly, late or wrongly writes to it. Limits hold for the
 * whole.
 */
#pragma once

#include "net/relay/session.h"

enum pair_side { PAIR_PEER, PAIR_TARGET };

struct pair_end {
	struct watch w;
	struct flow flow; /* from here to the other end */
	unsigned want;	  /* of the flow, enum flow_want */
	bool ended;	  /* nothing more comes from here */
	bool sent_fin;	  /* to here */
	struct pair *pair;
};

struct pair {
	struct session *s;
	struct pair_end end[2]; /* enum pair_side */
	struct timer pace, idle, life;
	uint64_t id, started_us, last_us, last_bytes;
	uint32_t ack_wait_us;
	struct pair_end *broken; /* it was reset, or failed: what came before goes on */
	int err;		 /* of that, positive */
	uint64_t drain_until_us;
	enum closer closed_first;
	bool forgetting, holding;
	/* The session knows that it has ended, the sockets are closed; p may be freed. */
	void (*ended)(struct pair *p);
	void *owner;
};

/*
 * Takes two non-blocking sockets; p is zeroed but for id, started_us, ended and owner.
 * The session has counted the peer with session_opened(). 0 or -errno: then both are
 * closed, and ended() is not called.
 */
int pair_start(struct pair *p, struct session *s, int peer, int target);
/* Ends it; ended() is called. f may be NULL. */
void pair_stop(struct pair *p, enum conn_end end, const struct fault *f);
