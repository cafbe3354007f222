#include "net/role/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/role/server_private.h"

enum {
	ACCEPT_BURST = 64, /* a turn, so that those who are in are served too */
	SHARED_BURST = 8,  /* where other threads may take the rest */
	STARVED_US = 100 * 1000,
};

/* --- opening --- */

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
		endpoint_unlink(file);
	}
	return r;
}

static int open_one(const struct endpoint *ep, const struct server_how *how,
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
		fd = open_one(&list->v[i], how, file, s, f);
		/* Without IPv6 here, the IPv4 address of the same name will do. */
		if (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL)
			break;
	}
	if (fd >= 0 && endpoint_local(fd, &list->v[i], local) < 0) {
		fault(f, errno, "ask for the address that was bound");
		endpoint_unlink(file);
		close_fd(fd);
		return -f->err;
	}
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
int server_inherit(int number, struct endpoint *local, struct fault *f)
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
	return adopt(3, local, f);
}

/* --- ending --- */

bool server_wants_more(const struct server *v)
{
	return v->w.fd >= 0 &&
	       (v->how->max ? v->accepted < v->how->max : v->how->keep || !v->accepted);
}

void server_check_over(struct server *v)
{
	if (v->w.fd < 0 && !v->s->conns && !v->children && v->held < 0)
		loop_stop(&v->s->loop);
}

static void session_idle(struct session *s)
{
	server_check_over(s->owner);
}

void server_stop_accepting(struct server *v)
{
	timer_stop(&v->s->loop, &v->pause);
	timer_stop(&v->s->loop, &v->first);
	if (v->w.fd < 0)
		return;
	endpoint_unlink(v->file);
	watch_close(&v->s->loop, &v->w);
}

void server_stop(struct server *v)
{
	server_stop_accepting(v);
	watch_remove(&v->s->loop, &v->handed);
	close_fd(take_fd(&v->held));
	while (v->children) {
		struct child *c = v->children;

		leave_forget(&c->leaving);
		kill(c->pid, SIGTERM);
		watch_close(&v->s->loop, &c->w);
		v->children = c->next;
		free(c);
	}
}

/* --- accepting --- */

static void rest(struct server *v, uint64_t us)
{
	/* A queue that is left alone must not wake us, whatever epoll says. */
	if (v->w.fd >= 0 && watch_set(&v->s->loop, &v->w, 0) < 0)
		watch_remove(&v->s->loop, &v->w);
	timer_set(&v->s->loop, &v->pause, loop_now(&v->s->loop) + us);
}

void server_starve(struct server *v, struct fault *f)
{
	v->s->totals.out_of_fds++;
	if (!v->starved) {
		fault_hint(f, f->err == EMFILE
				      ? "the limit of this process (ulimit -n) is "
					"reached; peers wait in the queue meanwhile"
				      : "peers wait in the queue meanwhile");
		session_trouble(v->s, f);
	}
	v->starved = true;
	rest(v, STARVED_US);
}

void server_fed(struct server *v)
{
	if (v->starved)
		session_note(v->s, "accepting again");
	v->starved = false;
}

static void starve(struct server *v, int err)
{
	const struct session *s = v->s;
	uint64_t open = s->shared ? atomic_load(&s->shared->open) : s->totals.open;
	struct fault f = FAULT_INIT;

	fault(&f, err, "accept on the listener, %llu connections open",
	      (unsigned long long)open);
	server_starve(v, &f);
}

enum got { GOT_ONE, GOT_NONE, GOT_TROUBLE };

static enum got accept_one(struct server *v)
{
	int flags = SOCK_CLOEXEC | (v->how->child ? 0 : SOCK_NONBLOCK);
	uint64_t began = v->s->ops.wants_calls ? clock_us() : 0;
	struct fault f = FAULT_INIT;
	int sock = server_reserve(v);

	/* cppcheck-suppress nullPointer ; accept4() takes NULL */
	sock = sock < 0 ? sock : accept4(v->w.fd, NULL, NULL, flags);
	if (sock >= 0) {
		if (!server_needs_file(v))
			server_fed(v);
		session_call(v->s, NET_CALL_ACCEPT, sock, sock, began, "accept4(%d)",
			     v->w.fd);
		if (!v->s->shared || !seats_pass(&v->s->shared->seats, v->s->seat, sock))
			server_serve(v, sock);
		return v->held < 0 ? GOT_ONE : GOT_TROUBLE;
	}
	server_unreserve(v);
	switch (errno) {
	case EAGAIN:
		return GOT_NONE;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		starve(v, errno);
		return GOT_TROUBLE;
	case EINTR:
	case ECONNABORTED:
	/* accept(2): errors of the network that belong to the connection, not to us. */
	case ENETDOWN:
	case EPROTO:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EPERM: /* a firewall */
		return GOT_ONE;
	default:
		fault(&f, errno, "accept");
		session_trouble(v->s, &f);
		session_worse(v->s, CONN_ERROR, f.err);
		server_stop_accepting(v);
		server_check_over(v);
		return GOT_TROUBLE;
	}
}

/* Until when --accept-delay and --accept-rate leave the next peer in the queue; 0 = it
 * may come. */
static uint64_t not_yet(struct server *v)
{
	const struct behave *b = v->how->behave;
	uint64_t now;

	if (!b->accept_delay_us && !b->accept_rate)
		return 0;
	now = loop_now(&v->s->loop);
	if (b->accept_delay_us && !v->due) {
		v->due = true;
		return b->accept_delay_us;
	}
	if (b->accept_rate && now < v->next_accept_us)
		return v->next_accept_us - now;
	return 0;
}

/* Of several threads one is woken for a peer, not all. */
static int watch_peers(struct server *v)
{
	return watch_set(&v->s->loop, &v->w,
			 EPOLLIN | (v->s->shared ? (uint32_t)EPOLLEXCLUSIVE : 0));
}

/* epoll wakes the first idle one in the order in which they began to watch: whoever took
 * somebody goes to the end of it, or one thread would have them all. */
static void let_others(struct server *v)
{
	watch_remove(&v->s->loop, &v->w);
	if (watch_peers(v) < 0)
		timer_set(&v->s->loop, &v->pause, loop_now(&v->s->loop) + STARVED_US);
}

static void accept_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct server *v = LOOP_OWNER(w, struct server, w);
	enum got got = GOT_ONE;
	bool any = false;
	int i;

	(void)events;
	/* Peers that come and go one by one are taken one by one: asking for another
	 * would be a call in vain each time. Where they stay, more of them are taken in a
	 * turn. */
	if (v->s->totals.open > v->open_before)
		v->burst = MIN(v->burst * 2,
			       v->s->shared ? (int)SHARED_BURST : (int)ACCEPT_BURST);
	v->open_before = v->s->totals.open;
	for (i = 0; i < v->burst && got == GOT_ONE && v->w.fd >= 0 && !l->stopped; i++) {
		uint64_t wait = not_yet(v);

		if (wait) {
			rest(v, wait);
			return;
		}
		got = accept_one(v);
		any |= got == GOT_ONE;
		v->due = false;
		if (v->how->behave->accept_rate)
			v->next_accept_us = MAX(v->next_accept_us, loop_now(l)) +
					    1000000 / v->how->behave->accept_rate;
		/* One at a time: the next one's delay begins when it is there. */
		if (v->how->behave->accept_delay_us)
			return;
	}
	if (got == GOT_NONE)
		v->burst = 1;
	if (v->s->shared && any && (v->w.events & EPOLLIN))
		let_others(v);
}

static void handed_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct server *v = LOOP_OWNER(w, struct server, handed);
	int i, sock;

	(void)events;
	for (i = 0; i < ACCEPT_BURST && !l->stopped; i++) {
		sock = seat_take(v->s->seat);
		if (sock < 0)
			return;
		server_serve(v, sock);
	}
}

static void pause_over(struct loop *l, struct timer *t)
{
	struct server *v = LOOP_OWNER(t, struct server, pause);

	if (v->held >= 0 && !server_serve_held(v))
		return;
	if (v->w.fd < 0)
		return;
	if (watch_peers(v) < 0)
		timer_set(l, t, loop_now(l) + STARVED_US);
	else if (v->how->behave->accept_delay_us && v->due)
		accept_ready(l, &v->w, EPOLLIN);
}

static void first_over(struct loop *l, struct timer *t)
{
	struct server *v = LOOP_OWNER(t, struct server, first);
	struct fault f = FAULT_INIT;

	if (v->s->shared && atomic_load(&v->s->shared->peers))
		return; /* another thread has them */
	v->timed_out = true;
	fault_say(&f, ETIMEDOUT,
		  "nobody connected within %.3g s (the deadline of --timeout)",
		  (double)v->how->timeout_us / 1e6);
	session_trouble(v->s, &f);
	loop_stop(l);
}

static int may_limit_fds(const struct server_how *how, struct fault *f)
{
	struct rlimit rl;

	getrlimit(RLIMIT_NOFILE, &rl);
	if (how->behave->limit_fds <= rl.rlim_max)
		return 0;
	return fault_say(f, ERANGE,
			 "--limit-fds %llu is above the hard limit of %llu descriptors "
			 "(ulimit -Hn)",
			 (unsigned long long)how->behave->limit_fds,
			 (unsigned long long)rl.rlim_max);
}

int server_start(struct server *v, struct session *s, int fd,
		 const struct endpoint *local, struct unix_file *file,
		 const struct server_how *how, struct fault *f)
{
	int r;

	*v = (struct server){ .s = s,
			      .how = how,
			      .local = *local,
			      .file = file,
			      .burst = 1,
			      .spare = -1,
			      .held = -1 };
	v->w = (struct watch){ .fd = fd, .fn = accept_ready };
	v->pause.fn = pause_over;
	v->first.fn = first_over;
	s->like = *local;
	s->owner = v;
	s->idle = session_idle;
	r = may_limit_fds(how, f);
	if (r < 0)
		return r;
	/* A socket that is bound only, or never accepted from, is just there. */
	if (!how->behave->no_accept && !how->behave->bind_only) {
		r = watch_peers(v);
		if (r < 0)
			return fault(f, -r, "watch the listener");
		r = server_has_room(v, f);
		if (r < 0)
			return r;
	}
	if (s->shared) {
		v->handed = (struct watch){ .fd = s->seat->in, .fn = handed_ready };
		r = watch_set(&s->loop, &v->handed, EPOLLIN);
		if (r < 0)
			return fault(f, -r, "watch what other threads hand over");
	}
	if (how->timeout_us)
		timer_set(&s->loop, &v->first, loop_now(&s->loop) + how->timeout_us);
	return 0;
}

int server_limit_fds(const struct server_how *how, struct fault *f)
{
	struct rlimit rl;

	if (!how->behave->limit_fds)
		return 0;
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = how->behave->limit_fds;
	return setrlimit(RLIMIT_NOFILE, &rl) == 0
		       ? 0
		       : fault(f, errno, "limit the descriptors");
}
