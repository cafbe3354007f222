#include "net/relay/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/chain.h"
#include "base/leave.h"
#include "base/mem.h"
#include "net/relay/conn_end.h"
#include "net/relay/framed.h"

void session_tell(struct session *s, const struct net_event *e)
{
	s->ops.event(s->ops.ctx, e);
}

void session_note(void *session, const char *text)
{
	session_tell(session, &(struct net_event){ .kind = NET_NOTE, .text = text });
}

bool session_lets_in(struct session *s, const struct peer_rules *rules,
		     const struct endpoint *peer)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct addr a;

	if (!rules || (endpoint_addr(peer, &a) && peer_rules_admit(rules, &a)))
		return true;
	if (!s->totals.turned_away++ || s->ops.wants_peers) {
		buf_puts(&b, "turned away: ");
		endpoint_put(&b, peer);
		session_note(s, buf_cstr(&b));
	}
	return false;
}

void session_dial_call(void *session, enum net_call call, int fd, int64_t result,
		       uint64_t began_us, const char *text)
{
	struct session *s = session;

	if (s->ops.wants_calls)
		session_tell(s, &(struct net_event){ .kind = NET_CALL,
						     .call = call,
						     .fd = fd,
						     .text = text,
						     .result = result,
						     .took_us = clock_us() - began_us });
}

void session_call(struct session *s, enum net_call call, int fd, int64_t result,
		  uint64_t began_us, const char *fmt, ...)
{
	char text[ENDPOINT_TEXT_MAX];
	va_list ap;

	if (!s->ops.wants_calls)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	session_dial_call(s, call, fd, result, began_us, text);
}

static void conn_called(struct conn *c, enum net_call call, const char *text,
			int64_t result, uint64_t began_us)
{
	session_dial_call(c->owner, call, c->w.fd, result, began_us, text);
}

void session_trouble(struct session *s, const struct fault *f)
{
	session_tell(s, &(struct net_event){ .kind = NET_TROUBLE, .fault = f });
}

static void conn_troubled(struct conn *c, const struct fault *f)
{
	session_trouble(c->owner, f);
}

void session_saw(struct session *s, uint64_t id, bool sent, const char *data, size_t len)
{
	const struct net_traffic t = {
		.data = data, .len = len, .whole = len, .sent = sent
	};

	session_tell(s,
		     &(struct net_event){ .kind = NET_TRAFFIC, .id = id, .traffic = &t });
}

bool session_has_room(const struct session *s)
{
	return !s->ops.has_room || s->ops.has_room(s->ops.ctx);
}

static void conn_saw(struct flow *f, bool sent, const char *data, size_t len)
{
	const struct conn *c = f->owner;

	session_saw(c->owner, c->id, sent, data, len);
}

static bool conn_has_room(const struct flow *f)
{
	return session_has_room(((const struct conn *)f->owner)->owner);
}

static const struct flow_dump conn_dump = { .saw = conn_saw, .has_room = conn_has_room };

static void session_signalled(struct loop *l, int signo)
{
	struct session *s = l->owner;

	s->signo = signo;
	loop_stop(l);
}

void session_hold_signals(struct session *s)
{
	sigset_t set;

	leave_signals(&set);
	s->signals_held = sigprocmask(SIG_BLOCK, &set, &s->old_mask) == 0;
}

int session_begin(struct session *s, const struct net_ops *ops, bool use_stdin,
		  bool use_stdout, struct fault *f)
{
	sigset_t set, held;
	int r;

	s->ops = *ops;
	s->totals.began_us = clock_us();
	r = loop_init(&s->loop);
	if (r < 0)
		return fault(f, -r, "make an event loop");
	s->loop.owner = s;
	s->loop.eager = true;
	leave_signals(&set);
	r = loop_signals(&s->loop, &set, s->signals_held ? &held : &s->old_mask,
			 session_signalled);
	if (r < 0) {
		loop_free(&s->loop);
		return fault(f, -r, "watch for signals");
	}
	if (use_stdin)
		stream_init(&s->in, STDIN_FILENO, false);
	else
		stream_init_none(&s->in);
	if (use_stdout)
		stream_init(&s->out, STDOUT_FILENO, true);
	else
		stream_init_none(&s->out);
	s->how.in = &s->in;
	s->how.out = &s->out;
	return 0;
}

void session_end(struct session *s)
{
	int r;

	while (s->conns)
		conn_stop(s->conns, CONN_TOLD, NULL);
	stream_close(&s->loop, &s->in);
	framed_end(&s->framed, &s->out);
	r = stream_close(&s->loop, &s->out);
	if (r < 0) {
		struct fault f = FAULT_INIT;

		fault(&f, -r, "close the output");
		session_trouble(s, &f);
		session_worse(s, CONN_OUTPUT, -r);
	}
	conn_how_free(&s->how);
	pipes_free(&s->pipes);
	loop_free(&s->loop);
}

void session_release_signals(const struct session *s)
{
	sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
}

int session_branch(struct session *branch, const struct session *s, struct fault *f)
{
	int r;

	*branch = (struct session){ .how = s->how,
				    .ops = s->ops,
				    .shared = s->shared,
				    .forgiving = s->forgiving,
				    .totals.began_us = s->totals.began_us };
	r = loop_init(&branch->loop);
	if (r < 0)
		return fault(f, -r, "make an event loop");
	branch->loop.owner = branch;
	stream_init_none(&branch->in);
	stream_init_none(&branch->out);
	branch->how.in = &branch->in;
	branch->how.out = &branch->out;
	branch->how.lines = NULL;
	return 0;
}

void session_merge(struct session *s, struct session *branch)
{
	struct session_totals *to = &s->totals, *from = &branch->totals;

	to->started += from->started;
	to->complete += from->complete;
	to->failed += from->failed;
	to->bytes_in += from->bytes_in;
	to->bytes_out += from->bytes_out;
	to->unsent_bytes += from->unsent_bytes;
	to->turned_away += from->turned_away;
	to->out_of_fds += from->out_of_fds;
	to->most_open = atomic_load(&s->shared->most_open);
	session_worse(s, branch->worst, branch->err);
	loop_free(&branch->loop);
}

int session_run(struct session *s, struct fault *f)
{
	int r = loop_run(&s->loop);

	return r < 0 ? fault(f, -r, "wait for events") : 0;
}

void session_worse(struct session *s, enum conn_end end, int err)
{
	if (end <= s->worst)
		return;
	s->worst = end;
	s->err = err;
}

static void count_open(struct session *s)
{
	uint64_t open, most;

	s->totals.open++;
	s->totals.most_open = MAX(s->totals.most_open, s->totals.open);
	if (!s->shared)
		return;
	atomic_fetch_add(&s->seat->load, 1);
	open = atomic_fetch_add(&s->shared->open, 1) + 1;
	most = atomic_load(&s->shared->most_open);
	while (open > most &&
	       !atomic_compare_exchange_weak(&s->shared->most_open, &most, open))
		;
}

static void count_closed(struct session *s)
{
	s->totals.open--;
	if (!s->shared)
		return;
	atomic_fetch_sub(&s->seat->load, 1);
	atomic_fetch_sub(&s->shared->open, 1);
}

void session_closed(struct session *s, uint64_t id, enum conn_end end,
		    const struct fault *f, const struct conn_report *report)
{
	count_closed(s);
	s->totals.bytes_in += report->bytes_in;
	s->totals.bytes_out += report->bytes_out;
	s->totals.unsent_bytes += report->unsent_bytes;
	if (end >= CONN_REFUSED)
		s->totals.failed++;
	else
		s->totals.complete++;
	if (s->stall.side == STALL_NONE) {
		s->stall = report->stall;
		s->stalled_at = report->stalled_at;
	}
	if (!s->forgiving || end == CONN_OUTPUT || end == CONN_INPUT)
		session_worse(s, end, f ? f->err : 0);
	if (s->ops.wants_peers || f || s->how.want_tcp)
		session_tell(s, &(struct net_event){ .kind = NET_CLOSED,
						     .id = id,
						     .end = end,
						     .fault = f,
						     .report = report });
}

static void conn_ended(struct conn *c, enum conn_end end, const struct fault *f,
		       const struct conn_report *report)
{
	struct session *s = c->owner;

	session_closed(s, c->id, end, f, report);
	framed_leave(&s->framed, c);
	CHAIN_TAKE(c);
	/* Nobody reads our output any more: the next peer would fare no better. */
	if (end == CONN_OUTPUT && !c->out_file)
		loop_stop(&s->loop);
	if (c->out_file) {
		stream_close(&s->loop, c->out_file);
		free(c->out_file);
	}
	free(c);
	if (!s->conns && s->idle)
		s->idle(s);
}

void session_introduce(struct session *s, int fd, const struct endpoint *like,
		       uint64_t id, bool accepted, uint64_t took_us)
{
	struct endpoint local = *like, peer = *like;

	if (!s->ops.wants_peers)
		return;
	if (endpoint_local(fd, like, &local) < 0)
		local.len = 0;
	/* A peer that already reset its connection has no name any more. */
	if (endpoint_peer(fd, like, &peer) < 0)
		peer.len = 0;
	session_tell(s,
		     &(struct net_event){ .kind = accepted ? NET_ACCEPTED : NET_CONNECTED,
					  .id = id,
					  .local = &local,
					  .peer = &peer,
					  .took_us = took_us });
}

void session_opened(struct session *s, int fd, const struct endpoint *like, uint64_t id)
{
	session_introduce(s, fd, like, id, true, 0);
	s->totals.started++;
	count_open(s);
}

int session_add(struct session *s, int fd, uint64_t id, struct stream *out_file,
		bool accepted, bool early, uint64_t took_us)
{
	struct conn *c = xcalloc(1, sizeof(*c));
	int r;

	session_introduce(s, fd, &s->like, id, accepted, took_us);
	c->owner = s;
	c->ended = conn_ended;
	c->troubled = conn_troubled;
	c->called = s->ops.wants_calls ? conn_called : NULL;
	c->dump = s->ops.wants_bytes ? &conn_dump : NULL;
	c->frames = s->ops.frame ? framed_put : NULL;
	c->id = id;
	c->dialled = !accepted;
	c->proto = (uint16_t)s->like.proto;
	s->totals.started++;
	r = conn_start(c, &s->loop, fd, &s->how, out_file, early);
	if (r < 0) {
		free(c);
		s->totals.failed++;
		return r;
	}
	CHAIN_ADD(&s->conns, c);
	count_open(s);
	if (r > 0)
		conn_first_turn(c);
	return 0;
}
