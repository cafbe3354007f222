#include "net/role/server_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/socket/bind.h"

static int bind_and_listen(int fd, const struct endpoint *ep,
			   const struct server_how *how, struct unix_file *file,
			   struct session *s, struct fault *f)
{
	char text[ENDPOINT_TEXT_MAX];
	uint64_t began = clock_us();
	int r;

	endpoint_text(text, sizeof(text), ep);
	r = endpoint_bind(fd, ep, file, f);
	session_call(s, NET_CALL_BIND, fd, r, began, "bind(%d, %.400s)", fd, text);
	if (r < 0 || !target_is_connected(ep->proto) || how->behave->bind_only)
		return r;
	began = clock_us();
	r = listen(fd, how->backlog) == 0 ? 0 : -errno;
	session_call(s, NET_CALL_LISTEN, fd, r, began, "listen(%d, %d)", fd,
		     how->backlog);
	if (r < 0) {
		fault(f, -r, "listen on %s", text);
		if (r == -EADDRINUSE)
			fault_hint(f, "another socket that is bound here began to listen "
				      "first");
		unixfile_remove(file);
	}
	return r;
}

static int open_server_socket(const struct endpoint *ep, const struct server_how *how,
			      struct unix_file *file, struct session *s, struct fault *f)
{
	uint64_t began = clock_us();
	_cleanup_close_ int fd = endpoint_socket(ep, f);
	int r, zero = 0;
	struct addr a;

	if (fd < 0)
		return take_fd(&fd);
	session_call(s, NET_CALL_SOCKET, fd, fd, began, "%s", endpoint_socket_text(ep));
	/* [::] means every address, IPv4 too, whatever bindv6only says; --option v6only
	 * comes later and has the last word. */
	if (ep->family == AF_INET6 && endpoint_addr(ep, &a) && addr_is_any(&a))
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	r = sockopt_apply(fd, how->options, SOCKOPT_EARLY, session_note, s, f);
	if (r == 0)
		r = bind_and_listen(fd, ep, how, file, s, f);
	return r < 0 ? r : take_fd(&fd);
}

int server_open(const struct endpoint_list *list, const struct server_how *how,
		struct endpoint *local, struct unix_file *file, struct session *s,
		struct endpoint *failed, struct fault *f)
{
	int fd = -EADDRNOTAVAIL;
	size_t i;

	for (i = 0; i < list->n; i++) {
		*failed = list->v[i];
		fd = open_server_socket(&list->v[i], how, file, s, f);
		/* Without IPv6 here, the IPv4 address of the same name will do. */
		if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL)
			break;
	}
	if (fd >= 0 && endpoint_local(fd, &list->v[i], local) < 0) {
		fault(f, errno, "ask for the address that was bound");
		unixfile_remove(file);
		close_fd(fd);
		return -f->err;
	}
	if (fd >= 0)
		local->ifindex = endpoint_device(fd);
	return fd;
}

static int adopt(int fd, struct endpoint *local, struct fault *f)
{
	int type = 0, protocol = 0, listening = 0, domain = 0;
	socklen_t len = sizeof(int);
	enum target_proto proto;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0) {
		fault(f, errno, "descriptor %d", fd);
		fault_hint(f, "fd: wants a socket that the parent left open");
		return -f->err;
	}
	getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len);
	getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len);
	if (domain == AF_UNIX)
		proto = type == SOCK_STREAM  ? TARGET_UNIX
			: type == SOCK_DGRAM ? TARGET_UNIX_DGRAM
					     : TARGET_UNIX_SEQPACKET;
	else if (domain == AF_VSOCK)
		proto = TARGET_VSOCK;
	else
		proto = type == SOCK_DGRAM ? TARGET_UDP
			: type == SOCK_RAW ? TARGET_RAW
			: protocol == 262  ? TARGET_MPTCP
					   : TARGET_TCP;
	if (target_is_connected(proto) && !listening) {
		fault_say(f, EINVAL, "descriptor %d is a socket, but it does not listen",
			  fd);
		fault_hint(f, "in a systemd unit: Accept=no");
		return -EINVAL;
	}
	endpoint_init(local, proto, domain);
	endpoint_local(fd, local, local);
	local->ifindex = endpoint_device(fd);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	/*
	 * All who have the description see the flag, and receiving and sending do without
	 * it. accept() does not: it knows no MSG_DONTWAIT, and a peer that is gone
	 * between epoll and accept(), or that another process takes, would stop us. A
	 * listener is handed over to be served by us, so the flag is part of what we were
	 * given.
	 */
	if (listening)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return fd;
}

/* sd_listen_fds(3): the variables count only for the process they name. */
/* A loop of its own serves datagrams, and one thing is done with what comes. */
static int may_stand_beside(const struct endpoint *first, const struct endpoint *other,
			    int fd, struct fault *f)
{
	if (target_is_connected(first->proto) && target_is_connected(other->proto) &&
	    (first->proto == TARGET_UNIX_SEQPACKET) ==
		    (other->proto == TARGET_UNIX_SEQPACKET))
		return 0;
	fault_say(f, EINVAL,
		  "descriptors 3 and %d: sockets of %s and of %s are not served together",
		  fd, target_proto_name(first->proto), target_proto_name(other->proto));
	fault_hint(f, "fd:3 and fd:%d name one of them each", fd);
	return -EINVAL;
}

static int adopt_all(size_t n, struct endpoint *local, struct listener **also,
		     size_t *n_also, struct fault *f)
{
	enum { FIRST = 3 };
	int r = adopt(FIRST, local, f);
	size_t i;

	if (r < 0 || n == 1)
		return r;
	*also = xcalloc(n - 1, sizeof(**also));
	for (i = 0; i + 1 < n; i++) {
		struct listener *x = *also + i;
		int fd = FIRST + 1 + (int)i;

		r = adopt(fd, &x->local, f);
		if (r >= 0)
			r = may_stand_beside(local, &x->local, fd, f);
		if (r < 0)
			return r;
		x->w = (struct watch){ .fd = fd };
	}
	*n_also = n - 1;
	return FIRST;
}

int server_inherit(int number, struct endpoint *local, struct listener **also,
		   size_t *n_also, struct fault *f)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t for_pid = 0, n = 0;

	if (number >= 0)
		return adopt(number, local, f);
	if (!fds || num_parse_u64(fds, 1000, &n, NULL) < 0 || !n) {
		fault_say(f, EINVAL, "no socket was handed over: LISTEN_FDS is not set");
		fault_hint(
			f,
			"'systemd-socket-activate -l 8080 sockctl listen fd:' does so; "
			"fd:N names an inherited descriptor");
		return -EINVAL;
	}
	if (pid && (num_parse_u64(pid, INT32_MAX, &for_pid, NULL) < 0 ||
		    for_pid != (uint64_t)getpid())) {
		fault_say(f, EINVAL, "the sockets were handed to process %s, this is %ld",
			  pid, (long)getpid());
		fault_hint(f, "is there a shell in between? use exec");
		return -EINVAL;
	}
	/* They are ours, not our children's. */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return adopt_all((size_t)n, local, also, n_also, f);
}
