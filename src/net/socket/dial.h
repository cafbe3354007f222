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
#include "net/socket/call.h"
#include "net/socket/endpoint.h"
#include "net/socket/sockopt.h"

enum {
	DIAL_STAGGER_US = 250 * 1000, /* RFC 8305, 5: Connection Attempt Delay */
	DIAL_HEDGES_MOST = 6,
	DIAL_HEDGE_AGAIN_US = 500 * 1000,
};

struct dial_how {
	const struct sockopt_list *options; /* may be NULL */
	const struct endpoint *sources;	    /* local addresses to bind, one a family */
	size_t n_sources;
	uint64_t deadline_us; /* on clock_us(); 0 = the kernel's own patience */
	bool patient; /* a unix listener whose queue is full is asked again until the
			 deadline */
	/* TCP: where nothing has answered for so long another socket asks the same
	 * address, and then others: a kernel sends a lost SYN again only after a second,
	 * and does not know of a port that opens meanwhile. 0 = never. */
	uint64_t hedge_us;
	bool drop_answers; /* a socket filter swallows the SYN-ACK (CAP_NET_ADMIN) */
	void (*note)(void *ctx, const char *text); /* of sockopt_apply() */
	/* --trace: socket() and connect(), told when they have returned; may be NULL */
	void (*call)(void *ctx, enum net_call call, int fd, int64_t result,
		     uint64_t began_us, const char *text);
	void *note_ctx;
	/* For those who want the evidence; either may be NULL. opened: just before
	 * connect(). failed: before the socket of a failed attempt is closed; err is
	 * positive, ETIMEDOUT also when the deadline passed; at_once: connect() itself
	 * said it, so nothing was sent. */
	void (*opened)(void *ctx, int fd, const struct endpoint *ep);
	void (*failed)(void *ctx, int fd, const struct endpoint *ep, int err,
		       uint64_t took_us, bool at_once);
	void *evidence_ctx;
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
	struct timer stagger, deadline;
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

/*
 * socket, options, source address: everything before connect(). The descriptor or -errno
 * with a fault.
 */
int dial_open(const struct endpoint *ep, const struct dial_how *how, struct fault *f);

/* The port of a socket of dial_open(), to *a with its address; one is chosen now if it
 * has none, and from is its address if it has none. 0 or -errno. */
int dial_choose_port(int fd, const struct endpoint *like, const struct addr *from,
		     struct addr *a);

/* Whether a TCP socket is connected to itself: nothing listened there, and the kernel had
 * chosen the very port we asked for as ours. */
bool dial_is_self(int fd);

/* What to try after a failed connect(). */
void dial_hint(const struct endpoint *ep, int err, struct fault *f);
