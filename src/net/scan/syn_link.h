/*
 * The sockets of a half-open probe. SYNs leave by a raw IP socket, so that the kernel
 * routes them and finds the neighbour, on loopback as well; answers come by a packet
 * socket with a filter and a ring, before any firewall of this host sees them. It sees
 * our SYNs leave, too, where NAT of this host has rewritten them. A bound
 * TCP socket keeps the source port for us. It does not listen, so the kernel itself
 * answers each SYN-ACK with RST, and nothing is left at the target.
 */
#pragma once

#include "net/probe/attempt.h"
#include "net/scan/syn_packet.h"

struct syn_link {
	int tx, hold;
	struct watch w; /* the packet socket */
	uint8_t *ring;
	unsigned frames, at;  /* at: the next one */
	bool missed;	      /* the ring was full once, as far as was asked */
	uint64_t mono_ago_ns; /* what makes the kernel's time of a packet ours */
};

enum { SYN_BATCH = 256 };

/* Opens all three for so many ports and fills *p. 0 or -errno
 * with a fault; -EPERM without CAP_NET_RAW. An error of the route (ENETUNREACH and the
 * like) is told with *unroutable set. */
int syn_link_open(struct syn_link *k, struct syn_path *p, const struct endpoint *to,
		  const struct attempt_how *how, size_t ports, bool *unroutable,
		  struct fault *f);
void syn_link_close(struct syn_link *k, struct loop *l);

/* Sends n packets (at most SYN_BATCH) of len bytes that lie one after the other, stride
 * apart. How many went, or -errno of the first. */
int syn_link_send(struct syn_link *k, uint8_t *packets, size_t stride, size_t len,
		  unsigned n);

struct syn_seen {
	const uint8_t *data; /* from the IP header on */
	size_t len;
	uint64_t at_us; /* on clock_us() */
	bool leaves;	/* it is one of ours, on its way out */
	bool lo;	/* by the loopback interface */
};

/* The next packet; false if there is none. It stays until syn_link_done(). */
bool syn_link_next(struct syn_link *k, struct syn_seen *s);
void syn_link_done(struct syn_link *k);
/* Call before a series of syn_link_next(). */
void syn_link_look(struct syn_link *k);
/* Whether our own SYNs are seen to leave, where NAT has rewritten them: at first they
 * are. A copy of each costs some 5 % of the time of a scan. False: this kernel cannot
 * choose. */
bool syn_link_watch_own(struct syn_link *k, bool on);
/* From now on all of them are seen; false if not. */
bool syn_link_watch_all(struct syn_link *k, const struct syn_path *p);
/* Packets that found the ring full since the last call. */
unsigned syn_link_dropped(struct syn_link *k);
