#include "net/role/datagram_side.h"

#include <errno.h>
#include <sys/socket.h>

#include "net/socket/bind.h"
#include "net/socket/errqueue.h"

enum { IN_TURN = 64 };

static int reuse_of(int fd)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, &len) == 0 ? on : 0;
}

static void set_reuse(int fd, int on)
{
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

/* Of two sockets with the same end the kernel gives the connected one what is of its
 * peer. Both must allow that, while the second is bound. */
static int open_beside(const struct datagram *d)
{
	struct fault f = FAULT_INIT;
	_cleanup_close_ int fd = endpoint_socket(&d->local, &f);
	int before, r;

	if (fd < 0)
		return -1;
	before = reuse_of(d->w.fd);
	set_reuse(d->w.fd, 1);
	set_reuse(fd, 1);
	r = endpoint_bind(fd, &d->local, NULL, NULL);
	set_reuse(d->w.fd, before);
	return r < 0 ? -1 : take_fd(&fd);
}

void datagram_side_begin(struct datagram *d)
{
	if (d->how->server || d->local.proto != TARGET_UDP || !d->peer.len)
		return;
	d->keeps_errors = true;
	errqueue_want(d->w.fd, d->local.family);
	d->beside = open_beside(d);
}

void datagram_side_answered(struct datagram *d)
{
	close_fd(take_fd(&d->beside));
}

void datagram_side_end(struct datagram *d)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char byte;

	if (d->beside >= 0 &&
	    recvfrom(d->beside, &byte, 1, MSG_DONTWAIT, (struct sockaddr *)(void *)&ss,
		     &len) >= 0 &&
	    addr_from_sockaddr(&d->answered_from, (const struct sockaddr *)(void *)&ss,
			       len))
		d->answered_from = addr_unmapped(&d->answered_from);
	close_fd(take_fd(&d->beside));
}

int datagram_side_error(struct datagram *d, int err)
{
	struct icmp_error icmp = { 0 };
	int one, i;

	for (i = 0; d->keeps_errors && i < IN_TURN; i++) {
		if (!errqueue_take(d->w.fd, &icmp, NULL, &one))
			break;
		if (!icmp_passes(&icmp))
			return one;
		if (!d->passing.family)
			d->passing = icmp;
		/* What the call has returned is that of the last. */
		err = 0;
	}
	return err;
}
