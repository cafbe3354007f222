#include "net/lab/step.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/role/server_open.h"
#include "net/socket/bind.h"
#include "net/socket/dial.h"
#include "net/socket/sockfilter.h"
#include "net/socket/tcp.h"

static void say(struct lab *lab, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct lab *lab, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(lab->call, sizeof(lab->call), fmt, ap);
	va_end(ap);
}

int *lab_fd(struct lab *lab, enum lab_who who)
{
	bool client = (who == LAB_US) == (lab->how->side == LAB_SIDE_CONNECT);

	if (who == LAB_LISTENER || (who == LAB_US && lab->how->recipe->of_listener))
		return &lab->listener;
	return client ? &lab->client : &lab->server;
}

void lab_reset_fd(int *fd)
{
	if (*fd >= 0)
		endpoint_reset_on_close(*fd);
	close_fd(take_fd(fd));
}

static int do_bind(struct lab *lab, struct fault *f)
{
	const struct behave bind_only = { .bind_only = true };
	struct server_how how = { .options = &lab->listener_options,
				  .behave = &bind_only };
	struct endpoint_list again = { .v = &lab->at, .n = 1 };
	char text[ENDPOINT_TEXT_MAX - 32];
	struct unix_file none = { 0 };
	struct endpoint at;
	int fd;

	/* Anew, it is where it was. */
	fd = server_open(lab->at.len ? &again : lab->how->list, &how, &at, &none, lab->s,
			 &lab->failed_at, f);
	if (fd < 0)
		return fd;
	lab->at = at;
	lab->listener = fd;
	say(lab, "bind(%d, %s)", fd, endpoint_text(text, sizeof(text), &at));
	return 1;
}

static int do_listen(struct lab *lab, struct fault *f)
{
	/* One of N holds N+1. */
	int backlog = lab->how->backlog >= 0 ? lab->how->backlog
					     : (int)lab->how->recipe->holds - 1;

	say(lab, "listen(%d, %d)", lab->listener, backlog);
	return listen(lab->listener, backlog) == 0 ? 1 : fault(f, errno, "listen");
}

/* Where a client finds the listener: its own address, or loopback for "every one". */
static struct endpoint listener_address(const struct lab *lab)
{
	struct endpoint ep = lab->at;
	struct addr a = { 0 };

	endpoint_addr(&ep, &a);
	if (!addr_is_any(&a))
		return ep;
	memset(a.ip, 0, sizeof(a.ip));
	if (a.family == AF_INET6) {
		a.ip[15] = 1;
	} else {
		a.ip[0] = 127;
		a.ip[3] = 1;
	}
	endpoint_from_addr(&ep, ep.proto, &a);
	return ep;
}

/*
 * Binds to a port by its number: one that the kernel chose by itself is given back when
 * the connection is gone (SOCK_BINDPORT_LOCK is for those that were named). Another
 * socket finds one that is free; whoever is faster takes it, hence several tries.
 */
static int bind_named_port(int fd, const struct endpoint *at, struct fault *f)
{
	struct endpoint from = *at;
	struct addr a = { 0 };
	int tries, r = -EADDRINUSE;

	for (tries = 0; tries < 16 && r == -EADDRINUSE; tries++) {
		_cleanup_close_ int finder = endpoint_socket(at, f);

		if (finder < 0)
			return take_fd(&finder);
		endpoint_addr(at, &a);
		a.port = 0;
		endpoint_from_addr(&from, at->proto, &a);
		r = endpoint_bind(finder, &from, NULL, f);
		if (r == 0)
			r = endpoint_local(finder, at, &from);
		close_fd(take_fd(&finder));
		if (r == 0)
			r = endpoint_bind(fd, &from, NULL, f);
	}
	return r;
}

/* A client's socket, on its way; bound: from a port that was bound by its number. */
static int new_client(struct lab *lab, const struct sockopt_list *options, bool bound,
		      struct fault *f)
{
	const struct dial_how how = { .options = options,
				      .note = session_note,
				      .note_ctx = lab->s };
	const struct endpoint to = listener_address(lab);
	_cleanup_close_ int fd = dial_open(&to, &how, f);
	char text[ENDPOINT_TEXT_MAX];
	int r;

	if (fd < 0)
		return take_fd(&fd);
	r = bound ? bind_named_port(fd, &to, f) : 0;
	if (r < 0)
		return r;
	r = endpoint_connect(fd, &to);
	if (r == 0 || r == -EINPROGRESS)
		return take_fd(&fd);
	fault(f, -r, "connect %s", endpoint_text(text, sizeof(text), &to));
	dial_hint(&to, -r, f);
	return r;
}

static int do_connect(struct lab *lab, bool bound, struct fault *f)
{
	char text[ENDPOINT_TEXT_MAX - 64];
	int fd = new_client(lab, &lab->client_options, bound, f);

	if (fd < 0)
		return fd;
	lab->client = fd;
	lab->to = listener_address(lab);
	endpoint_local(fd, &lab->to, &lab->from);
	say(lab, "connect(%d, %s)", fd, endpoint_text(text, sizeof(text), &lab->to));
	return 1;
}

/* One connection a turn, until more wait than the limit says. */
static int do_fill(struct lab *lab, struct fault *f)
{
	const struct sockopt_list none = { 0 };
	struct tcpinfo t;
	int fd;

	if (!tcp_read(lab->listener, &t))
		return fault(f, errno, "read TCP_INFO of the listener");
	say(lab, "%zu x connect()", lab->n_helpers);
	if (t.unacked > t.sacked)
		return 1;
	if (lab->n_helpers > t.unacked)
		return 0; /* the last one is on its way */
	fd = new_client(lab, &none, false, f);
	if (fd < 0)
		return fd;
	lab->helpers = array_grow(lab->helpers, lab->n_helpers, &lab->cap_helpers,
				  sizeof(*lab->helpers));
	lab->helpers[lab->n_helpers++] = fd;
	/* Progress: a long queue may take its time. */
	lab->deadline_us = lab->wait_us = 0;
	return 0;
}

static int do_accept(struct lab *lab, struct fault *f)
{
	/* cppcheck-suppress nullPointer ; accept4() takes NULL */
	int fd = accept4(lab->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return errno == EAGAIN ? 0 : fault(f, errno, "accept");
	lab->server = fd;
	say(lab, "accept4(%d) = %d", lab->listener, fd);
	return 1;
}

/*
 * Full is not yet stuck: what is in flight may still be taken. The peer's window is shut
 * when nothing is in flight and much waits all the same, more than the few kilobytes by
 * which a window of this size can open again.
 */
static int do_send(struct lab *lab, int fd, struct fault *f)
{
	enum { STUCK_BYTES = 16 * 1024 };
	struct tcpinfo t;
	ssize_t n;

	memset(lab->s->loop.scratch, '.', STUCK_BYTES);
	do
		n = send(fd, lab->s->loop.scratch, STUCK_BYTES, MSG_NOSIGNAL);
	while (n > 0);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return fault(f, errno, "send");
	if (!tcp_read(fd, &t))
		return fault(f, errno, "read TCP_INFO");
	say(lab, "send(%d) until EAGAIN: %u wait", fd, t.notsent_bytes);
	return !t.unacked && t.notsent_bytes >= STUCK_BYTES;
}

static int do_read_end(struct lab *lab, int fd, struct fault *f)
{
	ssize_t n;

	do
		n = recv(fd, lab->s->loop.scratch, LOOP_SCRATCH, 0);
	while (n > 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : fault(f, errno, "recv");
	say(lab, "recv(%d) = 0", fd);
	return 1;
}

int lab_step_do(struct lab *lab, struct fault *f)
{
	const struct lab_step *step = lab->step;
	int *fd = lab_fd(lab, step->who), r;

	switch (step->op) {
	case LAB_END:
		return 1;
	case LAB_BIND:
		return do_bind(lab, f);
	case LAB_LISTEN:
		return do_listen(lab, f);
	case LAB_FILL_QUEUE:
		return do_fill(lab, f);
	case LAB_CONNECT:
		return do_connect(lab, false, f);
	case LAB_CONNECT_BOUND:
		return do_connect(lab, true, f);
	case LAB_ACCEPT:
		return do_accept(lab, f);
	case LAB_SEND:
		return do_send(lab, *fd, f);
	case LAB_READ_END:
		return do_read_end(lab, *fd, f);
	case LAB_SHUT:
		say(lab, "shutdown(%d, SHUT_WR)", *fd);
		return shutdown(*fd, SHUT_WR) == 0 ? 1 : fault(f, errno, "shutdown");
	case LAB_CLOSE:
		say(lab, "close(%d)", *fd);
		close_fd(take_fd(fd));
		return 1;
	case LAB_RESET:
		say(lab, "SO_LINGER 0, close(%d)", *fd);
		lab_reset_fd(fd);
		return 1;
	case LAB_DROP_ALL:
		say(lab, "SO_ATTACH_FILTER on %d: drop all", *fd);
		r = sockfilter_drop_all(*fd, f);
		return r < 0 ? r : 1;
	case LAB_ONLY_SYN:
		say(lab, "SO_ATTACH_FILTER on %d: SYNs only", *fd);
		r = sockfilter_only_syn(*fd, f);
		return r < 0 ? r : 1;
	}
	return -EINVAL;
}
