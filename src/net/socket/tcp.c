#include "net/socket/tcp.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "model/sock.h"

bool tcp_read(int fd, struct tcpinfo *t)
{
	socklen_t len = sizeof(*t);

	*t = (struct tcpinfo){ 0 };
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, t, &len) == 0;
}

int tcp_error(int fd)
{
	struct tcpinfo t;
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0 || !err)
		return 0;
	return tcp_read(fd, &t) && t.state != STATE_CLOSE ? 0 : err;
}

void tcp_read_congestion(int fd, char name[TCP_CONGESTION_MAX])
{
	socklen_t len = TCP_CONGESTION_MAX;

	if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len) != 0)
		name[0] = '\0';
	name[TCP_CONGESTION_MAX - 1] = '\0';
}

uint64_t tcp_unsent(int fd)
{
	int protocol = 0, queued = 0;
	socklen_t len = sizeof(protocol);

	/* A unix socket counts what the peer has not read, which is another thing. */
	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) != 0 ||
	    protocol != IPPROTO_TCP || ioctl(fd, SIOCOUTQ, &queued) != 0)
		return 0;
	return queued > 0 ? (uint64_t)queued : 0;
}

uint32_t tcp_ack_pause(uint32_t last_us)
{
	enum { FIRST_US = 1000, MOST_US = 50000 };

	return last_us ? MIN(last_us * 2, (uint32_t)MOST_US) : FIRST_US;
}

bool tcp_is_multipath(int fd)
{
	enum { LEVEL = 284, INFO = 1 }; /* SOL_MPTCP, MPTCP_INFO */
	uint32_t info[64];
	socklen_t len = sizeof(info);

	/* One that fell back says EOPNOTSUPP. */
	return getsockopt(fd, LEVEL, INFO, info, &len) == 0;
}
