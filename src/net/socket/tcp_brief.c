#include "net/socket/tcp_brief.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

bool report_tcp(int fd, struct tcp_brief *t)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info), name_len = sizeof(t->congestion);

	*t = (struct tcp_brief){ 0 };
	/* Older kernels fill less; what they leave out stays 0. */
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return false;
	t->state = info.tcpi_state;
	t->last_data_sent_ms = info.tcpi_last_data_sent;
	t->rtt_us = info.tcpi_rtt;
	t->rttvar_us = info.tcpi_rttvar;
	t->min_rtt_us = info.tcpi_min_rtt;
	t->retransmits = info.tcpi_total_retrans;
	t->cwnd = info.tcpi_snd_cwnd;
	t->ssthresh = info.tcpi_snd_ssthresh;
	t->snd_mss = info.tcpi_snd_mss;
	t->rcv_mss = info.tcpi_rcv_mss;
	t->unacked = info.tcpi_unacked;
	t->sacked = info.tcpi_sacked;
	t->notsent_bytes = info.tcpi_notsent_bytes;
	t->bytes_acked = info.tcpi_bytes_acked;
	t->bytes_received = info.tcpi_bytes_received;
	t->segs_out = info.tcpi_segs_out;
	t->segs_in = info.tcpi_segs_in;
	t->reordering = info.tcpi_reordering;
	t->delivery_rate = info.tcpi_delivery_rate;
	t->busy_us = info.tcpi_busy_time;
	t->rwnd_limited_us = info.tcpi_rwnd_limited;
	t->sndbuf_limited_us = info.tcpi_sndbuf_limited;
	if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, t->congestion, &name_len) != 0)
		t->congestion[0] = '\0';
	t->congestion[sizeof(t->congestion) - 1] = '\0';
	return true;
}

uint64_t report_unsent(int fd)
{
	int protocol = 0, queued = 0;
	socklen_t len = sizeof(protocol);

	/* A unix socket counts what the peer has not read, which is another thing. */
	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) != 0 ||
	    protocol != IPPROTO_TCP || ioctl(fd, SIOCOUTQ, &queued) != 0)
		return 0;
	return queued > 0 ? (uint64_t)queued : 0;
}

const char *report_state_name(uint8_t state)
{
	static const char *const names[] = { "?",	  "ESTABLISHED", "SYN_SENT",
					     "SYN_RECV",  "FIN_WAIT1",	 "FIN_WAIT2",
					     "TIME_WAIT", "CLOSE",	 "CLOSE_WAIT",
					     "LAST_ACK",  "LISTEN",	 "CLOSING" };

	return names[state < ARRAY_SIZE(names) ? state : 0];
}
