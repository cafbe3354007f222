/*
 * The packets of a half-open probe: a SYN as Linux sends it, and what comes back to it.
 * Nothing is remembered of a SYN: its sequence number is its port, enciphered with the
 * secret of this probe. An answer that acknowledges that number tells the port that was
 * asked, whatever ports and addresses NAT gave it. They must be those of a SYN all the
 * same: as we wrote it, or as it was seen to leave, so that no other packet is taken for
 * an answer. Its timestamp says which of the SYNs of a port was answered. Pure.
 */
#pragma once

#include "net/probe/probe.h"

/* Between which ends a SYN went. */
struct syn_ends {
	uint8_t src[16], dst[16]; /* of the path's family */
	uint16_t sport, dport;
	bool seen; /* it left like this: not as it was written */
	bool lo;   /* by the loopback interface */
};

struct syn_path {
	struct addr src, dst; /* of one family, never v4-mapped; their ports are unused */
	uint16_t sport, mss;
	uint8_t ttl, tos;
	uint64_t secret;
	struct syn_ends *rewritten; /* of all 65536 ports; NULL: none was seen */
};

enum {
	SYN_PACKET_MAX = 40 + 40,
	SYN_ROUNDS_MOST = 250, /* a round is a step of the timestamp */
	SYN_TIME_AT = 28,      /* where the timestamp stands in the TCP header */
};

/* How a number is mixed, as the filter in the kernel does it, too: for each row
 * x = (x ^ x >> shift) * factor. inverse * factor is 1. */
static const struct {
	uint32_t shift, factor, inverse;
} syn_mix[] = { { 16, 0x85ebca6b, 0xa5cb9243 },
		{ 13, 0xc2b2ae35, 0x7ed1b41d },
		{ 16, 1, 1 } };

/* The sequence number of the SYN for a port. */
uint32_t syn_number(const struct syn_path *p, uint16_t port);
/* The port of such a number; false if it is that of none. */
bool syn_port_of(const struct syn_path *p, uint32_t number, uint16_t *port);
/* The timestamp of all SYNs, but for its last eight bits. */
uint32_t syn_time_base(const struct syn_path *p);

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
	struct icmp_error icmp;
	struct syn_ends rewritten; /* seen: what an error quotes has other ends than any
				      that were known */
	bool elsewhere; /* SYN_NOTHING: it acknowledges the number of this port, but lies
			   between other ends than its SYN is known to have */
};

/* Reads a packet from its IP header on; it may be cut short. SYN_NOTHING if it is no
 * answer to a SYN of ours. */
void syn_read(const struct syn_path *p, const uint8_t *data, size_t len,
	      struct syn_answer *a);

/* Reads a packet that leaves this host, from its IP header on. True if it is a SYN of
 * ours, for *port; ends->seen if they are others than we wrote. */
bool syn_read_sent(const struct syn_path *p, const uint8_t *data, size_t len,
		   uint16_t *port, struct syn_ends *ends);
