/*
 * struct tcp_info as Linux 6.18 lays it out, 280 bytes. Debian's headers are older than
 * running kernels, and older kernels send less: every member is read only if the
 * attribute is long enough.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct tcpinfo {
	uint8_t state, ca_state, retransmits, probes, backoff, options;
	uint8_t wscale; /* low nibble: of what we send, high nibble: of what we receive */
	uint8_t bits; /* bit 0 delivery_rate_app_limited, bits 1-2 fastopen_client_fail */
	uint32_t rto, ato, snd_mss, rcv_mss;
	uint32_t unacked, sacked, lost, retrans, fackets;
	uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
	uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss,
		reordering;
	uint32_t rcv_rtt, rcv_space, total_retrans;
	uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
	uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
	uint32_t delivered, delivered_ce;
	uint64_t bytes_sent, bytes_retrans;
	uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
	uint16_t total_rto, total_rto_recoveries;
	uint32_t total_rto_time;
	uint32_t received_ce, delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
	uint32_t received_e1_bytes, received_e0_bytes, received_ce_bytes;
	uint16_t accecn_fail_mode, accecn_opt_seen;
};

_Static_assert(offsetof(struct tcpinfo, rtt) == 68, "as in linux/tcp.h");
_Static_assert(offsetof(struct tcpinfo, delivery_rate) == 160, "as in linux/tcp.h");
_Static_assert(sizeof(struct tcpinfo) == 280, "as in linux/tcp.h of 6.18");

/* Bits of options. */
enum {
	TCPINFO_TIMESTAMPS = 1,
	TCPINFO_SACK = 2,
	TCPINFO_WSCALE = 4,
	TCPINFO_ECN = 8,
	TCPINFO_ECN_SEEN = 16,
	TCPINFO_SYN_DATA = 32,
	TCPINFO_USEC_TS = 64,
	TCPINFO_TFO_CHILD = 128,
};
