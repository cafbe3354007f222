/* Single questions to rtnetlink. */
#pragma once

#include "kernel/netlink/nl.h"
#include "model/addr.h"

/* Appends an attribute to a request that has room for it. */
void route_attribute(struct nlmsghdr *req, uint16_t type, const void *data, size_t len);

/* The route of what this host sends to an address: oif and mark as its socket has them, 0
 * = none. The look-up's own error where there is none: -ENETUNREACH ... */
int route_ask(struct nl *nl, const struct addr *to, uint32_t oif, uint32_t mark,
	      nl_message_fn *fn, void *ctx);
