/* What it means that an address of this host does not answer, or ends what it took. */
#pragma once

#include "model/cause/waiting.h"

/* Who listens there: filled by kernel/explain. */
struct listening {
	size_t n;	       /* 0 = none, or the address is not of this host; more than
				  one: a SO_REUSEPORT group */
	uint64_t queue, limit; /* of all of them together; each holds limit + 1 */
	size_t n_full;
	uint32_t full_queue, full_limit; /* of one that is full */
	uint64_t drops;			 /* of all of them, since they began */
	size_t n_drops;			 /* of how many that is known */
	int err; /* the kernel's tables could not be read: positive errno */
};

/* Counts one listener more. */
void listening_add(struct listening *l, const struct sock *listener);

/* What rose in this network namespace between two readings, of which the first came
 * before the last packet that was sent. */
struct meanwhile {
	bool known;
	/* Packets that the listeners of the address dropped; after a silence only. The
	 * SYNs that come again for a half-open connection are among them. */
	uint64_t drops;
	bool half_open; /* after a silence: the connection is, as the server sees it */
	uint64_t overflows; /* connections that met a full accept queue */
	uint64_t unread;    /* that a program closed with unread data */
	uint64_t lingered;  /* with SO_LINGER and a time of 0 */
};

struct silence {
	const struct listening *listening;
	struct meanwhile meanwhile;
	const char *address;	       /* as it is shown */
	uint16_t port;		       /* 0 = none */
	const struct waiting *waiting; /* who is to accept there; NULL = not looked at */
	bool own;      /* it is an address of this host, and none of loopback */
	bool rejected; /* it was no silence, but an ICMP message that a listener never
			  sends */
};

/* Whether the accept queue was full when a silent address, or one that reset a
 * connection, was asked, though it has room by now. */
bool was_full(const struct meanwhile *m, bool reset);

/* Adds the cause; none where nobody listens. */
void cause_of_silence(const struct silence *f, struct causes *causes);

/* Who reset a connection that a listener of this host took, after the words that name
 * the listener: by what rose meanwhile. sent: the client had sent something. */
void put_who_reset(struct buf *b, const struct meanwhile *m, bool sent);
