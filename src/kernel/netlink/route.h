/* Single questions to rtnetlink. */
#pragma once

#include "kernel/netlink/nl.h"
#include "model/addr.h"

/* Appends an attribute to a request that has room for it. */
void route_attribute(struct nlmsghdr *req, uint16_t type, const void *data, size_t len);

/* The flow of a socket, as the kernel looks its route up. */
struct route_flow {
	struct addr to, from; /* from: family 0 = none */
	uint32_t oif, mark;   /* 0 = none */
	uint32_t uid;
	bool has_uid;
	uint8_t tos;
	uint8_t protocol; /* IPPROTO_TCP; with its ports */
};

/* The route of what this host sends in this flow. As below. */
int route_ask_flow(struct nl *nl, const struct route_flow *f, nl_message_fn *fn,
		   void *ctx);

/* The route of what this host sends to an address: oif and mark as its socket has them, 0
 * = none. The look-up's own error where there is none: -ENETUNREACH ... */
int route_ask(struct nl *nl, const struct addr *to, uint32_t oif, uint32_t mark,
	      nl_message_fn *fn, void *ctx);
