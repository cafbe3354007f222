/* The next hop towards an address that answers no ARP and no neighbour discovery: the
 * address itself, or a router on the way to it. */
#pragma once

#include "base/buf.h"
#include "model/addr.h"

struct silent_hop {
	struct addr addr; /* family 0 = not known */
	char dev[16];	  /* the interface that it was asked for on; "" = not known */
	bool no_carrier;  /* of that interface: nothing leaves through it */
};

/* "no neighbour answers on eth0 (ARP failed after 3 s): the host is down, or not on this
 * link". hop->addr need not be known, to is. */
void silent_hop_put(struct buf *b, const struct silent_hop *hop, const struct addr *to,
		    uint64_t waited_us);
