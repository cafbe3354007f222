#include "kernel/proc/fdsteal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Newer than the headers of the oldest system we build on. */
enum {
	OPT_IP_LOCAL_PORT_RANGE = 51,
	OPT_SO_BUF_LOCK = 72,
	OPT_TCP_IS_MPTCP = 43,
	OPT_PROTO_MPTCP = 262,
	OPT_SOL_MPTCP = 284,
	OPT_MPTCP_INFO = 1,
};

enum { TCP_ONLY = BIT(0), INET_ONLY = BIT(1), INET6_ONLY = BIT(2) };

/* An int option and where it goes, times a factor that makes milliseconds of seconds. */
static const struct {
	int level, name;
	uint8_t only; /* of the sets above */
	uint16_t factor;
	size_t at;
} plain[] = {
#define OPTION(level, name, only, factor, member)                                \
	{                                                                        \
		level, name, only, factor, offsetof(struct sock_options, member) \
	}
	OPTION(SOL_SOCKET, SO_REUSEADDR, 0, 1, reuseaddr),
	OPTION(SOL_SOCKET, SO_REUSEPORT, INET_ONLY, 1, reuseport),
	OPTION(IPPROTO_IPV6, IPV6_V6ONLY, INET6_ONLY, 1, v6only),
	OPTION(SOL_SOCKET, SO_KEEPALIVE, 0, 1, keepalive),
	OPTION(IPPROTO_TCP, TCP_KEEPIDLE, TCP_ONLY, 1000, keepidle_ms),
	OPTION(IPPROTO_TCP, TCP_KEEPINTVL, TCP_ONLY, 1000, keepintvl_ms),
	OPTION(IPPROTO_TCP, TCP_KEEPCNT, TCP_ONLY, 1, keepcnt),
	OPTION(IPPROTO_TCP, TCP_NODELAY, TCP_ONLY, 1, nodelay),
	OPTION(IPPROTO_TCP, TCP_CORK, TCP_ONLY, 1, cork),
	OPTION(IPPROTO_TCP, TCP_QUICKACK, TCP_ONLY, 1, quickack),
	OPTION(IPPROTO_TCP, TCP_MAXSEG, TCP_ONLY, 1, maxseg),
	OPTION(IPPROTO_TCP, TCP_NOTSENT_LOWAT, TCP_ONLY, 1, notsent_lowat),
	OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT, TCP_ONLY, 1, user_timeout_ms),
	OPTION(IPPROTO_TCP, TCP_DEFER_ACCEPT, TCP_ONLY, 1000, defer_accept_ms),
	OPTION(IPPROTO_TCP, TCP_FASTOPEN, TCP_ONLY, 1, fastopen_qlen),
	OPTION(IPPROTO_TCP, TCP_SYNCNT, TCP_ONLY, 1, syncnt),
	OPTION(IPPROTO_TCP, TCP_LINGER2, TCP_ONLY, 1000, linger2_ms),
	OPTION(IPPROTO_TCP, TCP_WINDOW_CLAMP, TCP_ONLY, 1, window_clamp),
	OPTION(SOL_SOCKET, SO_RCVBUF, 0, 1, rcvbuf),
	OPTION(SOL_SOCKET, SO_SNDBUF, 0, 1, sndbuf),
	OPTION(SOL_SOCKET, OPT_SO_BUF_LOCK, 0, 1, buffers_set),
	OPTION(SOL_SOCKET, SO_RCVLOWAT, 0, 1, rcvlowat),
	OPTION(SOL_SOCKET, SO_PRIORITY, 0, 1, priority),
	OPTION(SOL_SOCKET, SO_BUSY_POLL, INET_ONLY, 1, busy_poll_us),
	OPTION(SOL_SOCKET, SO_INCOMING_CPU, INET_ONLY, 1, incoming_cpu),
	OPTION(SOL_SOCKET, SO_BROADCAST, 0, 1, broadcast),
	OPTION(SOL_SOCKET, SO_OOBINLINE, 0, 1, oobinline),
	OPTION(SOL_SOCKET, SO_DONTROUTE, 0, 1, dontroute),
	OPTION(SOL_SOCKET, SO_PASSCRED, 0, 1, passcred),
	OPTION(SOL_SOCKET, SO_TIMESTAMP, 0, 1, timestamp),
#undef OPTION
};

/* Some need the process to be there still between two calls; each may fail alone. */
static int duplicate(const struct holder *h)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, h->pid, 0);
	int fd;

	if (pidfd < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, h->fd, 0);
	return fd < 0 ? -errno : fd;
}

static bool is_mptcp(int fd, const struct sock *s)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	return s->proto == PROTO_TCP &&
	       getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
	       protocol == OPT_PROTO_MPTCP;
}

/* The row is a subflow's, which has a cookie of its own and the inode of the program's
 * socket. That one's cookie is not asked for: it would be made by the question, and a
 * listener's then is that of all that it accepts. */
static bool is_subflow(int fd, const struct sock *s)
{
	struct stat st;

	return s->inode && fstat(fd, &st) == 0 && st.st_ino == s->inode;
}

static bool is_same(int fd, const struct sock *s)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 &&
	       cookie == s->cookie;
}

/* A socket of MPTCP that has fallen back answers as one of TCP does: it is not MPTCP, and
 * has nothing to say about MPTCP. The first question is newer. */
static uint64_t what_became_of_mptcp(int fd)
{
	uint32_t info[64];
	socklen_t len = sizeof(info);
	int is = 0;

	if (getsockopt(fd, OPT_SOL_MPTCP, OPT_MPTCP_INFO, info, &len) == 0)
		return SOCK_MPTCP_YES;
	len = sizeof(is);
	if (getsockopt(fd, IPPROTO_TCP, OPT_TCP_IS_MPTCP, &is, &len) == 0 && !is)
		return SOCK_MPTCP_FALLBACK;
	return UINT64_MAX;
}

static void read_options(int fd, const struct sock *s, struct sock_options *o)
{
	unsigned kind = (s->proto == PROTO_TCP ? TCP_ONLY : 0) |
			(sock_is_unix(s) ? 0 : INET_ONLY) |
			(s->family == AF_INET6 ? INET6_ONLY : 0);
	struct linger linger;
	uint32_t ports = 0;
	socklen_t len;
	size_t i;
	int flags;

	for (i = 0; i < ARRAY_SIZE(plain); i++) {
		int value = 0;

		len = sizeof(value);
		if ((plain[i].only & ~kind) ||
		    getsockopt(fd, plain[i].level, plain[i].name, &value, &len) != 0 ||
		    value == -1)
			continue;
		*(uint64_t *)((char *)o + plain[i].at) = (uint64_t)(uint32_t)value *
							 plain[i].factor;
	}
	len = sizeof(linger);
	if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len) == 0) {
		o->linger = linger.l_onoff != 0;
		if (linger.l_onoff)
			o->linger_ms = (uint64_t)(uint32_t)linger.l_linger * 1000;
	}
	len = sizeof(ports);
	if ((kind & INET_ONLY) &&
	    getsockopt(fd, IPPROTO_IP, OPT_IP_LOCAL_PORT_RANGE, &ports, &len) == 0) {
		o->local_port_min = ports & 0xffff;
		o->local_port_max = ports >> 16;
	}
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0)
		o->nonblock = (flags & O_NONBLOCK) != 0;
}

static int options_of(const struct holder *h, const struct sock *s,
		      struct sock_options *o)
{
	int fd = duplicate(h), r = 0;
	bool mptcp;

	memset(o, 0xff, sizeof(*o));
	if (fd < 0)
		return fd;
	mptcp = is_mptcp(fd, s);
	if (mptcp ? is_subflow(fd, s) : is_same(fd, s)) {
		read_options(fd, s, o);
		if (s->proto == PROTO_TCP)
			o->mptcp = mptcp ? what_became_of_mptcp(fd) : SOCK_MPTCP_NO;
	} else {
		r = -ESTALE;
	}
	close(fd);
	return r;
}

int fdsteal_options_of(const struct sock *s, struct sock_options *o)
{
	const struct holder *h;
	int r = -ESRCH;

	for (h = s->holders; h; h = h->next) {
		r = options_of(h, s, o);
		if (r == 0)
			break;
	}
	return r;
}
