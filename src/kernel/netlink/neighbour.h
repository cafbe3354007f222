/*
 * Whether the next hop towards an address answers ARP or neighbour discovery, as this
 * network namespace knows it: one question to the routes (RTM_GETROUTE), one to the
 * neighbour table (RTM_GETNEIGH, Linux 5.0). No privilege is needed.
 */
#pragma once

#include "kernel/netlink/rtnl.h"
#include "model/silent_hop.h"

enum neighbour {
	NEIGHBOUR_UNKNOWN, /* no entry, or one that has been resolved, or not told */
	NEIGHBOUR_ASKED,   /* asked, and no answer has come yet (NUD_INCOMPLETE) */
	NEIGHBOUR_FAILED,  /* asked as often as the kernel does, in vain (NUD_FAILED) */
};

/* ifindex: the interface that a socket is bound to, 0 = none; mark: SO_MARK. *hop is the
 * next hop, whether or not it is silent; no_carrier is of the interface there. */
enum neighbour neighbour_of(const struct addr *to, uint32_t ifindex, uint32_t mark,
			    struct silent_hop *hop);

/* The same of one that answers: *there is its hardware address, as far as one is known.
 * False if there is no such way. */
bool neighbour_hardware(const struct addr *to, struct addr *hop, struct hardware *there);

/* Whether this namespace has an interface with that hardware address. */
bool neighbour_is_here(const struct hardware *h);
/* Whether an address is one of this namespace: its routes say so, of whatever table. */
bool neighbour_is_own(const struct addr *a);
