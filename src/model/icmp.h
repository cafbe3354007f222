/* An ICMP or ICMPv6 error that came for what a socket sent: what it says, and who sent
 * it. */
#pragma once

#include "model/addr.h"
#include "model/outcome.h"

struct icmp_error {
	uint8_t family; /* AF_INET, AF_INET6; 0 = none came */
	uint8_t type, code;
	bool own;	   /* sent by this host itself */
	bool no_neighbour; /* own, and no rule: nobody answers for the next hop */
	int unread;	   /* one may have come, and could not be read: positive errno */
	uint8_t sent_ttl;  /* which a router found used up; 0 = none did, or unknown */
	struct addr from;  /* the router or host that sent it */
};

/* "admin prohibited"; NULL if it has no name. */
const char *icmp_name(const struct icmp_error *icmp);

/* What it says of the target, whoever sent it. */
enum outcome icmp_outcome(const struct icmp_error *icmp);

/* Sets own, from the ends of the socket: a target on this host answers for itself. */
void icmp_find_own(struct icmp_error *icmp, const struct addr *local,
		   const struct addr *peer);

/* Whether a socket that does not ask for errors (IP_RECVERR) gets none for it: what may
 * pass, as the kernel sees it. */
bool icmp_passes(const struct icmp_error *icmp);

/* This host to itself: a neighbour that does not answer, or a rule that rejects so. */
bool icmp_says_no_host(const struct icmp_error *icmp);

/* "ICMP port unreachable (3/3) from 10.0.0.1", of a rule of this host with that before
 * it. */
void icmp_put(struct buf *b, const struct icmp_error *icmp);
void icmp_put_own(struct buf *b, const struct icmp_error *icmp);

/* Whether a router says that the TTL was used up on the way. */
bool icmp_is_used_up(const struct icmp_error *icmp);
/* "; the TTL of 64 was used up on the way", and what that means; nothing of others. */
void icmp_put_used_up(struct buf *b, const struct icmp_error *icmp);
