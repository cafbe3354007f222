/* Whether what is bound to an address of a network namespace can be reached there now. */
#pragma once

#include "model/addr.h"

enum presence {
	PRESENCE_UNKNOWN, /* the kernel did not say */
	PRESENCE_HERE,
	PRESENCE_TENTATIVE, /* IPv6: duplicate address detection has not ended */
	PRESENCE_DUPLICATE, /* IPv6: it has, and found the address on another host */
	PRESENCE_BY_RULE,   /* local in a table that only marks or interfaces lead to */
	PRESENCE_GONE,	    /* no routing table calls it local */
	PRESENCE_NO_DEVICE, /* the interface that the socket is bound to is gone */
};

/* An address, and the interface that its socket is bound to, 0 = none. */
struct presence_of {
	struct addr addr;
	uint32_t ifindex;
	enum presence is;
};

/* ", which is no address of this network namespace now": after what names the address. */
void presence_put_loss(struct buf *b, enum presence is, uint32_t ifindex);

/* Nothing that is sent there reaches the socket. */
static inline bool presence_is_lost(enum presence p)
{
	return p == PRESENCE_DUPLICATE || p == PRESENCE_GONE || p == PRESENCE_NO_DEVICE;
}
