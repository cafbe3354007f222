/* What became of the packets that arrived between two readings of the counters. */
#pragma once

#include <net/if.h>
#include <stddef.h>

#include "model/advice.h"
#include "model/counter/counters.h"

struct arrivals {
	bool known; /* the next three are */
	uint64_t received;
	uint64_t by_path; /* dropped by the reverse path filter; IPv4 only */
	uint64_t dropped; /* received, and neither delivered, forwarded, put together nor
			     counted as an error: rules of the firewall do so */
	uint64_t damaged; /* delivered, with a wrong checksum of TCP or UDP */
	uint64_t kept;	  /* meant to be sent, and not sent; 0 also where the kernel does
			     not count what is sent */
};

/* family: AF_INET or AF_INET6. */
void arrivals_between(const struct counters *before, const struct counters *after,
		      int family, bool udp, struct arrivals *a);

/* Whether more were dropped than on a healthy host, or than two numbers that are not read
 * in one moment may differ by. */
bool arrivals_are_dropped(const struct arrivals *a, uint32_t ms);

/* Interfaces whose reverse path filter is strict: of rp_filter of the interface and of
 * all, the greater is 1. */
enum { STRICT_PATHS_MOST = 4 };
struct strict_paths {
	char v[STRICT_PATHS_MOST][IF_NAMESIZE];
	size_t n; /* more than are in v, maybe */
};
/* "rp_filter is 1 on eth0, eth1 and 3 more" */
void strict_paths_put(struct buf *b, const struct strict_paths *p);
/* The least change that lets through what such an interface drops. */
void advise_loose_path(struct buf *b, struct advised who, const char *device);
