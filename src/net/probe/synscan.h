/*
 * Half-open probes of many TCP ports of one address: SYNs by a raw socket, no connection
 * and nothing remembered at the target. Every port is asked in rounds: the silent ones
 * once more, and again as long as that brings anything new.
 *
 *	starting -> warming (the first port alone: it resolves the neighbour) -> sending
 *	sending -> waiting, when every port of the round is asked
 *	waiting -> sending the next round, or lingering, when no more will be asked
 *	any -> over, when all have answered or there was no neighbour; lingering -> over
 *
 * The rate starts small and doubles while nothing goes wrong. What says that something
 * does: a full queue of ours, answers that take longer and longer, and a port that has
 * answered before, is asked again all the time, and is silent.
 */
#pragma once

#include "net/probe/scan.h"
#include "net/probe/syn_link.h"

enum syn_stage {
	SYN_STARTING,
	SYN_WARMING,
	SYN_SENDING,
	SYN_WAITING,
	SYN_LINGERING,
};

struct syn_port; /* what is known of one port */

struct syn_scan {
	struct loop *l;
	const struct scan_how *how;
	struct endpoint to;
	struct scan_totals totals;
	struct syn_path path;
	struct syn_link link;
	struct timer t;
	enum syn_stage stage;
	struct syn_port *ports; /* of all 65536 */
	uint16_t *list;		/* those of this round, in the order given */
	size_t n, next;
	unsigned round, barren; /* barren: so many rounds in a row that brought nothing */
	bool lossy;		/* a port has answered, but not its first SYN */
	bool brought;		/* this round has had an answer of its own */
	uint64_t first_end_us;	/* when every port had been asked once */
	size_t packet_len;
	uint8_t packets[SYN_BATCH][SYN_PACKET_MAX];
	/* pace */
	double rate, tokens; /* SYNs a second */
	uint64_t filled_us, looked_us;
	uint64_t full_us;    /* since when the device takes nothing; 0 = it does */
	int full_err;	     /* what it said last */
	bool trouble, heard; /* since the last tick; heard: answers, ever */
	uint64_t rtt_us, rtt_most_us, tick_rtt_us; /* least, most, least of this tick */
	uint16_t known; /* a port that has answered; 0 = none yet */
	bool asked_known;
	uint64_t known_us;
	/* nobody answers for the next hop: every port is as unreachable as that one */
	struct probe_result no_neighbour;
	bool asked_hop;
	bool with_refused;
	void (*found)(struct syn_scan *s, const struct probe_result *r);
	void (*over)(struct syn_scan *s);
	void *owner;
};

/* 0 or -errno with a fault; -EPERM without CAP_NET_RAW. over is called once, from the
 * loop. */
int syn_scan_start(struct syn_scan *s, struct loop *l, const struct endpoint *to,
		   const struct port_set *ports, const struct scan_how *how,
		   struct fault *f);
void syn_scan_stop(struct syn_scan *s);
