/* A scan by SYNs, between its files: scan_syn.c has its story. */
#pragma once

#include "net/scan/scan_private.h"
#include "net/scan/syn_link.h"

enum syn_stage {
	SYN_STARTING,
	SYN_WARMING,
	SYN_SENDING,
	SYN_WAITING,
	SYN_LINGERING,
};

enum syn_port_state { SYN_PORT_OUT, SYN_PORT_ASKED, SYN_PORT_DONE };

struct syn_port {
	uint8_t state : 2;
	uint8_t left : 1;    /* a SYN as we wrote it was seen to leave this host */
	uint8_t doubted : 1; /* an answer came while none of ours was seen to leave: from
				elsewhere, and perhaps to it */
	uint8_t asked;	     /* so many SYNs */
	uint16_t blur_us;    /* the last one left within so long a time */
	uint32_t first_us, last_us; /* since totals.started_us; the last SYN's */
};

struct syn_scan {
	struct scan s; /* its list: what this round asks */
	struct syn_path path;
	struct syn_link link;
	struct timer t;
	enum syn_stage stage;
	struct syn_port *ports; /* of all 65536 */
	unsigned round, barren; /* barren: so many rounds in a row that brought nothing */
	bool lossy;		/* a port has answered, but not its first SYN */
	bool brought;		/* this round has had an answer of its own */
	uint64_t first_end_us;	/* when every port had been asked once */
	bool blind;		/* our own SYNs are not seen to leave, for now */
	bool watched;		/* since this round all of them are */
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
};

static inline uint32_t syn_since_start(const struct syn_scan *syn, uint64_t at_us)
{
	uint64_t started_us = syn->s.totals.started_us;

	return at_us > started_us ? (uint32_t)(at_us - started_us) : 0;
}
