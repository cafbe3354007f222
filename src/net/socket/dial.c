#include "net/socket/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "model/outcome.h"
#include "net/socket/errqueue.h"
#include "net/socket/tcp.h"

enum { FULL_FIRST_US = 1000, FULL_MOST_US = 50000, ERRORS_IN_TURN = 64 };

/* The resolver's order with families alternating from the first one on (RFC 8305, 4). */
static void interleave(struct endpoint *out, const struct endpoint_list *list)
{
	size_t a = 0, b = 0, n = 0;
	int first = list->n ? list->v[0].family : 0;

	while (n < list->n) {
		while (a < list->n && list->v[a].family != first)
			a++;
		if (a < list->n)
			out[n++] = list->v[a++];
		while (b < list->n && list->v[b].family == first)
			b++;
		if (b < list->n)
			out[n++] = list->v[b++];
	}
}

static bool is_tcp(const struct endpoint *ep)
{
	return ep->type == SOCK_STREAM &&
	       (ep->family == AF_INET || ep->family == AF_INET6);
}

/* Nothing listened there, and the kernel had chosen the very port we asked for as ours.
 */
static bool is_self(int fd)
{
	struct endpoint like = { .proto = TARGET_TCP }, local, peer;

	return endpoint_local(fd, &like, &local) == 0 &&
	       endpoint_peer(fd, &like, &peer) == 0 &&
	       (local.family == AF_INET || local.family == AF_INET6) &&
	       endpoint_same(&local, &peer);
}

void dial_hint(const struct endpoint *ep, int err, struct fault *f)
{
	const char *hint = outcome_hint(ep->family, err);
	struct addr a;

	if (err == EINVAL && endpoint_addr(ep, &a) && addr_is_link_local(&a) && !a.scope)
		hint = "a link-local address needs its interface: [fe80::1%eth0]:80";
	if (hint)
		fault_hint(f, "%s", hint);
}

static void clear_dial(struct dial *d)
{
	size_t i;

	for (i = 0; i < d->next; i++) {
		timer_stop(d->l, &d->attempts[i].again);
		if (d->attempts[i].w.fd >= 0) {
			watch_remove(d->l, &d->attempts[i].w);
			close_fd(take_fd(&d->attempts[i].w.fd));
		}
	}
	timer_stop(d->l, &d->stagger);
	timer_stop(d->l, &d->deadline);
	timer_stop(d->l, &d->silence);
	free(take_ptr(&d->attempts));
	d->next = d->tried = 0;
}

void dial_stop(struct dial *d)
{
	clear_dial(d);
	free(take_ptr(&d->order));
	d->n = 0;
}

static void finish_dial(struct dial *d, int fd, size_t index, const struct fault *f)
{
	clear_dial(d);
	d->done(d, fd, index, f);
}

/* All have failed: the first error is what was asked for; the others stand behind it. */
static void finish_failed_dial(struct dial *d, struct fault *f)
{
	char text[ENDPOINT_TEXT_MAX];
	size_t i, len;

	if (!f->err) {
		const struct dial_attempt *last = &d->attempts[d->tried - 1];

		endpoint_text(text, sizeof(text), &d->order[last->index]);
		fault(f, last->err, "connect %s", text);
		dial_hint(&d->order[last->index], last->err, f);
	}
	for (i = 0; d->n > 1 && i + 1 < d->tried; i++) {
		endpoint_text(text, sizeof(text), &d->order[i]);
		len = strlen(f->what);
		snprintf(f->what + len, sizeof(f->what) - len, "%s%s: %s",
			 i ? ", " : "; before that ", text, strerror(d->attempts[i].err));
	}
	finish_dial(d, -f->err, d->tried ? d->tried - 1 : 0, f);
}

static bool in_flight(const struct dial *d)
{
	size_t i;

	for (i = 0; i < d->next; i++)
		if (d->attempts[i].w.fd >= 0)
			return true;
	return false;
}

static void attempt_failed(struct dial_attempt *a, int err, bool at_once)
{
	const struct dial_how *how = a->dial->how;

	a->err = err;
	a->took_us = clock_us() - a->started_us;
	timer_stop(a->dial->l, &a->again);
	if (a->w.fd >= 0) {
		if (how->failed)
			how->failed(how->evidence_ctx, a->w.fd, &a->dial->order[a->index],
				    err, a->took_us, at_once);
		watch_remove(a->dial->l, &a->w);
		close_fd(take_fd(&a->w.fd));
	}
}

static void try_next(struct dial *d, struct fault *f);

/* An entry in the error queue that is no verdict (a new path MTU) must not wake us again.
 */
static void drop_queued_errors(int fd)
{
	char control[256];
	struct msghdr m = { .msg_control = control, .msg_controllen = sizeof(control) };
	unsigned i;

	/* A router may send them all the time: epoll comes again for the rest. */
	for (i = 0; i < ERRORS_IN_TURN && recvmsg(fd, &m, MSG_ERRQUEUE) >= 0; i++)
		m.msg_controllen = sizeof(control);
}

/* Attempts at the same address before this one. */
static unsigned earlier_attempts(const struct dial_attempt *a)
{
	const struct dial_attempt *b;
	unsigned n = 0;

	for (b = a->dial->attempts; b < a; b++)
		n += b->index == a->index;
	return n;
}

/* One of the sockets to an address has its answer: it holds for the others. */
static void drop_twins(const struct dial_attempt *a)
{
	struct dial *d = a->dial;
	size_t i;

	for (i = 0; i < d->next; i++) {
		struct dial_attempt *b = &d->attempts[i];

		if (b->index != a->index || b->w.fd < 0)
			continue;
		b->err = a->err;
		watch_remove(d->l, &b->w);
		close_fd(take_fd(&b->w.fd));
	}
}

/* The other addresses, which were asked and are left now. */
static void tell_passed(const struct dial_attempt *won)
{
	const struct dial *d = won->dial;
	uint64_t now = clock_us();
	size_t i;

	for (i = 0; d->how->passed && i < d->next; i++) {
		const struct dial_attempt *a = &d->attempts[i];

		if (a->w.fd >= 0 && a->index != won->index)
			d->how->passed(d->how->evidence_ctx, &d->order[a->index],
				       now - a->started_us);
	}
}

/*
 * The connection stands: an ICMP error is no end of it any more. One that came between
 * the handshake and now, for a packet after it, has left its errno, and the connection
 * goes on. Returns the error that is left.
 */
static int leave_errors(int fd, const struct endpoint *ep, int err)
{
	struct tcpinfo t;

	if (err && (err == ECONNRESET || !tcp_read(fd, &t) || t.state != TCP_ESTABLISHED))
		return err;
	errqueue_leave(fd, ep->family);
	return 0;
}

/* Returns true if the attempt won, and the dial is over then, or is still in flight. */
static bool settle_attempt(struct dial_attempt *a, uint32_t events)
{
	struct dial *d = a->dial;
	const struct endpoint *ep = &d->order[a->index];
	int err = 0, fd;
	socklen_t len = sizeof(err);

	if (getsockopt(a->w.fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno; /* not known to have failed is not connected */
	if (!err && !(events & EPOLLOUT)) {
		drop_queued_errors(a->w.fd);
		return true;
	}
	if (is_tcp(ep))
		err = leave_errors(a->w.fd, ep, err);
	if (!err && ep->type == SOCK_STREAM && is_self(a->w.fd)) {
		/* The port is free again for the real server. */
		endpoint_reset_on_close(a->w.fd);
		err = ECONNREFUSED;
	}
	if (err) {
		attempt_failed(a, err, false);
		drop_twins(a);
		return false;
	}
	d->took_us = clock_us() - a->started_us;
	if (d->how->call)
		d->how->call(d->how->note_ctx, NET_CALL_CONNECTED, a->w.fd, 0,
			     a->started_us, "connected");
	if (d->how->answered)
		d->how->answered(d->how->evidence_ctx);
	d->hedged = earlier_attempts(a);
	tell_passed(a);
	watch_remove(d->l, &a->w);
	fd = take_fd(&a->w.fd);
	finish_dial(d, fd, a->index, NULL);
	return true;
}

static void attempt_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct dial_attempt *a = LOOP_OWNER(w, struct dial_attempt, w);
	struct dial *d = a->dial;
	struct fault f = FAULT_INIT;

	(void)l;
	if (!settle_attempt(a, events))
		try_next(d, &f);
}

/* The kernel tells nobody when the queue of a unix listener has room again, and a socket
 * that does not block is refused with EAGAIN: ask again. */
static int wait_for_unix_room(struct dial_attempt *a)
{
	a->wait_us = a->wait_us ? MIN(a->wait_us * 2, (uint32_t)FULL_MOST_US)
				: FULL_FIRST_US;
	timer_set(a->dial->l, &a->again, clock_us() + a->wait_us);
	return 0;
}

/* An error of epoll is none of connect(), and is not judged as one: f has it, and there
 * is no socket left. */
static int await_answer(struct dial_attempt *a, struct fault *f)
{
	int r = watch_set(a->dial->l, &a->w, EPOLLOUT);

	if (r < 0) {
		fault(f, -r, "wait for the answer to connect()");
		close_fd(take_fd(&a->w.fd));
	}
	return r;
}

static int connect_attempt(struct dial_attempt *a, struct fault *f)
{
	struct dial *d = a->dial;
	const struct endpoint *ep = &d->order[a->index];
	int r = endpoint_connect(a->w.fd, ep);

	if (d->how->call && !a->wait_us) {
		char where[ENDPOINT_TEXT_MAX - 32], text[ENDPOINT_TEXT_MAX];

		endpoint_text(where, sizeof(where), ep);
		snprintf(text, sizeof(text), "connect(%d, %s)", a->w.fd, where);
		d->how->call(d->how->note_ctx, NET_CALL_CONNECT, a->w.fd, r,
			     a->started_us, text);
	}
	if (r == -EAGAIN && d->how->patient && ep->family == AF_UNIX)
		return wait_for_unix_room(a);
	if (r == 0 || r == -EINPROGRESS)
		r = await_answer(a, f);
	return r;
}

static void ask_again(struct loop *l, struct timer *t)
{
	struct dial_attempt *a = LOOP_OWNER(t, struct dial_attempt, again);
	struct fault f = FAULT_INIT;
	int r = connect_attempt(a, &f);

	(void)l;
	if (r < 0) {
		attempt_failed(a, -r, false);
		try_next(a->dial, &f);
	}
}

static void start_attempt(struct dial_attempt *a, struct fault *f)
{
	struct dial *d = a->dial;
	int r;

	a->started_us = clock_us();
	if (d->how->opening)
		d->how->opening(d->how->evidence_ctx);
	a->w.fd = dial_open(&d->order[a->index], d->how, f);
	if (a->w.fd < 0) {
		int err = -a->w.fd;

		a->w.fd = -1;
		attempt_failed(a, err, true);
		return;
	}
	a->started_us = clock_us();
	if (d->how->opened)
		d->how->opened(d->how->evidence_ctx, a->w.fd, &d->order[a->index]);
	if (is_tcp(&d->order[a->index]))
		errqueue_want(a->w.fd, d->order[a->index].family);
	f->err = 0;
	r = connect_attempt(a, f);
	if (r < 0)
		attempt_failed(a, -r, true);
}

static struct dial_attempt *add_attempt(struct dial *d, size_t index)
{
	struct dial_attempt *a = &d->attempts[d->next++];

	*a = (struct dial_attempt){ .w = { .fd = -1, .fn = attempt_ready },
				    .again.fn = ask_again,
				    .dial = d,
				    .index = index };
	return a;
}

static bool hedges_left(const struct dial *d)
{
	const struct endpoint *ep = &d->order[0];

	return d->how->hedge_us && d->next < d->n + DIAL_HEDGES_MOST && is_tcp(ep);
}

/* When the next attempt starts, if nothing answers before. */
static void set_stagger(struct dial *d)
{
	uint64_t wait = d->how->hedge_us;

	if (d->tried < d->n)
		wait = DIAL_STAGGER_US;
	else if (d->next > d->n)
		wait = MAX(wait, (uint64_t)DIAL_HEDGE_AGAIN_US);
	if (d->tried < d->n || hedges_left(d))
		timer_set(d->l, &d->stagger, loop_now(d->l) + wait);
	else
		timer_stop(d->l, &d->stagger);
}

/* Starts attempts until one is in flight, or tells that all have failed. */
static void try_next(struct dial *d, struct fault *f)
{
	while (d->tried < d->n) {
		struct dial_attempt *a = add_attempt(d, d->tried++);

		f->err = 0;
		start_attempt(a, f);
		if (a->w.fd >= 0)
			break;
	}
	if (in_flight(d))
		set_stagger(d);
	else
		finish_failed_dial(d, f);
}

/* Another socket to an address that is silent, one after the other. */
static void start_hedge(struct dial *d)
{
	struct fault f = FAULT_INIT;
	size_t i, index;

	for (i = 0; i < d->n; i++) {
		index = (d->next + i) % d->n;
		if (d->attempts[index].w.fd >= 0)
			break;
	}
	if (i < d->n)
		start_attempt(add_attempt(d, index), &f);
	set_stagger(d);
}

static void stagger_over(struct loop *l, struct timer *t)
{
	struct dial *d = LOOP_OWNER(t, struct dial, stagger);
	struct fault f = FAULT_INIT;

	(void)l;
	if (d->tried < d->n || !d->next)
		try_next(d, &f);
	else
		start_hedge(d);
}

/* Whether its answer came in time, and only waits until the loop has a turn for it. */
static bool answered_in_time(const struct dial_attempt *a)
{
	struct pollfd p = { .fd = a->w.fd, .events = POLLOUT };

	return !a->wait_us && poll(&p, 1, 0) == 1 && (p.revents & (POLLOUT | POLLHUP));
}

static void deadline_over(struct loop *l, struct timer *t)
{
	struct dial *d = LOOP_OWNER(t, struct dial, deadline);
	char text[ENDPOINT_TEXT_MAX];
	struct fault f = FAULT_INIT;
	size_t i, last = 0;
	bool full = false, silent = !d->tried;

	(void)l;
	for (i = 0; i < d->next; i++)
		if (d->attempts[i].w.fd >= 0) {
			struct dial_attempt *a = &d->attempts[i];

			if (answered_in_time(a)) {
				if (settle_attempt(a, EPOLLOUT))
					return;
				continue;
			}
			last = a->index;
			full = a->wait_us;
			silent = true;
			attempt_failed(a, ETIMEDOUT, false);
		}
	if (!silent) {
		finish_failed_dial(d, &f);
		return;
	}
	endpoint_text(text, sizeof(text), &d->order[last]);
	fault_say(&f, ETIMEDOUT,
		  "connect %s: no answer within %.3g s (the deadline of "
		  "--timeout)",
		  text, (double)(clock_us() - d->started_us) / 1e6);
	dial_hint(&d->order[last], full ? EAGAIN : ETIMEDOUT, &f);
	finish_dial(d, -ETIMEDOUT, last, &f);
}

void dial_expire(struct dial *d)
{
	timer_stop(d->l, &d->deadline);
	deadline_over(d->l, &d->deadline);
}

static void silence_due(struct loop *l, struct timer *t)
{
	struct dial *d = LOOP_OWNER(t, struct dial, silence);

	(void)l;
	d->how->silent(d->how->evidence_ctx);
}

void dial_start(struct dial *d, struct loop *l, const struct endpoint_list *list,
		const struct dial_how *how)
{
	d->l = l;
	d->how = how;
	d->n = list->n;
	d->next = d->tried = 0;
	d->hedged = 0;
	d->order = xcalloc(MAX(list->n, (size_t)1), sizeof(*d->order));
	d->attempts = xcalloc(MAX(list->n, (size_t)1) +
				      (how->hedge_us ? (size_t)DIAL_HEDGES_MOST : 0),
			      sizeof(*d->attempts));
	interleave(d->order, list);
	d->started_us = clock_us();
	d->stagger = (struct timer){ .fn = stagger_over };
	d->deadline = (struct timer){ .fn = deadline_over };
	d->silence = (struct timer){ .fn = silence_due };
	/* The first attempt is made by the loop: done() never comes from in here. */
	timer_set(l, &d->stagger, loop_now(l));
	if (how->silent)
		timer_set(l, &d->silence, loop_now(l) + DIAL_SILENT_US);
	if (how->deadline_us)
		timer_set(l, &d->deadline, how->deadline_us);
}
