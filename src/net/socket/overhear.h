/*
 * A packet socket that listens for the answers of certain peers, whatever becomes of them
 * afterwards: it sees a packet before firewalls and the reverse path filter do, sends
 * nothing, and takes nothing away from the sockets that wait. It needs CAP_NET_RAW.
 * Closing one takes the kernel some ten milliseconds.
 */
#pragma once

#include "model/addr.h"

enum { OVERHEAR_MOST = 8 };

struct overhear_end {
	struct addr peer;  /* with its port */
	uint16_t our_port; /* 0 = any: it is not known yet */
	bool udp;
};

/* A descriptor, or -errno. n is at most OVERHEAR_MOST. */
int overhear_open(const struct overhear_end *ends, size_t n);

struct overheard {
	uint64_t seen;	  /* answers from the peer to our end */
	uint32_t ifindex; /* where the last of them arrived */
	bool missed;	  /* there were more than it could keep */
};

/* Takes all that has come, and counts what is between these two ends. */
void overhear_take(int fd, const struct addr *peer, const struct addr *ours, bool udp,
		   struct overheard *o);
