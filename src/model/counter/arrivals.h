/* What became of the packets that arrived between two readings of the counters. */
#pragma once

#include "model/counter/counters.h"

struct arrivals {
	bool known;	  /* the next two are */
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
