/* Who would take a connection to an address of this host, from the kernel's own tables.
 */
#pragma once

#include "model/sock.h"
#include "net/socket/endpoint.h"

/* The listeners of an address: one, or those of a SO_REUSEPORT group. */
struct local_listeners {
	size_t n;	       /* 0 = none, or the address is not of this host */
	uint64_t queue, limit; /* of all of them together; each holds limit + 1 */
	int err;	       /* the kernel's tables could not be read: positive errno */
};
struct local_listeners local_listeners(const struct endpoint *to);

/* How well a TCP listener fits an address: 0 not at all, 3 it is bound to just that. The
 * kernel takes the best. */
int local_listener_rank(const struct sock *listener, const struct addr *to);
