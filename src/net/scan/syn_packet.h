/*
 * The packets of a half-open probe: a SYN as Linux sends it, and what comes back to it.
 * Nothing is remembered of a SYN: its sequence number is a keyed hash of its port, so an
 * answer that acknowledges that number is one to us, and no other packet is taken for
 * one. Its timestamp says which of the SYNs of a port was answered. Pure.
 */
#pragma once

#include "net/probe/probe.h"

struct syn_path {
	struct addr src, dst; /* of one family, never v4-mapped; their ports are unused */
	uint16_t sport, mss;
	uint8_t ttl, tos;
	uint64_t secret;
};

enum {
	SYN_PACKET_MAX = 40 + 40,
	SYN_ROUNDS_MOST = 250, /* a round is a step of the timestamp */
};

/* Writes the SYN but for what syn_aim() fills in; returns its length. */
size_t syn_template(uint8_t *packet, const struct syn_path *p);
/* For this port, the round-th time (from 1 on). */
void syn_aim(uint8_t *packet, const struct syn_path *p, uint16_t port, unsigned round);

enum syn_kind { SYN_NOTHING, SYN_ACCEPTED, SYN_RESET, SYN_ICMP };

struct syn_answer {
	enum syn_kind kind;
	uint16_t port;
	unsigned round; /* which SYN it answers; 0 = it does not say */
	uint8_t ttl;
	struct probe_icmp icmp;
};

/* Reads a packet from its IP header on; it may be cut short. SYN_NOTHING if it is no
 * answer to a SYN of ours. */
void syn_read(const struct syn_path *p, const uint8_t *data, size_t len,
	      struct syn_answer *a);
