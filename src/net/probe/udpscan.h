/*
 * Many UDP ports of one address, with an unconnected socket whose error queue tells the
 * closed ones. Linux answers with at most six ICMP errors at once and then one a second,
 * so silence means little: in the end a port that has answered before is asked again, and
 * if it is silent now, so is the host, and the rest is "rate-limited", never "open".
 */
#pragma once

#include "net/probe/scan.h"
#include "net/socket/sockfilter.h"

struct udp_scan {
	struct loop *l;
	const struct scan_how *how;
	struct endpoint to;
	const struct port_set *ports;
	struct scan_totals totals;
	struct watch w;
	uint16_t own_port; /* of w's socket: asked last, by another socket */
	struct timer t;
	uint8_t *state; /* of each port, see udpscan.c */
	uint8_t *noise; /* datagrams that came from each port, up to a few */
	uint16_t noisy[SOCKFILTER_PORTS_MOST]; /* of which the kernel drops what comes */
	size_t n_noisy;
	uint64_t full_us; /* since when the device takes nothing; 0 = it does */
	struct addr silent_hop;
	uint16_t *list; /* the ports, in the order given */
	size_t n, next;
	unsigned round;
	uint16_t known_closed; /* the last port that ICMP told closed */
	bool near;	       /* an address of this host: no limit of ICMP */
	bool checking;	       /* the known one is asked again, CANARIES times */
	unsigned heard;	       /* its answers */
	uint64_t next_us;
	void (*found)(struct udp_scan *s, const struct probe_result *r);
	void (*over)(struct udp_scan *s);
	void *owner;
};

/* 0 or -errno with a fault. */
int udp_scan_start(struct udp_scan *s, struct loop *l, const struct endpoint *to,
		   const struct port_set *ports, const struct scan_how *how,
		   struct fault *f);
void udp_scan_stop(struct udp_scan *s);
