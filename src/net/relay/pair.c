#include "net/relay/pair.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "net/relay/conn_end.h"
#include "net/relay/conn_idle.h"
#include "net/relay/flow_pipe.h"
#include "net/socket/record.h"
#include "net/socket/tcp.h"

/* So long a reset is kept back for what came before it. */
enum { DRAIN_US = 1000 * 1000 };

static const char *const names[] = {
	[PAIR_PEER] = "the peer", [PAIR_TARGET] = "the target"
};
static const enum closer closers[] = {
	[PAIR_PEER] = CLOSER_PEER, [PAIR_TARGET] = CLOSER_TARGET
};

static struct pair_end *other_end(const struct pair_end *e)
{
	return &e->pair->end[e == &e->pair->end[PAIR_PEER] ? PAIR_TARGET : PAIR_PEER];
}

static enum pair_side side_of(const struct pair_end *e)
{
	return e == &e->pair->end[PAIR_PEER] ? PAIR_PEER : PAIR_TARGET;
}

/* --- ending --- */

/* Our FIN is no byte. */
static uint64_t undelivered(const struct pair_end *e)
{
	const struct pair_end *to = other_end(e);
	uint64_t queued = tcp_unsent(to->w.fd);

	return e->flow.pending_len + e->flow.piped + queued - (queued && to->sent_fin);
}

void pair_stop(struct pair *p, enum conn_end end, const struct fault *f)
{
	struct pair_end *peer = &p->end[PAIR_PEER], *target = &p->end[PAIR_TARGET];
	struct conn_report report = {
		.bytes_in = peer->flow.moved_in,
		.bytes_out = target->flow.moved_out,
		.duration_us = clock_us() - p->started_us,
		.closed_first = p->closed_first,
	};
	struct conn_tcp tcp[2];
	bool broken = end == CONN_RESET || end == CONN_ERROR;
	int i;

	if (broken || end == CONN_IDLE || end == CONN_TOLD)
		report.unsent_bytes = undelivered(peer) + undelivered(target);
	if (!report.closed_first && !broken)
		report.closed_first = CLOSER_WE;
	if (p->s->how.want_tcp) {
		if (conn_tcp_take(&tcp[PAIR_PEER], peer->w.fd, false, peer->ended,
				  report.bytes_out))
			report.tcp = &tcp[PAIR_PEER];
		if (conn_tcp_take(&tcp[PAIR_TARGET], target->w.fd, true, target->ended,
				  peer->flow.moved_out))
			report.target_tcp = &tcp[PAIR_TARGET];
	}
	/* Whoever still listens must not take it for an end. */
	if (broken ||
	    (end == CONN_CUT && p->s->how.behave->reset_after_bytes != BEHAVE_UNSET)) {
		endpoint_reset_on_close(peer->w.fd);
		endpoint_reset_on_close(target->w.fd);
	}
	timer_stop(&p->s->loop, &p->pace);
	timer_stop(&p->s->loop, &p->idle);
	timer_stop(&p->s->loop, &p->life);
	for (i = 0; i < 2; i++) {
		session_call(p->s, NET_CALL_CLOSE, p->end[i].w.fd, 0, clock_us(),
			     "close(%d)", p->end[i].w.fd);
		flow_pipe_free(&p->end[i].flow, &p->s->pipes);
		flow_free(&p->end[i].flow);
		watch_close(&p->s->loop, &p->end[i].w);
	}
	session_closed(p->s, p->id, end, f, &report);
	p->ended(p);
}

static void tell_failed(struct pair *p)
{
	const char *who = names[side_of(p->broken)];
	struct fault f = FAULT_INIT;
	int err = p->err;

	if (err == ECONNRESET)
		fault_say(&f, err, "%s reset the connection", who);
	else if (err == EPIPE)
		fault_say(&f, err, "%s reads no more, and more was sent to it", who);
	else if (err == ETIMEDOUT)
		fault_say(&f, err, "%s stopped acknowledging: the kernel gave up", who);
	else
		fault(&f, err, "the connection with %s broke", who);
	pair_stop(p, err == ECONNRESET || err == EPIPE ? CONN_RESET : CONN_ERROR, &f);
}

static void step(struct pair_end *e);
static void poll_later(struct pair *p, void (*fn)(struct loop *l, struct timer *t));

/* Whether what the broken end had sent is with the other one, or cannot be. */
static bool drained(const struct pair *p)
{
	const struct pair_end *e = p->broken, *to = other_end(e);
	uint64_t queued = tcp_unsent(to->w.fd);
	int unread = 0;

	if ((e->want & FLOW_FAILED) && e->flow.failed_sink)
		return true;
	if (e->flow.pending_len || e->flow.piped || queued > to->sent_fin)
		return false;
	if (e->want & (FLOW_DONE | FLOW_FAILED))
		return true;
	return ioctl(e->w.fd, FIONREAD, &unread) < 0 || !unread;
}

static void drain_on(struct loop *l, struct timer *t)
{
	struct pair *p = LOOP_OWNER(t, struct pair, life);

	if (side_of(p->broken) != PAIR_PEER || !p->s->how.behave->no_read)
		step(p->broken);
	if (drained(p) || loop_now(l) >= p->drain_until_us)
		tell_failed(p);
	else
		poll_later(p, drain_on);
}

/* A reset overtakes nothing: a program that is connected directly reads what came before
 * it. */
static void end_failed(struct pair_end *e, int err)
{
	struct pair *p = e->pair;
	struct loop *l = &p->s->loop;

	p->broken = e;
	p->err = err;
	p->drain_until_us = loop_now(l) + DRAIN_US;
	p->ack_wait_us = 0;
	timer_stop(l, &p->pace);
	timer_stop(l, &p->idle);
	timer_stop(l, &p->life);
	watch_remove(l, &p->end[PAIR_PEER].w);
	watch_remove(l, &p->end[PAIR_TARGET].w);
	drain_on(l, &p->life);
}

static void poll_later(struct pair *p, void (*fn)(struct loop *l, struct timer *t))
{
	p->ack_wait_us = tcp_ack_pause(p->ack_wait_us);
	p->life.fn = fn;
	timer_set(&p->s->loop, &p->life, clock_us() + p->ack_wait_us);
}

/* --- what follows from where the flows are --- */

static bool over_limit(const struct pair *p)
{
	uint64_t cut = p->s->how.in_rules.stop_after;

	return cut != BEHAVE_UNSET && (p->end[PAIR_PEER].flow.moved_in >= cut ||
				       p->end[PAIR_TARGET].flow.moved_out >= cut);
}

static void mark_ended(struct pair_end *e)
{
	const struct flow *flow = &e->flow;
	bool cut = flow->rules->truncate_bytes != BEHAVE_UNSET &&
		   flow->moved_out >= flow->rules->truncate_bytes;

	e->ended = true;
	if (!e->pair->closed_first)
		e->pair->closed_first = cut || e->pair->forgetting ? CLOSER_WE
								   : closers[side_of(e)];
}

/* Whether the end of the other side is passed on to this one. */
static bool passes_fin(const struct pair_end *to)
{
	const struct conn_how *how = &to->pair->s->how;
	const struct behave *b = how->behave;
	bool held = b->hold_us != BEHAVE_UNSET;

	if (side_of(to) == PAIR_PEER && b->no_close)
		return false;
	/* What is held open is the connection with the peer. */
	return how->half_close || (held && side_of(to) == PAIR_TARGET);
}

static int send_fin(struct pair_end *to)
{
	uint64_t began = clock_us();
	int r = shutdown(to->w.fd, SHUT_WR) == 0 ? 0 : -errno;

	to->sent_fin = true;
	session_call(to->pair->s, NET_CALL_SHUTDOWN, to->w.fd, r, began,
		     "shutdown(%d, SHUT_WR)", to->w.fd);
	/* The connection is gone, and the next read says so. */
	return r == -ENOTCONN ? 0 : r;
}

/* --close-first: the peer has our FIN as soon as it has sent something. */
static void close_first(struct pair *p)
{
	struct pair_end *target = &p->end[PAIR_TARGET];

	if (!p->s->how.behave->close_first || p->forgetting ||
	    !p->end[PAIR_PEER].flow.moved_in)
		return;
	p->forgetting = true;
	target->flow.to = FLOW_NOTHING;
	if (!p->closed_first)
		p->closed_first = CLOSER_WE;
	if (!p->end[PAIR_PEER].sent_fin)
		send_fin(&p->end[PAIR_PEER]);
}

static void hold_over(struct loop *l, struct timer *t)
{
	(void)l;
	pair_stop(LOOP_OWNER(t, struct pair, life), CONN_HELD, NULL);
}

static bool pair_settle(struct pair *p);

static void ack_wait_over(struct loop *l, struct timer *t)
{
	(void)l;
	pair_settle(LOOP_OWNER(t, struct pair, life));
}

/* Whether both sides have what was sent to them; if not, it is asked again in a while.
 * False, and *failed is the side whose connection broke, where one did. */
static bool acknowledged(struct pair *p, struct pair_end **failed, int *err)
{
	uint64_t unsent = 0;
	int i;

	if (!p->s->how.confirm)
		return true;
	for (i = 0; i < 2; i++) {
		*err = tcp_error(p->end[i].w.fd);
		if (*err) {
			*failed = &p->end[i];
			return false;
		}
		unsent += tcp_unsent(p->end[i].w.fd);
	}
	if (!unsent)
		return true;
	poll_later(p, ack_wait_over);
	return false;
}

/* Both flows have ended. Returns false when the pair is gone. */
static bool finish_pair(struct pair *p)
{
	struct pair_end *failed = NULL;
	int err = 0;

	if (timer_armed(&p->life))
		return true;
	if (acknowledged(p, &failed, &err)) {
		pair_stop(p, CONN_COMPLETE, NULL);
		return false;
	}
	if (!failed)
		return true;
	end_failed(failed, err);
	return false;
}

/* Returns false when the pair is gone. */
static bool pair_settle(struct pair *p)
{
	const struct behave *b = p->s->how.behave;
	bool both, held = b->hold_us != BEHAVE_UNSET;
	int i;

	for (i = 0; i < 2; i++) {
		struct pair_end *e = &p->end[i];

		if (!(e->want & FLOW_FAILED))
			continue;
		end_failed(e->flow.failed_sink ? other_end(e) : e, e->flow.err);
		return false;
	}
	if (over_limit(p)) {
		pair_stop(p, CONN_CUT, NULL);
		return false;
	}
	close_first(p);
	for (i = 0; i < 2; i++)
		if ((p->end[i].want & FLOW_DONE) && !p->end[i].ended)
			mark_ended(&p->end[i]);
	both = p->end[PAIR_PEER].ended && p->end[PAIR_TARGET].ended;
	for (i = 0; i < 2; i++) {
		struct pair_end *to = other_end(&p->end[i]);
		bool closes_now = both && !held && !b->no_close && !p->s->how.confirm;
		struct fault f = FAULT_INIT;
		int r;

		if (!p->end[i].ended || to->sent_fin || closes_now || !passes_fin(to))
			continue;
		r = send_fin(to);
		if (r == 0)
			continue;
		fault(&f, -r, "end our side of the connection with %s",
		      names[side_of(to)]);
		pair_stop(p, CONN_ERROR, &f);
		return false;
	}
	if (p->end[PAIR_TARGET].ended && held && !p->holding) {
		p->holding = true;
		p->life.fn = hold_over;
		timer_set(&p->s->loop, &p->life, loop_now(&p->s->loop) + b->hold_us);
	}
	return b->no_close || p->holding || !both || finish_pair(p);
}

/* --- the turn --- */

/* p may be gone afterwards. */
static void arrange_pair(struct pair *p)
{
	uint64_t at = UINT64_MAX;
	int i;

	for (i = 0; i < 2; i++) {
		struct pair_end *e = &p->end[i], *other = other_end(e);
		struct fault f = FAULT_INIT;
		uint32_t events = 0;
		int r;

		if (e->want & FLOW_WANT_READ)
			events |= EPOLLIN;
		if (other->want & FLOW_WANT_WRITE)
			events |= EPOLLOUT;
		if (e->want & FLOW_WANT_TIME)
			at = MIN(at, e->flow.not_before_us);
		r = watch_set(&p->s->loop, &e->w, events);
		if (r < 0) {
			fault(&f, -r, "watch the connection with %s", names[i]);
			pair_stop(p, CONN_ERROR, &f);
			return;
		}
	}
	if (at != UINT64_MAX)
		timer_set(&p->s->loop, &p->pace, at);
}

static void step(struct pair_end *e)
{
	if (!(e->want & (FLOW_DONE | FLOW_FAILED)))
		e->want = flow_pipe_step(&e->pair->s->loop, &e->flow, &e->pair->s->pipes);
}

static uint64_t bytes_of(const struct pair *p)
{
	const struct flow *up = &p->end[PAIR_PEER].flow;
	const struct flow *down = &p->end[PAIR_TARGET].flow;

	return up->moved_in + up->moved_out + up->empties + down->moved_in +
	       down->moved_out + down->empties;
}

/* p may be gone afterwards. */
static void pair_turn(struct pair *p, bool up, bool down)
{
	if (up && !p->s->how.behave->no_read)
		step(&p->end[PAIR_PEER]);
	if (down)
		step(&p->end[PAIR_TARGET]);
	if (p->s->how.idle_us) {
		uint64_t bytes = bytes_of(p);

		if (bytes != p->last_bytes || flow_dump_is_full(&p->end[0].flow))
			p->last_us = loop_now(&p->s->loop);
		p->last_bytes = bytes;
	}
	if (pair_settle(p))
		arrange_pair(p);
}

static void end_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct pair_end *e = LOOP_OWNER(w, struct pair_end, w), *other = other_end(e);
	bool broken = events & (EPOLLERR | EPOLLHUP);
	bool from = (e->want & FLOW_WANT_READ) && ((events & EPOLLIN) || broken);
	bool to = (other->want & FLOW_WANT_WRITE) && ((events & EPOLLOUT) || broken);
	bool peer = side_of(e) == PAIR_PEER;

	(void)l;
	/* Where nobody reads or writes, the error must be fetched. */
	if (broken && !from && !to) {
		int err = tcp_error(w->fd);

		if (err) {
			end_failed(e, err);
			return;
		}
	}
	pair_turn(e->pair, peer ? from : to, peer ? to : from);
}

static void pace_over(struct loop *l, struct timer *t)
{
	struct pair *p = LOOP_OWNER(t, struct pair, pace);

	(void)l;
	pair_turn(p, p->end[PAIR_PEER].want & FLOW_WANT_TIME,
		  p->end[PAIR_TARGET].want & FLOW_WANT_TIME);
}

static void idle_over(struct loop *l, struct timer *t)
{
	struct pair *p = LOOP_OWNER(t, struct pair, idle);
	uint64_t idle = p->s->how.idle_us;
	struct fault f = FAULT_INIT;

	if (p->holding || loop_now(l) < p->last_us + idle) {
		timer_set(l, t, (p->holding ? loop_now(l) : p->last_us) + idle);
		return;
	}
	conn_idle_say(&f, idle);
	pair_stop(p, CONN_IDLE, &f);
}

/* A call that found nothing to do is how a turn ends. */
static void flow_was_called(struct flow *f, enum flow_call call, size_t asked, ssize_t n,
			    uint64_t began)
{
	const struct pair_end *e = f->owner;
	struct session *s = e->pair->s;

	if (call == FLOW_POUR)
		session_call(s, NET_CALL_SEND, f->sink, n, began, "splice(pipe, %d, %zu)",
			     f->sink, asked);
	else if (call == FLOW_FILL && n != -EAGAIN)
		session_call(s, NET_CALL_RECV, f->sock, n, began, "splice(%d, pipe, %zu)",
			     f->sock, asked);
	else if (call == FLOW_SEND)
		session_call(s, NET_CALL_SEND, f->sink, n, began, "send(%d, %zu)",
			     f->sink, asked);
	else if (call == FLOW_RECV && n != -EAGAIN)
		session_call(s, NET_CALL_RECV, f->sock, n, began, "recv(%d, %zu)",
			     f->sock, asked);
}

/* What the connection with the peer carries; the target has the same. */
static void flow_saw(struct flow *f, bool sent, const char *data, size_t len)
{
	const struct pair_end *e = f->owner;

	if ((side_of(e) == PAIR_PEER) != sent)
		session_saw(e->pair->s, e->pair->id, sent, data, len);
}

static bool dump_has_room(const struct flow *f)
{
	return session_has_room(((const struct pair_end *)f->owner)->pair->s);
}

static const struct flow_dump dump = { .saw = flow_saw, .has_room = dump_has_room };

/* --- starting --- */

static void start_end(struct pair *p, enum pair_side side, int fd, int other)
{
	const struct conn_how *how = &p->s->how;
	const struct behave *b = how->behave;
	struct pair_end *e = &p->end[side];
	bool peer = side == PAIR_PEER;

	e->pair = p;
	e->w = (struct watch){ .fd = fd, .fn = end_ready };
	e->flow = (struct flow){ .from = FLOW_SOCKET,
				 .to = !peer && b->mute ? FLOW_NOTHING : FLOW_SOCKET,
				 .sock = fd,
				 .sink = other,
				 .rules = peer ? &how->in_rules : &how->out_rules,
				 .called = p->s->ops.wants_calls ? flow_was_called : NULL,
				 .dump = p->s->ops.wants_bytes ? &dump : NULL,
				 .owner = e };
	e->want = peer && b->no_read ? 0 : FLOW_WANT_READ;
	if (how->in_rules.records)
		record_mark(fd);
}

int pair_start(struct pair *p, struct session *s, int peer, int target)
{
	struct loop *l = &s->loop;
	int r = 0, i;

	p->s = s;
	p->pace.fn = pace_over;
	p->idle.fn = idle_over;
	start_end(p, PAIR_PEER, peer, target);
	start_end(p, PAIR_TARGET, target, peer);
	for (i = 0; i < 2 && r == 0; i++)
		r = watch_set(l, &p->end[i].w,
			      p->end[i].want & FLOW_WANT_READ ? EPOLLIN : 0);
	if (r < 0) {
		watch_close(l, &p->end[PAIR_PEER].w);
		watch_close(l, &p->end[PAIR_TARGET].w);
		return r;
	}
	p->last_us = loop_now(l);
	if (s->how.idle_us)
		timer_set(l, &p->idle, p->last_us + s->how.idle_us);
	return 0;
}
