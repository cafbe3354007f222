/* What can be said about a connection when it ends: counters of ours and TCP_INFO. */
#pragma once

#include "net/socket/endpoint.h"

/* The part of struct tcp_info that is told; as the kernel counts, SYN and FIN included
 * among the bytes. */
struct tcp_brief {
	uint8_t state; /* TCP_ESTABLISHED ... of the kernel */
	uint32_t rtt_us, rttvar_us, min_rtt_us;
	uint32_t last_data_sent_ms; /* of a fresh socket: since the handshake */
	uint32_t retransmits;	    /* segments, in all */
	uint32_t cwnd, ssthresh, snd_mss, rcv_mss;
	uint64_t bytes_acked, bytes_received;
	/* Segments in flight, and selectively acknowledged ones; of a listener: those who
	 * wait in the accept queue, and its limit. */
	uint32_t unacked, sacked;
	uint32_t notsent_bytes; /* in the send queue, not yet on the wire */
	uint32_t segs_out, segs_in, reordering;
	uint64_t delivery_rate; /* bytes a second */
	uint64_t busy_us, rwnd_limited_us, sndbuf_limited_us;
	char congestion[16];
};

enum report_closer { REPORT_NOBODY, REPORT_WE, REPORT_PEER };

struct conn_report {
	uint64_t bytes_in, bytes_out; /* read from, and given to, the socket */
	uint64_t unsent_bytes;	      /* given up: not acknowledged by the peer */
	uint64_t duration_us;
	enum report_closer closed_first;
	bool has_tcp;
	struct tcp_brief tcp;
};

/* Reads TCP_INFO; false for sockets that have none. */
bool report_tcp(int fd, struct tcp_brief *t);

/* Bytes in the send queue: not sent or not acknowledged, FIN included. 0 for other
 * sockets. */
uint64_t report_unsent(int fd);

/* "ESTABLISHED", "FIN_WAIT2" ... */
const char *report_state_name(uint8_t state);
