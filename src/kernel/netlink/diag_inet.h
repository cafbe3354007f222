/* TCP and UDP through inet_diag: requests, and the message that becomes a struct sock. */
#pragma once

#include "kernel/netlink/nl.h"
#include "model/sock.h"

/* One dump. */
struct inet_query {
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	uint8_t family; /* AF_INET, AF_INET6, or AF_UNSPEC: both in one walk (TCP only) */
	uint32_t states;      /* mask of 1 << state */
	uint32_t ext;	      /* EXT_BIT()s */
	uint16_t sport;	      /* 0 = any; the cheapest filter there is */
	uint16_t dport;	      /* 0 = any; listeners have none */
	struct blob bytecode; /* INET_DIAG_REQ_BYTECODE; len 0 = none */
};

/* Runs the dump; each message goes to fn (inet_parse() reads it). 0 or -errno, as
 * nl_dump(). */
int inet_dump(struct nl *nl, const struct inet_query *q, nl_message_fn *fn, void *ctx);

/* Only asks for it: the answer has nl->seq. */
int inet_send(struct nl *nl, const struct inet_query *q);

/*
 * Asks for one TCP connection, or the listener that would take it; cookie 0 = whichever
 * it is. The message stays in nl->buf until the next request. Fills *s; 0, -ENOENT, or
 * -errno.
 */
int inet_exact(struct nl *nl, const struct addr *local, const struct addr *peer,
	       uint32_t ifindex, uint64_t cookie, uint32_t ext, struct sock *s);

/*
 * The hot path: one inet_diag message into *s, whose pointers lead into the message.
 * False if the message is too short or no inet_diag_msg. Source: net/ipv4/inet_diag.c,
 * sock_diag(7).
 */
bool inet_parse(const struct nlmsghdr *h, uint8_t proto, struct sock *s);

/*
 * The same up to INET_DIAG_SHUTDOWN, which the kernel writes first and which tells full
 * sockets from others: mark, class, cgroup, options and all that is asked for by an
 * extension stay unknown.
 */
bool inet_parse_brief(const struct nlmsghdr *h, uint8_t proto, struct sock *s);
