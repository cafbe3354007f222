/*
 * Connecting: one connection or many, at a rate, with retries. Each winner becomes a
 * connection of the session.
 */
#pragma once

#include "net/relay/session.h"
#include "net/socket/dial.h"

struct client_how {
	struct dial_how dial; /* its deadline_us is set for each attempt */
	const struct endpoint_list *list;
	uint64_t connections;
	uint64_t rate; /* new ones a second; 0 = at once */
	uint64_t timeout_us;
	uint64_t first_until_us; /* the same for what begins at once: the look-up before
				    it counts, too; 0 = it does not */
	uint64_t retries, backoff_us;
	/* Takes the connected socket instead of session_add(). 0 or -errno with a fault.
	 */
	int (*take)(void *ctx, int fd, const struct endpoint *peer, struct fault *f);
	void (*lost)(void *ctx); /* a connection will not come; may be NULL */
	void *take_ctx;
	/* The only connection there was to be has failed: may change the words before
	 * they are told; may be NULL. */
	void (*failed)(void *ctx, struct fault *f);
	/* The same one is connected, before a byte is sent; may be NULL. */
	void (*opened)(void *ctx, int fd, const struct endpoint *peer);
	void *told_ctx;
};

struct client {
	struct session *s;
	const struct client_how *how;
	struct timer start; /* the next connection is due */
	struct client_dial *dials;
	uint64_t started, connected, failed, refused, began_us;
	bool starved, taken;
	int err;	    /* of the first connection that failed for good */
	struct fault fault; /* and its words */
};

void client_start(struct client *c, struct session *s, const struct client_how *how);
void client_stop(struct client *c);
