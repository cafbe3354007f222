/*
 * How many connections a server queues without accepting them. Bursts of connections,
 * each followed by a FIN: what the server really holds acknowledges it (FIN_WAIT2), a
 * ghost that only we believe in does not (FIN_WAIT1). It occupies the queue until the
 * server accepts, so it stops when for a second nothing is taken, or after two seconds of
 * a server that goes on accepting. A unix socket says itself that its queue is full
 * (EAGAIN).
 */
#pragma once

#include "net/probe/attempt.h"

struct backlog_how {
	const struct attempt_how *attempt; /* options, sources */
	uint64_t max;			   /* connections at most */
};

struct backlog_result {
	uint64_t held;	     /* verified: accepted, or in the queue */
	uint64_t first_held; /* so many before the first that was not */
	uint64_t ghosts;     /* connected for us, dropped by the server */
	uint64_t silent;     /* SYNs without answer */
	uint64_t refused; /* RST, also of a connection that stood (abort_on_overflow) */
	bool full; /* the end was seen; false: the maximum, or our own end, came first */
	int stopped;	 /* what kept us from opening as many as were due; 0 = nothing */
	int unconnected; /* connect() itself refused the first: positive errno */
	bool unshut;	 /* it was shutdown(), so whether some are held is not known */
	uint32_t rtt_us;
	double accepts_per_second; /* of the full queue, seen for a second; < 0: not known
				    */
};

/* Blocks for some round trips, and for a second or two in the end. 0 or -errno with a
 * fault. */
int backlog_measure(const struct endpoint *to, const struct backlog_how *how,
		    struct backlog_result *result, struct fault *f);
