#include "net/role/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/chain.h"
#include "base/mem.h"
#include "net/role/server_peer.h"

enum {
	ACCEPT_BURST = 64, /* a turn, so that those who are in are served too */
	SHARED_BURST = 8,  /* where other threads may take the rest */
};

/* --- ending --- */

static void server_idle(struct session *s)
{
	server_check_over(s->owner);
}

void server_stop(struct server *v)
{
	server_stop_accepting(v);
	watch_remove(&v->s->loop, &v->handed);
	close_fd(take_fd(&v->held));
	while (v->forwards)
		forward_stop(v->forwards);
	while (v->children) {
		struct child *c = v->children;

		if (!c->running) {
			drain_stop(&c->drain);
			continue;
		}
		child_kill(c, v->s);
		CHAIN_TAKE(c);
		free(c);
	}
}

/* --- accepting --- */

static void starve_accept(struct server *v, int err)
{
	const struct session *s = v->s;
	uint64_t open = s->shared ? atomic_load(&s->shared->open) : s->totals.open;
	struct fault f = FAULT_INIT;

	fault(&f, err, "accept on the listener, %llu connections open",
	      (unsigned long long)open);
	server_starve(v, &f);
}

enum got { GOT_ONE, GOT_NONE, GOT_TROUBLE };

/* Before anything is read of it, run for it or sent to it. */
static bool is_turned_away(struct server *v, int sock, const struct sockaddr_storage *ss,
			   socklen_t len)
{
	struct endpoint peer = *v->from;

	if (!v->how->rules)
		return false;
	peer.len = MIN(len, (socklen_t)sizeof(*ss));
	memcpy(&peer.ss, ss, peer.len);
	peer.ifindex = 0;
	if (session_lets_in(v->s, v->how->rules, &peer))
		return false;
	server_unreserve(v);
	endpoint_reset_on_close(sock);
	close_fd(sock);
	return true;
}

static enum got accept_one(struct server *v, int listener)
{
	int flags = SOCK_CLOEXEC | (v->how->child ? 0 : SOCK_NONBLOCK);
	uint64_t began = v->s->ops.wants_calls ? clock_us() : 0;
	struct fault f = FAULT_INIT;
	bool named = v->how->rules;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int sock = server_reserve(v);

	/* cppcheck-suppress nullPointer ; accept4() takes NULL */
	sock = sock < 0 ? sock
			: accept4(listener, named ? (struct sockaddr *)&ss : NULL,
				  named ? &len : NULL, flags);
	if (sock >= 0) {
		if (!server_needs_file(v))
			server_fed(v);
		session_call(v->s, NET_CALL_ACCEPT, sock, sock, began, "accept4(%d)",
			     listener);
		if (is_turned_away(v, sock, &ss, len))
			return GOT_ONE;
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
		starve_accept(v, errno);
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
	return server_watch(v, EPOLLIN | (v->s->shared ? (uint32_t)EPOLLEXCLUSIVE : 0));
}

/* epoll wakes the first idle one in the order in which they began to watch: whoever took
 * somebody goes to the end of it, or one thread would have them all. */
static void let_others(struct server *v)
{
	watch_remove(&v->s->loop, &v->w);
	if (watch_peers(v) < 0)
		timer_set(&v->s->loop, &v->pause,
			  loop_now(&v->s->loop) + SERVER_STARVED_US);
}

static void accept_from(struct server *v, const struct watch *w,
			const struct endpoint *local)
{
	struct loop *l = &v->s->loop;
	enum got got = GOT_ONE;
	bool any = false;
	int i;

	v->from = local;
	/* Peers that come and go one by one are taken one by one: asking for another
	 * would be a call in vain each time. Where they stay, more of them are taken in a
	 * turn. */
	if (v->s->totals.open > v->open_before)
		v->burst = MIN(v->burst * 2,
			       v->s->shared ? (int)SHARED_BURST : (int)ACCEPT_BURST);
	v->open_before = v->s->totals.open;
	for (i = 0; i < v->burst && got == GOT_ONE && w->fd >= 0 && !l->stopped; i++) {
		uint64_t wait = not_yet(v);

		if (wait) {
			server_rest(v, wait);
			return;
		}
		got = accept_one(v, w->fd);
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

static void accept_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct server *v = LOOP_OWNER(w, struct server, w);

	(void)l;
	(void)events;
	accept_from(v, w, &v->local);
}

static void also_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct listener *x = LOOP_OWNER(w, struct listener, w);

	(void)l;
	(void)events;
	accept_from(x->v, w, &x->local);
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
		timer_set(l, t, loop_now(l) + SERVER_STARVED_US);
	else if (v->how->behave->accept_delay_us && v->due && !v->n_also)
		accept_ready(l, &v->w, EPOLLIN);
}

static void nobody_came(struct loop *l, struct timer *t)
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

int server_add(struct server *v, struct listener *also, size_t n, struct fault *f)
{
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		also[i].v = v;
		also[i].w.fn = also_ready;
	}
	v->also = also;
	v->n_also = n;
	r = v->how->behave->no_accept || v->how->behave->bind_only ? 0 : watch_peers(v);
	return r < 0 ? fault(f, -r, "watch the listeners") : 0;
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
	v->from = &v->local;
	v->pause.fn = pause_over;
	v->first.fn = nobody_came;
	s->like = *local;
	s->owner = v;
	s->idle = server_idle;
	if (how->keep && !s->shared) {
		lines_init(&s->lines, &s->loop);
		s->how.lines = &s->lines;
	}
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
