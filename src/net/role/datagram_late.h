/*
 * Answers that cannot go yet although the socket is writable: a unix peer whose queue is
 * full says EAGAIN to whoever writes to it, and epoll knows nothing of it. They wait here
 * by timer, in their order, while all others are served.
 */
#pragma once

#include "net/role/datagram_state.h"

enum {
	LATE_OF_PEER = 64,	/* answers of one peer */
	LATE_BYTES = 4 << 20,	/* of all, with what it takes to keep them */
	LATE_LAST_US = 1000000, /* how long the end waits for them */
};

/* go_on: the turn of the rest, after answers that waited were tried. */
struct late *late_new(struct datagram *d, void (*go_on)(struct datagram *d));
/* What still waits counts as not sent. */
void late_free(struct late *late);

/* Whether anything waits; for this address. */
bool late_any(const struct late *late);
bool late_waits(const struct late *late, const struct msghdr *to);
/* Takes an answer to to->msg_name, or drops it: counted, and told once. False: neither,
 * it is to be tried again in the next turn, which comes soon. */
bool late_add(struct late *late, const struct msghdr *to, const struct iovec *v);
