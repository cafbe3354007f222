/*
 * Who refuses a connection, or takes one, to an address that is not of this host: that
 * host, or somebody nearer. One more SYN goes to the same address and port, with TTL 1 (a
 * hop limit of 1), so that no router passes it on; a packet socket, where we may have
 * one, sees meanwhile where it leaves this host, and what for.
 */
#pragma once

#include "model/answer/nearby.h"

/* Takes 100 ms at most. from: the source that was asked for; family 0 = none. */
void explain_nearby(const struct addr *asked, const struct addr *from,
		    struct nearby_facts *f);
