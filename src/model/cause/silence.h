/* What it means that an address of this host does not answer. */
#pragma once

#include "model/cause/cause.h"

/* Who listens there: filled by kernel/explain. */
struct listening {
	size_t n;	       /* 0 = none, or the address is not of this host; more than
				  one: a SO_REUSEPORT group */
	uint64_t queue, limit; /* of all of them together; each holds limit + 1 */
	size_t n_full;
	uint32_t full_queue, full_limit; /* of one that is full */
	int err; /* the kernel's tables could not be read: positive errno */
};

/* Counts one listener more. */
void listening_add(struct listening *l, const struct sock *listener);

/*
 * Adds the cause; none where nobody listens. address: as it is shown; port: 0 = none.
 * rejected: it was no silence, but an ICMP message that a listener never sends.
 */
void cause_of_silence(const struct listening *l, const char *address, uint16_t port,
		      bool rejected, struct causes *causes);
