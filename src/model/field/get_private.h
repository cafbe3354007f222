/* Getters of the field table that are more than a number at an offset (get.c), and
 * of what is attached to a socket (attached.c). */
#pragma once

#include "model/field/field.h"

typedef bool field_getter(const struct sock *s, unsigned i, struct value *v);

field_getter get_proto, get_family, get_state, get_local, get_peer, get_local_addr,
	get_peer_addr, get_local_port, get_peer_port, get_queue, get_recv_queue,
	get_send_queue, get_accept_queue, get_accept_limit, get_accept_full, get_fill,
	get_drops, get_syn_queue, get_waiting, get_gave_up, get_longest_wait,
	get_syn_retrans, get_unaccepted, get_wait, get_listener, get_user, get_cgroup,
	get_unit, get_device, get_shutdown, get_timer, get_timer_expires,
	get_timer_retrans, get_time, get_idle, get_close_wait, get_handshake,
	get_time_left, get_process, get_pid, get_fd, get_peer_process, get_peer_pid,
	get_ca_state, get_tcp_options, get_snd_wscale, get_rcv_wscale, get_app_limited,
	get_fastopen_fail, get_congestion, get_ulp, get_md5_keys, get_bbr_bandwidth,
	get_path, get_waiting_clients, get_option_recverr, get_option_icsk,
	get_option_freebind, get_option_hdrincl, get_option_mc_loop,
	get_option_transparent, get_option_mc_all, get_option_nodefrag,
	get_option_bind_no_port, get_option_rfc4884, get_option_defer_connect;

field_getter get_tls_version, get_tls_cipher, get_tls_tx, get_tls_rx, get_tls_zerocopy,
	get_tls_no_pad, get_mptcp_token, get_mptcp_peer_token, get_mptcp_id,
	get_mptcp_peer_id, get_mptcp_flags, get_mptcp_write_seq, get_mptcp_map_seq,
	get_mptcp_map_subflow_seq, get_mptcp_ssn_offset, get_mptcp_map_len, get_md5_peer,
	get_md5_key_len, get_bpf_map, get_bpf_value, get_mptcp;

/* What only CAP_NET_ADMIN hears of: the mark is there whenever the rest may be. */
static inline bool sock_is_told_all(const struct sock *s)
{
	return s->has & SOCK_HAS_MARK;
}
