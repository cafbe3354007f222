#include "net/socket/record.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>

/*
 * What is received carries a control message then, the end does not (net/unix/af_unix.c).
 * SO_PASSCRED would do, too, but a socket that sends with it is given an abstract name,
 * which whoever looks at the machine would see.
 */
void record_mark(int fd)
{
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one));
}

ssize_t record_recv(int fd, void *to, size_t len, bool *empty)
{
	/* Room for the mark alone: descriptors that a peer sends along find none, so that
	 * the kernel drops them. A close() of ours could wait for a file of the peer's.
	 */
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct timeval))];
	struct iovec v = { to, len };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*empty = false;
	if (n < 0)
		return -errno;
	if (m.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	*empty = n == 0 && m.msg_controllen;
	return n;
}
