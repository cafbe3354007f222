#include "net/socket/stall_take.h"

#include <linux/sock_diag.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "net/socket/tcp.h"

void stall_take(int fd, struct stall_look *look)
{
	uint32_t memory[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(memory);
	struct tcpinfo t;
	int unread = 0;

	*look = (struct stall_look){ 0 };
	if (!tcp_read(fd, &t) || ioctl(fd, FIONREAD, &unread) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &len) != 0)
		return;
	*look = (struct stall_look){
		.known = true,
		.at_us = clock_us(),
		.received = t.bytes_received,
		.acked = t.bytes_acked,
		.unread = (uint32_t)unread,
		.memory = memory[SK_MEMINFO_RMEM_ALLOC],
		.overtook = t.rcv_ooopack,
		.unacked = (uint32_t)MIN(tcp_unsent(fd), (uint64_t)UINT32_MAX),
		.retransmits = t.retransmits,
		.sacked = t.sacked,
		.answers = t.segs_in - MIN(t.segs_in, t.data_segs_in),
		.mss = t.snd_mss,
		.pmtu = t.pmtu,
		.rtt_us = t.rtt,
	};
}
