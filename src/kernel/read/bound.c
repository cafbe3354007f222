#include "kernel/read/bound.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "kernel/netlink/bytecode.h"
#include "kernel/netlink/diag_inet.h"
#include "model/filter/filter.h"

static int count_row(const struct nlmsghdr *h, void *ctx)
{
	unsigned *n = ctx;

	(void)h;
	++*n;
	return 0;
}

/* Sockets that are only bound, of one port. */
static int count_bound(struct reader *r, uint16_t port, unsigned *n)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_buf_ struct buf program = { 0 };
	struct port_range range = { port, port };
	struct port_set ports = { &range, 1, 1 };
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.states = 1 << STATE_BOUND_INACTIVE };
	/* It is none of the sockets that are recorded. */
	struct nl_record *record = take_ptr(&r->dump.record);
	int err;

	if (bytecode_compile(&program, filter_ports(&a, SIDE_LOCAL, &ports),
			     &reader_caps))
		q.bytecode = (struct blob){ program.data, (uint32_t)program.len };
	err = inet_dump(&r->dump, &q, count_row, n);
	r->dump.record = record;
	return err;
}

/*
 * The range of the kernel may be full, and the port 0 be denied or taken for that: other
 * ports do as well. Where ports below a limit need a right, one of these says EACCES,
 * which is no word about all of them.
 */
static int bind_somewhere(int fd, struct sockaddr_in *sin)
{
	enum { FIRST = 1025, STEP = 499, TRIES = 128 };
	int i;

	if (bind(fd, (struct sockaddr *)sin, sizeof(*sin)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	for (i = 0; i < TRIES; i++) {
		sin->sin_port = htons((uint16_t)(FIRST + i * STEP));
		if (bind(fd, (struct sockaddr *)sin, sizeof(*sin)) == 0)
			return 0;
	}
	return -EADDRINUSE;
}

int bound_are_listed(struct reader *r, int *refused)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	unsigned n = 0;
	int err = 0, one = 1;

	*refused = 0;

	/* Where lo has never been up, nobody has that address. */
	if (fd >= 0)
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	if (fd >= 0)
		err = bind_somewhere(fd, &sin);
	*refused = -err;
	if (err < 0)
		return err;
	if (fd < 0 || getsockname(fd, (struct sockaddr *)&sin, &len) != 0)
		return -errno;
	err = bound_error(count_bound(r, ntohs(sin.sin_port), &n));
	return err < 0 ? err : n > 0;
}
