/*
 * --to: a peer is passed on. It waits until a connection to the target stands, and is
 * relayed then (net/relay/pair.h); where none comes about it is reset.
 *
 *	accepted -> dialling -> relayed -> ended
 *	                     -> the target does not answer: reset
 *	                     -> the peer has reset it meanwhile
 */
#pragma once

#include "net/relay/pair.h"
#include "net/socket/dial.h"

struct forward_how {
	struct dial_how dial; /* options, calls; deadline, evidence and `opening` are set
			       * for each peer */
	const struct endpoint_list *list;
	uint64_t timeout_us; /* of a connect(); 0 = the kernel's own patience */
	/* As dial_how's failed, of each address: the evidence. */
	void (*lost)(void *ctx, int fd, const struct endpoint *ep, int err, bool at_once);
	/* No connection to ep came about: err is positive, the words may be changed. And
	 * when they have been told. Each may be NULL. */
	void (*failed)(void *ctx, const struct endpoint *ep, struct fault *f);
	void (*told)(void *ctx);
	void *ctx;
};

struct forward {
	struct pair pair;
	struct dial dial;
	struct dial_how dial_how;
	struct watch w; /* the peer, until it is relayed */
	struct timer again;
	struct session *s;
	const struct forward_how *how;
	int spare; /* a descriptor that the connection to the target will have; or -1 */
	/* Descriptors are short: nobody else should come. f says it. */
	void (*starved)(struct forward *w, struct fault *f);
	void (*ended)(struct forward *w); /* w may be freed */
	void *owner;
	struct forward *next, **at; /* the owner's list */
};

/* Takes sock, connected and non-blocking, and spare; w is zeroed but for starved, ended
 * and owner. ended() comes from the loop, or from forward_stop(). */
void forward_start(struct forward *w, struct session *s, int sock, uint64_t id, int spare,
		   const struct forward_how *how);
void forward_stop(struct forward *w);
