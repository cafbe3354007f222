#include "net/socket/fastopen.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>

/* The result of connect(), or what socket() or the option said. */
static int connect_fast(int *fd, const struct endpoint *to, const struct dial_how *how)
{
	int one = 1;

	*fd = dial_open(to, how, NULL);
	if (*fd < 0)
		return *fd;
	endpoint_reset_on_close(*fd);
	if (setsockopt(*fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one)) != 0)
		return -errno;
	return endpoint_connect(*fd, to);
}

enum fastopen fastopen_ask(const struct endpoint *to, const struct dial_how *how,
			   uint64_t timeout_us)
{
	_cleanup_close_ int first = -1, second = -1;
	struct pollfd p = { .events = POLLOUT };
	int r = connect_fast(&first, to, how);

	if (r == 0)
		return FASTOPEN_YES; /* known from before */
	if (r == -EOPNOTSUPP)
		return FASTOPEN_OFF;
	p.fd = first;
	if (r != -EINPROGRESS ||
	    poll(&p, 1, (int)MIN(timeout_us / 1000, (uint64_t)INT32_MAX)) != 1 ||
	    (p.revents & (POLLERR | POLLHUP)))
		return FASTOPEN_UNKNOWN;
	r = connect_fast(&second, to, how);
	return r == 0 ? FASTOPEN_YES : r == -EINPROGRESS ? FASTOPEN_NO : FASTOPEN_UNKNOWN;
}
