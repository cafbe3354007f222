/*
 * One attempt at one target: happy eyeballs over its addresses, then whatever was asked
 * of the answer. States:
 *
 *	dialling -> talking (send, expect) -> watching (stable) -> verifying (FIN) -> done
 *
 * each of the middle three only if it was asked for. What verifying finds to be a ghost
 *is asked once more by another socket. done is called exactly once, never from within
 *attempt_start(), and not after attempt_stop(), which may also be called by done.
 */
#pragma once

#include <regex.h>

#include "net/probe/tried.h"
#include "net/socket/dial.h"

enum {
	ATTEMPT_SELF_RETRIES = 8,
	ATTEMPT_IN_MAX = 64 * 1024,
	ATTEMPT_SENDS = 3, /* of a datagram */
};

struct attempt_how {
	struct sockopt_list options;
	struct endpoint_list sources;
	uint64_t timeout_us;	  /* connecting and talking together */
	uint64_t hedge_us;	  /* as of struct dial_how */
	const struct buf *send;	  /* NULL = nothing */
	const struct buf *expect; /* bytes to come; NULL = not asked */
	const regex_t *expect_regex;
	bool banner;		       /* wait for a first line */
	const struct buf *http;	       /* the request whose status line is wanted */
	uint64_t stable_us;	       /* must stay open so long */
	bool verify;		       /* a FIN must be acknowledged */
	bool graceful;		       /* FIN, not RST, in the end */
	probe_neighbour_fn *neighbour; /* NULL = not asked */
	probe_source_fn *source;       /* the same */
	probe_accepted_fn *accepted;   /* the same */
	bool weigh;		       /* a late answer is followed up: lost, or slow? */
	bool hold; /* the socket is left to done(), in attempt.w.fd: it closes it */
};

/* How each socket of it is made. */
static inline struct dial_how attempt_dial_how(const struct attempt_how *how)
{
	return (struct dial_how){ .options = &how->options,
				  .sources = how->sources.v,
				  .n_sources = how->sources.n };
}

enum attempt_stage {
	ATTEMPT_DIALLING,
	ATTEMPT_TALKING,
	ATTEMPT_WATCHING,
	ATTEMPT_VERIFYING,
	ATTEMPT_WEIGHING,
	ATTEMPT_ASKING_AGAIN,
	ATTEMPT_OVER,
};

struct attempt {
	struct loop *l;
	const struct attempt_how *how;
	struct endpoint_list list; /* a copy, for another try */
	struct dial dial;
	struct dial_how dial_how;
	struct dial again; /* of a ghost: l NULL = not begun */
	struct dial_how again_how;
	struct watch w;
	struct timer t; /* the deadline, the end of stable, the next look of verify */
	enum attempt_stage stage;
	bool judged; /* r has a verdict of an address that was tried */
	uint64_t deadline_us, opened_us, next_look_us;
	uint64_t search_at_us; /* not before is what came searched for the pattern again;
				  0 = at once */
	struct buf in;
	bool empty; /* a record of 0 bytes came, which is an answer, too */
	const struct buf *out;
	size_t sent;
	struct stall_look look; /* shortly before the deadline */
	uint64_t look_at_us;	/* 0 = it was, or is not due */
	unsigned sends;		/* datagrams */
	unsigned left;		/* of them, so many went out */
	int full; /* what the device, or our buffer, said to one that did not */
	uint32_t weighed_from; /* answers to SYNs that came too early to tell */
	struct endpoint to;    /* the same, to send to */
	struct addr asked; /* of datagrams: whose answer counts; family 0 = the socket is
			      connected, and no other comes */
	uint64_t turn_us;  /* so long is this address asked, before the next is */
	bool several;	   /* the name had more addresses than one */
	struct tried_list tried;
	struct probe_result *before; /* what the addresses before it said at best */
	struct probe_result *r;	     /* the caller's, who reads it once done is called */
	void (*dial_again)(struct attempt *a); /* what is left of list */
	void (*done)(struct attempt *a);
	void *owner;
};

/* Safe at any time; a that was zeroed and never started needs none. */
void attempt_stop(struct attempt *a);
/* Its time is over now: done() is called with what can be said so far. Nothing happens
 * while it only watches what is open already. */
void attempt_expire(struct attempt *a);
