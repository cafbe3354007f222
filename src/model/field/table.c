/*
 * The rows of the field table, by group. Adding a column, a filter word and a JSON key is
 * adding a row: name, heading, unit, where the value comes from, help; then what is
 * special about it.
 */
#include "model/field/get_private.h"
#include "model/tcpinfo.h"

/* Numbers stand at the right of their column unless a row says otherwise. */
#define RIGHT_COUNT	FIELD_RIGHT
#define RIGHT_BYTES	FIELD_RIGHT
#define RIGHT_US	FIELD_RIGHT
#define RIGHT_MS	FIELD_RIGHT
#define RIGHT_RATE	FIELD_RIGHT
#define RIGHT_PORT	FIELD_RIGHT
#define RIGHT_COOKIE	FIELD_RIGHT
#define RIGHT_HEX	FIELD_RIGHT
#define RIGHT_BOOL	0
#define RIGHT_TEXT	0
#define RIGHT_STATE	0
#define RIGHT_IP	0
#define RIGHT_ENDPOINT	0
#define RIGHT_QUEUE	0
#define RIGHT_PROCESS	0
#define RIGHT_TIME	0
#define RIGHT_DUMP	0

#define ROW(n, h, u)	.name = (n), .heading = (h), .unit = UNIT_##u
#define MEMBER(type, m) .offset = offsetof(type, m), .size = sizeof(((type *)0)->m)

/* A getter; FLAGS beside those of its unit. */
#define GET(g, n, h, u, getter, flag, need, text)                           \
	{                                                                   \
		ROW(n, h, u), .group = GROUP_##g, .get = (getter),          \
			      .flags = RIGHT_##u | (flag), .needs = (need), \
			      .help = (text)                                \
	}
#define GET_KEY(g, n, h, u, getter, flag, need, key, text)                  \
	{                                                                   \
		ROW(n, h, u), .group = GROUP_##g, .get = (getter),          \
			      .flags = RIGHT_##u | (flag), .needs = (need), \
			      .help = (text), .json = (key)                 \
	}
/* A member of struct sock, known if `bits` are set in sock.has. */
#define SOCK(g, n, h, u, m, bits, flag, need, text)                         \
	{                                                                   \
		ROW(n, h, u), .group = GROUP_##g, .source = FROM_SOCK,      \
			      MEMBER(struct sock, m), .has = (bits),        \
			      .flags = RIGHT_##u | (flag), .needs = (need), \
			      .help = (text)                                \
	}
/* A member of tcp_info, in the kernel's own unit. */
#define INFO(n, h, u, m, flag, text)                                                  \
	{                                                                             \
		ROW(n, h, u), .group = GROUP_TCP, .source = FROM_INFO,                \
			      MEMBER(struct tcpinfo, m), .flags = RIGHT_##u | (flag), \
			      .needs = NEED_INFO, .help = (text)                      \
	}
/* A member whose name already says its unit, so the JSON key takes no suffix. */
#define INFO_KEY(n, h, u, m, key, text)                                         \
	{                                                                       \
		ROW(n, h, u), .group = GROUP_TCP, .source = FROM_INFO,          \
			      MEMBER(struct tcpinfo, m), .flags = RIGHT_##u,    \
			      .needs = NEED_INFO, .help = (text), .json = (key) \
	}
/* `bytes` at `at` of a small attribute. */
#define BLOB(g, n, h, u, from, at, bytes, need, text) \
	BLOB_AS(g, n, h, u, from, at, bytes, 0, need, text)
#define BLOB_AS(g, n, h, u, from, at, bytes, flag, need, text)                           \
	{                                                                                \
		ROW(n, h, u), .group = GROUP_##g, .source = FROM_##from, .offset = (at), \
			      .size = (bytes), .flags = RIGHT_##u | (flag),              \
			      .needs = (need), .help = (text)                            \
	}
/* An option of the owner's descriptor: a member of struct sock_options. */
#define OPTION(n, h, u, m, text)                                                   \
	{                                                                          \
		ROW(n, h, u), .group = GROUP_SOCKOPTS, .source = FROM_OPTIONS,     \
			      MEMBER(struct sock_options, m),                      \
			      .flags = RIGHT_##u | FIELD_ONES_ABSENT,              \
			      .needs = NEED_SOCKOPTS | NEED_OWNERS, .help = (text) \
	}

/* clang-format off */
static const struct field table[] = {

	/* socket */
	GET(SOCKET, "proto", "PROTO", TEXT, get_proto, FIELD_CORE, 0, "protocol: tcp, udp, unix, unix-dgram, unix-seqpacket"),
	GET(SOCKET, "family", "FAMILY", TEXT, get_family, FIELD_CORE, 0, "address family: inet, inet6, unix"),
	GET(SOCKET, "state", "STATE", STATE, get_state, FIELD_CORE, 0, "LISTEN, ESTABLISHED, TIME_WAIT ..."),
	GET(SOCKET, "local", "LOCAL", ENDPOINT, get_local, FIELD_NO_JSON, NEED_DEVICE, "local address and port, or the path of a unix socket"),
	GET(SOCKET, "peer", "PEER", ENDPOINT, get_peer, FIELD_NO_JSON, NEED_UNIX_PEER, "peer address and port, or the path of the unix socket at the other end"),
	GET(SOCKET, "local_addr", "LOCAL-ADDR", IP, get_local_addr, FIELD_CORE, 0, "local address alone"),
	GET(SOCKET, "local_port", "LOCAL-PORT", PORT, get_local_port, FIELD_CORE, 0, "local port alone"),
	GET(SOCKET, "peer_addr", "PEER-ADDR", IP, get_peer_addr, FIELD_CORE, NEED_UNIX_PEER, "peer address alone"),
	GET(SOCKET, "peer_port", "PEER-PORT", PORT, get_peer_port, FIELD_CORE, 0, "peer port alone"),
	SOCK(SOCKET, "inode", "INODE", COUNT, inode, 0, FIELD_CORE, 0, "inode of the socket; 0 = no program holds it"),
	SOCK(SOCKET, "cookie", "COOKIE", COOKIE, cookie, SOCK_HAS_COOKIE, FIELD_CORE, 0, "the kernel's identity of the socket, the same in every state"),
	SOCK(SOCKET, "ifindex", "IFINDEX", COUNT, ifindex, 0, FIELD_ZERO_ABSENT, 0, "interface the socket is bound to, by index"),
	GET(SOCKET, "device", "DEVICE", TEXT, get_device, 0, NEED_DEVICE, "interface the socket is bound to, by name"),

	/* queues */
	GET(QUEUES, "queue", "QUEUE", QUEUE, get_queue, FIELD_NO_JSON, NEED_LISTENER, "accept queue of a listener: fill bar, queued/limit, FULL; compared as accept_queue, with % as fill"),
	GET(QUEUES, "recv_queue", "RECV-Q", BYTES, get_recv_queue, FIELD_CORE, 0, "bytes received that the program has not read; UDP: memory that they take; unix-dgram: the next datagram"),
	GET(QUEUES, "send_queue", "SEND-Q", BYTES, get_send_queue, FIELD_CORE, 0, "bytes written that the peer has not acknowledged; UDP and unix: memory that they take"),
	GET(QUEUES, "accept_queue", "ACCEPT-QUEUE", COUNT, get_accept_queue, 0, 0, "listener: connections that wait for accept()"),
	GET(QUEUES, "accept_queue_limit", "LIMIT", COUNT, get_accept_limit, 0, 0, "listener: the backlog in force; the queue holds one more"),
	GET(QUEUES, "accept_queue_full", "FULL", BOOL, get_accept_full, 0, 0, "listener: whether the next connection will be dropped"),
	GET_KEY(QUEUES, "fill", "FILL%", COUNT, get_fill, 0, 0, "accept_queue_fill_percent", "listener: per cent of the accept queue's capacity in use"),
	GET(QUEUES, "drops", "DROPS", COUNT, get_drops, 0, NEED_DROPS, "listener: packets dropped since listen(); UDP: datagrams dropped"),
	GET(QUEUES, "syn_queue", "SYN-QUEUE", COUNT, get_syn_queue, 0, NEED_WAITERS, "listener: half-open connections"),
	GET(QUEUES, "syn_retrans", "SYN-RETRANS", COUNT, get_syn_retrans, 0, NEED_WAITERS, "listener: SYN-ACKs sent again to half-open connections"),
	GET(QUEUES, "waiting", "WAITING", COUNT, get_waiting, 0, NEED_WAITERS, "listener: established connections that nobody accepted"),
	GET(QUEUES, "gave_up", "GAVE-UP", COUNT, get_gave_up, 0, NEED_WAITERS, "listener: clients that reset while they were queued"),
	GET(QUEUES, "longest_wait", "LONGEST-WAIT", MS, get_longest_wait, 0, NEED_WAITERS, "listener: how long the oldest queued connection waits"),
	GET(QUEUES, "unaccepted", "UNACCEPTED", BOOL, get_unaccepted, 0, 0, "whether the connection waits in an accept queue"),
	GET(QUEUES, "listener", "LISTENER", ENDPOINT, get_listener, 0, NEED_LISTENER, "un-accepted connection: the listener whose queue it waits in"),

	/* owner */
	GET_KEY(OWNER, "process", "PROCESS", PROCESS, get_process, FIELD_MULTI, NEED_OWNERS, "processes", "programs that hold the socket: command[pid] fd N"),
	GET_KEY(OWNER, "pid", "PID", COUNT, get_pid, FIELD_MULTI, NEED_OWNERS, "pids", "process ids that hold the socket"),
	GET_KEY(OWNER, "fd", "FD", COUNT, get_fd, FIELD_MULTI, NEED_OWNERS, "fds", "descriptor numbers in these processes"),
	GET_KEY(OWNER, "peer_process", "PEER-PROCESS", PROCESS, get_peer_process, FIELD_MULTI, NEED_PEER_OWNERS, "peer_processes", "programs at the other end, where it is on this host"),
	GET_KEY(OWNER, "peer_pid", "PEER-PID", COUNT, get_peer_pid, FIELD_MULTI, NEED_PEER_OWNERS, "peer_pids", "process ids at the other end, where it is on this host"),
	SOCK(OWNER, "uid", "UID", COUNT, uid, SOCK_HAS_UID, FIELD_CORE, 0, "user id of the socket's creator"),
	GET(OWNER, "user", "USER", TEXT, get_user, 0, NEED_USER, "name of that user"),
	GET(OWNER, "cgroup", "CGROUP", TEXT, get_cgroup, FIELD_CORE, NEED_CGROUP, "control group of the socket's creator; needs no privilege"),
	GET(OWNER, "unit", "UNIT", TEXT, get_unit, 0, NEED_CGROUP, "systemd service or scope, from the control group"),
	SOCK(OWNER, "cgroup_id", "CGROUP-ID", COUNT, cgroup_id, SOCK_HAS_CGROUP, 0, NEED_ATTRIBUTES, "inode of the control group's directory"),

	/* times */
	GET(TIMES, "time", "TIME", TIME, get_time, FIELD_NO_JSON, NEED_INFO, "the time that matters in this state: waits, idle, at least, left"),
	GET(TIMES, "wait", "WAIT", MS, get_wait, 0, NEED_WAIT_TIME, "un-accepted: time since the handshake ended"),
	GET(TIMES, "idle", "IDLE", MS, get_idle, 0, NEED_INFO, "ESTABLISHED: time since data went either way"),
	GET(TIMES, "close_wait", "CLOSE-WAIT", MS, get_close_wait, 0, NEED_INFO, "CLOSE_WAIT: the peer closed at least this long ago"),
	GET(TIMES, "handshake", "HANDSHAKE", MS, get_handshake, 0, 0, "SYN_RECV: the SYN came at least this long ago, as the repetitions of the SYN-ACK tell"),
	GET(TIMES, "time_left", "TIME-LEFT", MS, get_time_left, 0, 0, "TIME_WAIT, FIN_WAIT2 without owner: time until the kernel forgets it"),
	GET(TIMES, "timer", "TIMER", TEXT, get_timer, 0, 0, "the timer that runs: none, retransmit, keepalive, timewait, probe"),
	GET(TIMES, "timer_expires", "TIMER-EXPIRES", MS, get_timer_expires, 0, 0, "time until it fires"),
	GET(TIMES, "timer_retrans", "TIMER-RETRANS", COUNT, get_timer_retrans, 0, 0, "retransmissions or probes so far (idiag_retrans)"),

	/* tcp */
	GET(TCP, "ca_state", "CA-STATE", TEXT, get_ca_state, 0, NEED_INFO, "congestion avoidance: open, disorder, cwr, recovery, loss"),
	INFO("retransmits", "RETRANSMITS", COUNT, retransmits, 0, "timeouts in a row without an acknowledgment"),
	INFO("probes", "PROBES", COUNT, probes, 0, "unanswered window or keepalive probes"),
	INFO("backoff", "BACKOFF", COUNT, backoff, 0, "exponent of the timer's back-off"),
	GET(TCP, "tcp_options", "TCP-OPTIONS", HEX, get_tcp_options, 0, NEED_INFO, "negotiated: 1 timestamps, 2 SACK, 4 window scale, 8 ECN, 10 ECN seen, 20 SYN data, 40 usec timestamps, 80 fast open child"),
	GET(TCP, "snd_wscale", "SND-WSCALE", COUNT, get_snd_wscale, 0, NEED_INFO, "window scale of the peer"),
	GET(TCP, "rcv_wscale", "RCV-WSCALE", COUNT, get_rcv_wscale, 0, NEED_INFO, "window scale of our side"),
	GET(TCP, "app_limited", "APP-LIMITED", BOOL, get_app_limited, 0, NEED_INFO, "delivery_rate was limited by the program, not the network"),
	GET(TCP, "fastopen_client_fail", "FASTOPEN-CLIENT-FAIL", COUNT, get_fastopen_fail, 0, NEED_INFO, "why TCP Fast Open failed: 1 cookie unavailable, 2 data not acked, 3 SYN retransmitted"),
	INFO("rto", "RTO", US, rto, 0, "retransmission timeout"),
	INFO("ato", "ATO", US, ato, 0, "delayed-acknowledgment timeout"),
	INFO("snd_mss", "SND-MSS", BYTES, snd_mss, 0, "maximum segment we send"),
	INFO("rcv_mss", "RCV-MSS", BYTES, rcv_mss, 0, "estimate of the peer's segment size"),
	INFO("unacked", "UNACKED", COUNT, unacked, 0, "segments in flight"),
	INFO("sacked", "SACKED", COUNT, sacked, 0, "segments the peer has selectively acknowledged"),
	INFO("lost", "LOST", COUNT, lost, 0, "segments thought lost"),
	INFO("retrans", "RETRANS", COUNT, retrans, 0, "retransmitted segments in flight"),
	INFO("fackets", "FACKETS", COUNT, fackets, 0, "forward-acknowledged segments (old kernels)"),
	INFO("last_data_sent", "LAST-DATA-SENT", MS, last_data_sent, FIELD_PEER_SPOKE, "time since the program last sent data"),
	INFO("last_ack_sent", "LAST-ACK-SENT", MS, last_ack_sent, FIELD_PEER_SPOKE | FIELD_ZERO_ABSENT, "time since an acknowledgment was sent (the kernel does not record it)"),
	INFO("last_data_recv", "LAST-DATA-RECV", MS, last_data_recv, FIELD_PEER_SPOKE, "time since data was received"),
	INFO("last_ack_recv", "LAST-ACK-RECV", MS, last_ack_recv, FIELD_PEER_SPOKE, "time since an acknowledgment was received"),
	INFO("pmtu", "PMTU", BYTES, pmtu, 0, "path MTU"),
	INFO("rcv_ssthresh", "RCV-SSTHRESH", BYTES, rcv_ssthresh, 0, "receive window's slow-start threshold"),
	INFO("rtt", "RTT", US, rtt, FIELD_ZERO_ABSENT, "smoothed round-trip time"),
	INFO("rttvar", "RTTVAR", US, rttvar, FIELD_PEER_SPOKE, "its mean deviation"),
	INFO("snd_ssthresh", "SND-SSTHRESH", COUNT, snd_ssthresh, 0, "slow-start threshold, segments"),
	INFO("cwnd", "CWND", COUNT, snd_cwnd, 0, "congestion window, segments"),
	INFO("advmss", "ADVMSS", BYTES, advmss, 0, "segment size we advertised"),
	INFO("reordering", "REORDERING", COUNT, reordering, 0, "reordering that is tolerated, segments"),
	INFO("rcv_rtt", "RCV-RTT", US, rcv_rtt, FIELD_ZERO_ABSENT, "round-trip time as the receiver sees it"),
	INFO("rcv_space", "RCV-SPACE", BYTES, rcv_space, 0, "receive buffer auto-tuning's space"),
	INFO("total_retrans", "TOTAL-RETRANS", COUNT, total_retrans, 0, "segments retransmitted in all"),
	INFO("pacing_rate", "PACING-RATE", RATE, pacing_rate, FIELD_ONES_ABSENT, "pacing in force"),
	INFO("max_pacing_rate", "MAX-PACING-RATE", RATE, max_pacing_rate, FIELD_ONES_ABSENT, "its limit (SO_MAX_PACING_RATE); absent = none"),
	INFO_KEY("bytes_acked", "BYTES-ACKED", BYTES, bytes_acked, "bytes_acked", "bytes the peer has acknowledged"),
	INFO_KEY("bytes_received", "BYTES-RECEIVED", BYTES, bytes_received, "bytes_received", "bytes received in order"),
	INFO("segs_out", "SEGS-OUT", COUNT, segs_out, 0, "segments sent"),
	INFO("segs_in", "SEGS-IN", COUNT, segs_in, 0, "segments received"),
	INFO("notsent", "NOTSENT", BYTES, notsent_bytes, 0, "bytes in the send queue not yet sent"),
	INFO("min_rtt", "MIN-RTT", US, min_rtt, FIELD_ONES_ABSENT, "smallest round-trip time of late"),
	INFO("data_segs_in", "DATA-SEGS-IN", COUNT, data_segs_in, 0, "data segments received"),
	INFO("data_segs_out", "DATA-SEGS-OUT", COUNT, data_segs_out, 0, "data segments sent"),
	INFO("delivery_rate", "DELIVERY-RATE", RATE, delivery_rate, 0, "most recent goodput"),
	INFO_KEY("busy_time", "BUSY-TIME", US, busy_time, "busy_us", "time with data in the send queue"),
	INFO("rwnd_limited", "RWND-LIMITED", US, rwnd_limited, 0, "of which limited by the peer's window"),
	INFO("sndbuf_limited", "SNDBUF-LIMITED", US, sndbuf_limited, 0, "of which limited by our send buffer"),
	INFO("delivered", "DELIVERED", COUNT, delivered, 0, "segments delivered"),
	INFO("delivered_ce", "DELIVERED-CE", COUNT, delivered_ce, 0, "of which marked congestion-experienced"),
	INFO_KEY("bytes_sent", "BYTES-SENT", BYTES, bytes_sent, "bytes_sent", "bytes sent, retransmissions included"),
	INFO_KEY("bytes_retrans", "BYTES-RETRANS", BYTES, bytes_retrans, "bytes_retrans", "bytes retransmitted"),
	INFO("dsack_dups", "DSACK-DUPS", COUNT, dsack_dups, 0, "duplicates the peer reported"),
	INFO("reord_seen", "REORD-SEEN", COUNT, reord_seen, 0, "reorderings seen"),
	INFO("rcv_ooopack", "RCV-OOOPACK", COUNT, rcv_ooopack, 0, "segments received out of order"),
	INFO("snd_wnd", "SND-WND", BYTES, snd_wnd, 0, "window the peer offers"),
	INFO("rcv_wnd", "RCV-WND", BYTES, rcv_wnd, 0, "window we offer"),
	INFO("rehash", "REHASH", COUNT, rehash, 0, "times the flow was moved to another path"),
	INFO("total_rto", "TOTAL-RTO", COUNT, total_rto, 0, "retransmission timeouts in all"),
	INFO("total_rto_recoveries", "TOTAL-RTO-RECOVERIES", COUNT, total_rto_recoveries, 0, "recoveries from them"),
	INFO("total_rto_time", "TOTAL-RTO-TIME", MS, total_rto_time, 0, "time spent in them"),
	INFO("received_ce", "RECEIVED-CE", COUNT, received_ce, 0, "AccECN: CE-marked segments received"),
	INFO_KEY("delivered_e1_bytes", "DELIVERED-E1-BYTES", BYTES, delivered_e1_bytes, "delivered_e1_bytes", "AccECN: ECT(1) bytes delivered"),
	INFO_KEY("delivered_e0_bytes", "DELIVERED-E0-BYTES", BYTES, delivered_e0_bytes, "delivered_e0_bytes", "AccECN: ECT(0) bytes delivered"),
	INFO_KEY("delivered_ce_bytes", "DELIVERED-CE-BYTES", BYTES, delivered_ce_bytes, "delivered_ce_bytes", "AccECN: CE bytes delivered"),
	INFO_KEY("received_e1_bytes", "RECEIVED-E1-BYTES", BYTES, received_e1_bytes, "received_e1_bytes", "AccECN: ECT(1) bytes received"),
	INFO_KEY("received_e0_bytes", "RECEIVED-E0-BYTES", BYTES, received_e0_bytes, "received_e0_bytes", "AccECN: ECT(0) bytes received"),
	INFO_KEY("received_ce_bytes", "RECEIVED-CE-BYTES", BYTES, received_ce_bytes, "received_ce_bytes", "AccECN: CE bytes received"),
	INFO("accecn_fail_mode", "ACCECN-FAIL-MODE", HEX, accecn_fail_mode, 0, "AccECN: how negotiation failed"),
	INFO("accecn_opt_seen", "ACCECN-OPT-SEEN", COUNT, accecn_opt_seen, 0, "AccECN: whether its option was seen"),
	GET(TCP, "ulp", "ULP", TEXT, get_ulp, 0, NEED_INFO, "upper layer protocol: tls, mptcp (told to CAP_NET_ADMIN)"),
	GET(TCP, "md5_keys", "MD5-KEYS", COUNT, get_md5_keys, 0, NEED_INFO, "TCP MD5 keys set (told to CAP_NET_ADMIN)"),

	/* attached; told to CAP_NET_ADMIN only */
	GET(ATTACHED, "tls_version", "TLS-VERSION", TEXT, get_tls_version, 0, NEED_INFO, "kernel TLS: 1.2, 1.3"),
	GET(ATTACHED, "tls_cipher", "TLS-CIPHER", TEXT, get_tls_cipher, 0, NEED_INFO, "kernel TLS: cipher, such as aes-gcm-128"),
	GET(ATTACHED, "tls_tx", "TLS-TX", TEXT, get_tls_tx, 0, NEED_INFO, "kernel TLS: who encrypts: none, software, device, device-record"),
	GET(ATTACHED, "tls_rx", "TLS-RX", TEXT, get_tls_rx, 0, NEED_INFO, "kernel TLS: who decrypts"),
	GET(ATTACHED, "tls_zerocopy", "TLS-ZEROCOPY", BOOL, get_tls_zerocopy, 0, NEED_INFO, "kernel TLS: sendfile() does not copy (TLS_TX_ZEROCOPY_RO)"),
	GET(ATTACHED, "tls_no_pad", "TLS-NO-PAD", BOOL, get_tls_no_pad, 0, NEED_INFO, "kernel TLS: records without padding are expected (TLS_RX_EXPECT_NO_PAD)"),
	GET(ATTACHED, "mptcp_token", "MPTCP-TOKEN", HEX, get_mptcp_token, 0, NEED_INFO, "MPTCP subflow: our token; the subflows of a connection share it"),
	GET(ATTACHED, "mptcp_peer_token", "MPTCP-PEER-TOKEN", HEX, get_mptcp_peer_token, 0, NEED_INFO, "MPTCP subflow: the peer's token"),
	GET(ATTACHED, "mptcp_id", "MPTCP-ID", COUNT, get_mptcp_id, 0, NEED_INFO, "MPTCP subflow: id of our address"),
	GET(ATTACHED, "mptcp_peer_id", "MPTCP-PEER-ID", COUNT, get_mptcp_peer_id, 0, NEED_INFO, "MPTCP subflow: id of the peer's address"),
	GET(ATTACHED, "mptcp_flags", "MPTCP-FLAGS", TEXT, get_mptcp_flags, 0, NEED_INFO, "MPTCP subflow: M m MP_CAPABLE of the peer, of ours; J j MP_JOIN; B b backup; e fully established; c connected; v mapping valid"),
	GET(ATTACHED, "mptcp_write_seq", "MPTCP-WRITE-SEQ", COUNT, get_mptcp_write_seq, 0, NEED_INFO, "MPTCP subflow: sequence number written next, from the initial one"),
	GET(ATTACHED, "mptcp_map_seq", "MPTCP-MAP-SEQ", COUNT, get_mptcp_map_seq, 0, NEED_INFO, "MPTCP subflow: data sequence number that the mapping in force starts at"),
	GET(ATTACHED, "mptcp_map_subflow_seq", "MPTCP-MAP-SUBFLOW-SEQ", COUNT, get_mptcp_map_subflow_seq, 0, NEED_INFO, "MPTCP subflow: the subflow's sequence number there"),
	GET(ATTACHED, "mptcp_ssn_offset", "MPTCP-SSN-OFFSET", COUNT, get_mptcp_ssn_offset, 0, NEED_INFO, "MPTCP subflow: offset of its sequence numbers"),
	GET_KEY(ATTACHED, "mptcp_map_len", "MPTCP-MAP-LEN", BYTES, get_mptcp_map_len, 0, NEED_INFO, "mptcp_map_bytes", "MPTCP subflow: length of the mapping in force"),
	GET_KEY(ATTACHED, "md5_peer", "MD5-PEER", TEXT, get_md5_peer, FIELD_MULTI, NEED_INFO, "md5_peers", "TCP MD5: addresses that have a key, with prefix length"),
	GET_KEY(ATTACHED, "md5_key_len", "MD5-KEY-LEN", BYTES, get_md5_key_len, FIELD_MULTI, NEED_INFO, "md5_key_bytes", "TCP MD5: lengths of these keys, which themselves are not shown"),
	GET_KEY(ATTACHED, "bpf_map", "BPF-MAP", COUNT, get_bpf_map, FIELD_MULTI, NEED_BPF, "bpf_maps", "ids of the BPF maps that keep something for this socket (sk_storage)"),
	GET_KEY(ATTACHED, "bpf_value", "BPF-VALUE", DUMP, get_bpf_value, FIELD_MULTI, NEED_BPF, "bpf_values", "what they keep, in hexadecimal"),

	/* memory */
	BLOB(MEMORY, "rmem_alloc", "RMEM-ALLOC", BYTES, SKMEM, 0, 4, NEED_SKMEM, "receive memory in use"),
	BLOB(MEMORY, "rcvbuf", "RCVBUF", BYTES, SKMEM, 4, 4, NEED_SKMEM, "receive buffer's limit"),
	BLOB(MEMORY, "wmem_alloc", "WMEM-ALLOC", BYTES, SKMEM, 8, 4, NEED_SKMEM, "send memory in use by packets on their way"),
	BLOB(MEMORY, "sndbuf", "SNDBUF", BYTES, SKMEM, 12, 4, NEED_SKMEM, "send buffer's limit"),
	BLOB_AS(MEMORY, "fwd_alloc", "FWD-ALLOC", BYTES, SKMEM, 16, 4, FIELD_SIGNED, NEED_SKMEM, "memory reserved ahead; negative while more is in use than was reserved"),
	BLOB(MEMORY, "wmem_queued", "WMEM-QUEUED", BYTES, SKMEM, 20, 4, NEED_SKMEM, "send memory in use"),
	BLOB(MEMORY, "optmem", "OPTMEM", BYTES, SKMEM, 24, 4, NEED_SKMEM, "memory for options"),
	BLOB(MEMORY, "backlog_mem", "BACKLOG-MEM", BYTES, SKMEM, 28, 4, NEED_SKMEM, "packets that arrived while the program held the socket"),
	BLOB(MEMORY, "mem_rmem", "MEM-RMEM", BYTES, MEMINFO, 0, 4, NEED_MEMINFO, "receive memory (INET_DIAG_MEMINFO)"),
	BLOB(MEMORY, "mem_wmem", "MEM-WMEM", BYTES, MEMINFO, 4, 4, NEED_MEMINFO, "send memory queued (INET_DIAG_MEMINFO)"),
	BLOB_AS(MEMORY, "mem_fmem", "MEM-FMEM", BYTES, MEMINFO, 8, 4, FIELD_SIGNED, NEED_MEMINFO, "memory reserved ahead, may be negative (INET_DIAG_MEMINFO)"),
	BLOB(MEMORY, "mem_tmem", "MEM-TMEM", BYTES, MEMINFO, 12, 4, NEED_MEMINFO, "send memory allocated (INET_DIAG_MEMINFO)"),

	/* congestion */
	GET(CONGESTION, "congestion", "CONGESTION", TEXT, get_congestion, 0, NEED_CONG, "congestion control algorithm"),
	GET(CONGESTION, "bbr_bw", "BBR-BW", RATE, get_bbr_bandwidth, 0, NEED_CC_INFO, "BBR: bandwidth estimate"),
	BLOB(CONGESTION, "bbr_min_rtt", "BBR-MIN-RTT", US, BBR, 8, 4, NEED_CC_INFO, "BBR: smallest round-trip time"),
	BLOB(CONGESTION, "bbr_pacing_gain", "BBR-PACING-GAIN", COUNT, BBR, 12, 4, NEED_CC_INFO, "BBR: pacing gain, 1/256"),
	BLOB(CONGESTION, "bbr_cwnd_gain", "BBR-CWND-GAIN", COUNT, BBR, 16, 4, NEED_CC_INFO, "BBR: window gain, 1/256"),
	BLOB(CONGESTION, "dctcp_enabled", "DCTCP-ENABLED", BOOL, DCTCP, 0, 2, NEED_CC_INFO, "DCTCP: whether it is in force"),
	BLOB(CONGESTION, "dctcp_ce_state", "DCTCP-CE-STATE", COUNT, DCTCP, 2, 2, NEED_CC_INFO, "DCTCP: congestion state"),
	BLOB(CONGESTION, "dctcp_alpha", "DCTCP-ALPHA", COUNT, DCTCP, 4, 4, NEED_CC_INFO, "DCTCP: fraction of marked bytes, 1/1024"),
	BLOB(CONGESTION, "dctcp_ab_ecn", "DCTCP-AB-ECN", BYTES, DCTCP, 8, 4, NEED_CC_INFO, "DCTCP: bytes acknowledged with ECN echo"),
	BLOB(CONGESTION, "dctcp_ab_tot", "DCTCP-AB-TOT", BYTES, DCTCP, 12, 4, NEED_CC_INFO, "DCTCP: bytes acknowledged in all"),
	BLOB(CONGESTION, "vegas_enabled", "VEGAS-ENABLED", BOOL, VEGAS, 0, 4, NEED_CC_INFO, "Vegas: whether it is in force"),
	BLOB(CONGESTION, "vegas_rttcnt", "VEGAS-RTTCNT", COUNT, VEGAS, 4, 4, NEED_CC_INFO, "Vegas: round trips measured"),
	BLOB(CONGESTION, "vegas_rtt", "VEGAS-RTT", US, VEGAS, 8, 4, NEED_CC_INFO, "Vegas: round-trip time"),
	BLOB(CONGESTION, "vegas_min_rtt", "VEGAS-MIN-RTT", US, VEGAS, 12, 4, NEED_CC_INFO, "Vegas: smallest round-trip time"),

	/* options */
	SOCK(OPTIONS, "mark", "MARK", HEX, mark, SOCK_HAS_MARK, 0, NEED_ATTRIBUTES, "packet mark (told to CAP_NET_ADMIN)"),
	SOCK(OPTIONS, "tos", "TOS", HEX, tos, SOCK_HAS_TOS, 0, NEED_TOS, "IP type of service"),
	SOCK(OPTIONS, "tclass", "TCLASS", HEX, tclass, SOCK_HAS_TCLASS, 0, NEED_TCLASS, "IPv6 traffic class"),
	SOCK(OPTIONS, "class_id", "CLASS-ID", HEX, class_id, SOCK_HAS_CLASS_ID, 0, NEED_TCLASS, "traffic control class, or priority"),
	GET(OPTIONS, "shutdown", "SHUTDOWN", TEXT, get_shutdown, 0, 0, "directions that are shut down: none, recv, send, both"),
	SOCK(OPTIONS, "v6only", "V6ONLY", BOOL, v6only, SOCK_HAS_V6ONLY, 0, NEED_ATTRIBUTES, "IPV6_V6ONLY: the socket takes no IPv4 (listeners and UDP)"),
	GET(OPTIONS, "recverr", "RECVERR", BOOL, get_option_recverr, 0, NEED_ATTRIBUTES, "IP_RECVERR is on"),
	GET(OPTIONS, "is_icsk", "IS-ICSK", BOOL, get_option_icsk, 0, NEED_ATTRIBUTES, "a connection-oriented socket"),
	GET(OPTIONS, "freebind", "FREEBIND", BOOL, get_option_freebind, 0, NEED_ATTRIBUTES, "IP_FREEBIND is on"),
	GET(OPTIONS, "hdrincl", "HDRINCL", BOOL, get_option_hdrincl, 0, NEED_ATTRIBUTES, "IP_HDRINCL is on"),
	GET(OPTIONS, "mc_loop", "MC-LOOP", BOOL, get_option_mc_loop, 0, NEED_ATTRIBUTES, "IP_MULTICAST_LOOP is on"),
	GET(OPTIONS, "transparent", "TRANSPARENT", BOOL, get_option_transparent, 0, NEED_ATTRIBUTES, "IP_TRANSPARENT is on"),
	GET(OPTIONS, "mc_all", "MC-ALL", BOOL, get_option_mc_all, 0, NEED_ATTRIBUTES, "IP_MULTICAST_ALL is on"),
	GET(OPTIONS, "nodefrag", "NODEFRAG", BOOL, get_option_nodefrag, 0, NEED_ATTRIBUTES, "IP_NODEFRAG is on"),
	GET(OPTIONS, "bind_no_port", "BIND-NO-PORT", BOOL, get_option_bind_no_port, 0, NEED_ATTRIBUTES, "IP_BIND_ADDRESS_NO_PORT is on"),
	GET(OPTIONS, "recverr_rfc4884", "RECVERR-RFC4884", BOOL, get_option_rfc4884, 0, NEED_ATTRIBUTES, "IP_RECVERR_RFC4884 is on"),
	GET(OPTIONS, "defer_connect", "DEFER-CONNECT", BOOL, get_option_defer_connect, 0, NEED_ATTRIBUTES, "TCP_FASTOPEN_CONNECT is pending"),

	/* unix */
	GET(UNIX, "path", "PATH", TEXT, get_path, 0, 0, "name of a unix socket; abstract ones start with @"),
	SOCK(UNIX, "peer_inode", "PEER-INODE", COUNT, peer_inode, SOCK_HAS_PEER_INODE, 0, 0, "unix: inode of the socket at the other end"),
	SOCK(UNIX, "vfs_inode", "VFS-INODE", COUNT, vfs_inode, SOCK_HAS_VFS, 0, 0, "unix: inode of the socket's file"),
	SOCK(UNIX, "vfs_dev", "VFS-DEV", HEX, vfs_dev, SOCK_HAS_VFS, 0, 0, "unix: device of the socket's file"),
	GET(UNIX, "waiting_clients", "WAITING-CLIENTS", COUNT, get_waiting_clients, 0, NEED_UNIX_CLIENTS, "unix listener: clients that wait for accept()"),

	/* sockopts: of the owner's descriptor */
	OPTION("reuseaddr", "REUSEADDR", BOOL, reuseaddr, "SO_REUSEADDR: bind beside remnants and others that set it"),
	OPTION("reuseport", "REUSEPORT", BOOL, reuseport, "SO_REUSEPORT: share the port with others of the same user that set it"),
	OPTION("nonblock", "NONBLOCK", BOOL, nonblock, "O_NONBLOCK of the open file"),
	OPTION("keepalive", "KEEPALIVE", BOOL, keepalive, "SO_KEEPALIVE: idle peers are probed"),
	OPTION("keepidle", "KEEPIDLE", MS, keepidle_ms, "TCP_KEEPIDLE: idle time before the first probe"),
	OPTION("keepintvl", "KEEPINTVL", MS, keepintvl_ms, "TCP_KEEPINTVL: time between probes"),
	OPTION("keepcnt", "KEEPCNT", COUNT, keepcnt, "TCP_KEEPCNT: unanswered probes before the connection is given up"),
	OPTION("nodelay", "NODELAY", BOOL, nodelay, "TCP_NODELAY: small segments are sent at once"),
	OPTION("cork", "CORK", BOOL, cork, "TCP_CORK: only full segments are sent"),
	OPTION("quickack", "QUICKACK", BOOL, quickack, "TCP_QUICKACK: acknowledgments are not delayed just now"),
	OPTION("user_timeout", "USER-TIMEOUT", MS, user_timeout_ms, "TCP_USER_TIMEOUT: how long data may stay unacknowledged; 0 = the system's limit"),
	OPTION("notsent_lowat", "NOTSENT-LOWAT", BYTES, notsent_lowat, "TCP_NOTSENT_LOWAT: writable only with less than this unsent; 0 = the system's"),
	OPTION("maxseg", "MAXSEG", BYTES, maxseg, "TCP_MAXSEG: largest segment"),
	OPTION("window_clamp", "WINDOW-CLAMP", BYTES, window_clamp, "TCP_WINDOW_CLAMP: largest window to advertise"),
	OPTION("syncnt", "SYNCNT", COUNT, syncnt, "TCP_SYNCNT: SYNs to send again; 0 = the system's"),
	OPTION("defer_accept", "DEFER-ACCEPT", MS, defer_accept_ms, "TCP_DEFER_ACCEPT: how long accept() waits for data; 0 = off"),
	OPTION("fastopen_qlen", "FASTOPEN-QLEN", COUNT, fastopen_qlen, "TCP_FASTOPEN: the listener's queue of fast opens; 0 = off"),
	OPTION("linger2", "LINGER2", MS, linger2_ms, "TCP_LINGER2: life of an orphan in FIN_WAIT2"),
	OPTION("linger", "LINGER", BOOL, linger, "SO_LINGER: close() waits, or resets"),
	OPTION("linger_time", "LINGER-TIME", MS, linger_ms, "SO_LINGER: for how long; 0 = close() resets the connection"),
	OPTION("rcvbuf_opt", "RCVBUF-OPT", BYTES, rcvbuf, "SO_RCVBUF"),
	OPTION("sndbuf_opt", "SNDBUF-OPT", BYTES, sndbuf, "SO_SNDBUF"),
	OPTION("rcvlowat", "RCVLOWAT", BYTES, rcvlowat, "SO_RCVLOWAT: readable only once this many bytes are there"),
	OPTION("v6only_opt", "V6ONLY-OPT", BOOL, v6only, "IPV6_V6ONLY, of connections too"),
	OPTION("local_port_min", "LOCAL-PORT-MIN", PORT, local_port_min, "IP_LOCAL_PORT_RANGE: lowest port to draw; 0 = the system's"),
	OPTION("local_port_max", "LOCAL-PORT-MAX", PORT, local_port_max, "IP_LOCAL_PORT_RANGE: highest port to draw; 0 = the system's"),
	OPTION("priority", "PRIORITY", COUNT, priority, "SO_PRIORITY: queueing priority"),
	OPTION("busy_poll", "BUSY-POLL", US, busy_poll_us, "SO_BUSY_POLL: time to poll the device"),
	OPTION("incoming_cpu", "INCOMING-CPU", COUNT, incoming_cpu, "SO_INCOMING_CPU: the processor that took the last packet, or is preferred"),
	OPTION("broadcast", "BROADCAST", BOOL, broadcast, "SO_BROADCAST"),
	OPTION("dontroute", "DONTROUTE", BOOL, dontroute, "SO_DONTROUTE"),
	OPTION("oobinline", "OOBINLINE", BOOL, oobinline, "SO_OOBINLINE"),
	OPTION("passcred", "PASSCRED", BOOL, passcred, "SO_PASSCRED"),
	OPTION("timestamps", "TIMESTAMPS", BOOL, timestamp, "SO_TIMESTAMP: each datagram carries when it came"),
	GET(SOCKOPTS, "mptcp", "MPTCP", TEXT, get_mptcp, FIELD_SAYS_UNKNOWN, NEED_INFO | NEED_CONG | NEED_SOCKOPTS_TOO, "multipath TCP: yes, no, or fallback: a socket of MPTCP whose connection is plain TCP"),
};
/* clang-format on */

const struct field *field_table(size_t *n)
{
	*n = ARRAY_SIZE(table);
	return table;
}
