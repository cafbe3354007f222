#include "kernel/watch/gone.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "model/sock.h"

enum { NEWS_IN_TURN = 256 };

static uint32_t group(enum sknetlink_groups g)
{
	return BIT(g - 1);
}

int gone_open(uint32_t protos)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	_cleanup_close_ int fd = -1;

	if (protos & BIT(PROTO_TCP))
		self.nl_groups |= group(SKNLGRP_INET_TCP_DESTROY) |
				  group(SKNLGRP_INET6_TCP_DESTROY);
	if (protos & BIT(PROTO_UDP))
		self.nl_groups |= group(SKNLGRP_INET_UDP_DESTROY) |
				  group(SKNLGRP_INET6_UDP_DESTROY);
	if (!self.nl_groups)
		return -1;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    NETLINK_SOCK_DIAG);
	if (fd < 0 || bind(fd, (const void *)&self, sizeof(self)) != 0)
		return -1;
	return take_fd(&fd);
}

/* What they say does not matter, nor that some were lost (ENOBUFS): all is looked at
 * anew. */
static void drain(int fd)
{
	char buf[4096];
	unsigned i;

	/* Where sockets end faster than this reads, the rest is for the next wait. */
	for (i = 0; i < NEWS_IN_TURN; i++)
		if (recv(fd, buf, sizeof(buf), 0) <= 0 && errno != ENOBUFS &&
		    errno != EINTR)
			break;
}

bool gone_wait(int fd, uint64_t until_us)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		uint64_t now = clock_us(), left = until_us > now ? until_us - now : 0;
		struct timespec ts = { .tv_sec = (time_t)(left / 1000000),
				       .tv_nsec = (long)(left % 1000000) * 1000 };
		int n = ppoll(&p, 1, &ts, NULL);

		if (n > 0) {
			drain(fd);
			return true;
		}
		if (n == 0 && left == 0)
			return false;
		if (n < 0 && errno != EINTR) {
			clock_sleep_until(until_us);
			return false;
		}
	}
}
