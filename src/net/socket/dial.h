/*
 * One connection to one of several addresses: happy eyeballs (RFC 8305). The addresses
 * are tried in the resolver's order with families alternating; the next starts when one
 * fails or after a short while; the first that answers wins and the others are closed.
 *
 *	start -> trying (one or more attempts in flight) -> done(fd) or done(-errno)
 *
 * done is called exactly once, never from within dial_start(), and not after dial_stop(),
 * which frees the dial in any case, also after done.
 */
#pragma once

#include "base/loop.h"
#include "net/socket/dial_open.h"

enum {
	DIAL_STAGGER_US = 250 * 1000, /* RFC 8305, 5: Connection Attempt Delay */
	DIAL_SILENT_US = 200 * 1000,  /* before the kernel sends a SYN again */
	DIAL_HEDGES_MOST = 6,
	DIAL_HEDGE_AGAIN_US = 500 * 1000,
};

struct dial_attempt {
	struct watch w; /* w.fd -1 = over */
	struct timer again;
	struct dial *dial;
	size_t index;	  /* in the list */
	uint32_t wait_us; /* before it is asked again; 0 = it never was full */
	uint64_t started_us, took_us; /* from connect() on */
	int err;		      /* positive; 0 = in flight, or connected */
};

struct dial {
	struct loop *l;
	const struct dial_how *how;
	struct endpoint *order;	       /* a copy of the list, families alternating */
	size_t n, tried;	       /* addresses; tried: those of them so far */
	size_t next;		       /* attempts so far: n, and then the hedges */
	struct dial_attempt *attempts; /* the first n are those of order */
	struct timer stagger, deadline, silence;
	uint64_t started_us;
	uint64_t took_us; /* connect() to answer, of the attempt that won */
	unsigned hedged;  /* sockets to the same address before it, without answer */
	/* fd >= 0: connected, and order[index] is where; it is the callee's now. fd < 0:
	 * -errno, and f says it. The dial may be freed by the callback. */
	void (*done)(struct dial *d, int fd, size_t index, const struct fault *f);
	void *owner;
};

/* list is copied; how must stay. */
void dial_start(struct dial *d, struct loop *l, const struct endpoint_list *list,
		const struct dial_how *how);
void dial_stop(struct dial *d);
/* The deadline is now. */
void dial_expire(struct dial *d);

/* What to try after a failed connect(). */
void dial_hint(const struct endpoint *ep, int err, struct fault *f);
