#include "net/relay/conn.h"

#include <errno.h>
#include <sys/socket.h>

#include "net/relay/conn_end.h"
#include "net/relay/conn_http.h"
#include "net/relay/conn_idle.h"
#include "net/relay/conn_trace.h"
#include "net/relay/delayed.h"
#include "net/relay/lines.h"
#include "net/relay/needle.h"
#include "net/socket/record.h"

enum { LINGER_US = 2000000 };

/* --- what the peer's bytes set off --- */

static void arm_reply(struct conn *c)
{
	if (c->armed)
		return;
	c->armed = true;
	c->tx.from = FLOW_MEMORY;
	c->tx.memory = c->how->text.data;
	c->tx.memory_len = c->how->text.len;
	c->tx_want = FLOW_WANT_WRITE;
}

static size_t conn_tap(struct flow *f, const char *data, size_t len)
{
	struct conn *c = f->owner;
	const struct conn_how *how = c->how;

	if (how->source == CONN_FROM_REPLY)
		arm_reply(c);
	if (how->expect.len)
		c->found = needle_found(&how->expect, how->expect_back,
					&c->expect_matched, data, len);
	f->ended |= c->found;
	return len;
}

/* --- the turn of a connection --- */

static bool over_limit(const struct conn *c)
{
	uint64_t cut = c->how->in_rules.stop_after;

	return cut != BEHAVE_UNSET && (c->rx.moved_in >= cut || c->tx.moved_out >= cut);
}

static void peer_ended(struct conn *c)
{
	c->peer_ended = true;
	if (!c->closed_first)
		c->closed_first = CLOSER_PEER;
	if (c->how->source == CONN_FROM_REPLY)
		arm_reply(c);
	if (c->how->source == CONN_FROM_NONE)
		c->tx_want = FLOW_DONE;
	/* Nobody types into a conversation that the other side has left. */
	if (c->how->source == CONN_FROM_STREAM && c->how->in->terminal) {
		c->tx.flush = true;
		c->tx_want = FLOW_WANT_READ | FLOW_WANT_WRITE;
	}
}

/* A peer that never hears of our end would be waited for until the idle limit. */
static int send_fin(struct conn *c)
{
	uint64_t began = clock_us();
	int r;

	c->sent_fin = true;
	if (!c->closed_first)
		c->closed_first = CLOSER_WE;
	r = shutdown(c->w.fd, SHUT_WR) == 0 ? 0 : -errno;
	if (c->called)
		conn_trace(c, NET_CALL_SHUTDOWN, r, began, "shutdown(%d, SHUT_WR)",
			   c->w.fd);
	/* The connection is gone, and the next read says so. */
	return r == -ENOTCONN ? 0 : r;
}

/* --close-first: what is there is sent, then our FIN goes out before the peer's. */
static void close_first(struct conn *c)
{
	if (!c->how->behave->close_first || c->forgetting || !c->rx.moved_in)
		return;
	c->forgetting = true;
	if (c->how->source == CONN_FROM_PEER) {
		if (c->rx.pending_len || delayed_len(c)) {
			c->forgetting = false;
			return;
		}
		c->rx.to = FLOW_NOTHING;
		c->tx_want = FLOW_DONE;
	} else if (!(c->tx_want & FLOW_DONE)) {
		c->tx.flush = true;
		if (c->how->source == CONN_FROM_NONE)
			c->tx_want = FLOW_DONE;
		else
			c->tx_want |= FLOW_WANT_READ;
	}
}

static void ack_wait_over(struct loop *l, struct timer *t);

/* Everything was given to the kernel. What speaks against the peer having it: an errno,
 * or 0 = nothing yet. */
static int delivery_error(const struct conn *c)
{
	return c->how->confirm && c->tx.moved_out ? tcp_error(c->w.fd) : 0;
}

/* Did the peer get it? If not, it is asked again in a while. */
static bool acknowledged(struct conn *c)
{
	if (!c->how->confirm || !c->tx.moved_out || !tcp_unsent(c->w.fd))
		return true;
	c->ack_wait_us = tcp_ack_pause(c->ack_wait_us);
	c->life.fn = ack_wait_over;
	timer_set(c->l, &c->life, clock_us() + c->ack_wait_us);
	return false;
}

static void hold_over(struct loop *l, struct timer *t)
{
	(void)l;
	conn_stop(LOOP_OWNER(t, struct conn, life), CONN_HELD, NULL);
}

static void hold_conn(struct conn *c)
{
	c->holding = true;
	c->life.fn = hold_over;
	timer_set(c->l, &c->life, loop_now(c->l) + c->how->behave->hold_us);
}

static void linger_over(struct loop *l, struct timer *t)
{
	struct conn *c = LOOP_OWNER(t, struct conn, life);
	struct fault f = FAULT_INIT;

	(void)l;
	conn_http_refused(c, &f);
	conn_stop(c, CONN_REFUSED, &f);
}

/* How long a refused peer may take to read why, and to end. */
static void limit_linger(struct conn *c)
{
	if (!conn_http_lingers(c) || c->holding)
		return;
	if (c->peer_ended && c->life.fn == linger_over)
		timer_stop(c->l, &c->life);
	if (c->peer_ended || timer_armed(&c->life))
		return;
	c->life.fn = linger_over;
	timer_set(c->l, &c->life, loop_now(c->l) + LINGER_US);
}

/* close() is about to send the FIN anyway. */
static bool closes_now(const struct conn *c)
{
	return c->peer_ended && !c->how->confirm &&
	       c->how->behave->hold_us == BEHAVE_UNSET;
}

/* What follows from where the flows are. Returns false when the connection is gone. */
static bool conn_settle(struct conn *c)
{
	const struct behave *b = c->how->behave;
	struct fault f = FAULT_INIT;
	int err;

	if (c->rx_want & FLOW_FAILED) {
		conn_flow_failed(c, &c->rx);
		return false;
	}
	if (c->tx_want & FLOW_FAILED) {
		conn_flow_failed(c, &c->tx);
		return false;
	}
	/* What was expected has come; what is under way has its answer first. */
	if (c->found && (!c->http || (c->rx_want & FLOW_DONE) || !conn_http_busy(c))) {
		conn_stop(c, CONN_MET, NULL);
		return false;
	}
	if (over_limit(c)) {
		conn_stop(c, CONN_CUT, NULL);
		return false;
	}
	close_first(c);
	if ((c->rx_want & FLOW_DONE) && !c->peer_ended) {
		peer_ended(c);
		if (c->http && !conn_http_peer_ended(c, &f)) {
			conn_stop(c, CONN_REFUSED, &f);
			return false;
		}
	}
	if (c->how->source == CONN_FROM_PEER && (c->rx_want & FLOW_DONE))
		c->tx_want = FLOW_DONE;
	err = 0;
	if ((c->tx_want & FLOW_DONE) && !c->sent_fin && c->how->half_close &&
	    !b->no_close && !closes_now(c))
		err = -send_fin(c);
	if (err) {
		fault(&f, err, "end our side of the connection");
		conn_stop(c, CONN_ERROR, &f);
		return false;
	}
	if ((c->tx_want & FLOW_DONE) && b->hold_us != BEHAVE_UNSET && !c->holding)
		hold_conn(c);
	if (c->http)
		limit_linger(c);
	if (c->http && conn_http_is_over(c)) {
		conn_http_refused(c, &f);
		conn_stop(c, CONN_REFUSED, &f);
		return false;
	}
	if (b->no_close || c->holding || !(c->tx_want & FLOW_DONE))
		return true;
	if (c->how->expect.len && c->peer_ended) {
		fault_say(&f, ENOMSG, "the peer ended without sending what was expected");
		conn_stop(c, CONN_UNMET, &f);
		return false;
	}
	if (!c->peer_ended && !c->how->send_only)
		return true;
	if (timer_armed(&c->life))
		return true;
	err = delivery_error(c);
	if (err) {
		conn_socket_failed(c, err);
		return false;
	}
	if (!acknowledged(c))
		return true;
	if (c->http && conn_http_refused(c, &f))
		conn_stop(c, CONN_REFUSED, &f);
	else
		conn_stop(c, CONN_COMPLETE, NULL);
	return false;
}

static void ack_wait_over(struct loop *l, struct timer *t)
{
	struct conn *c = LOOP_OWNER(t, struct conn, life);

	(void)l;
	conn_settle(c);
}

/* Tells epoll, the streams and the clock what the flows wait for. c may be gone
 * afterwards. */
static void arrange_conn(struct conn *c)
{
	struct fault f = FAULT_INIT;
	uint32_t events = 0;
	uint64_t at = UINT64_MAX;
	int r;

	if ((c->rx_want & FLOW_WANT_READ))
		events |= EPOLLIN;
	if ((c->rx_want & FLOW_WANT_WRITE) && c->rx.to == FLOW_SOCKET)
		events |= EPOLLOUT;
	if ((c->tx_want & FLOW_WANT_WRITE))
		events |= EPOLLOUT;
	r = watch_set(c->l, &c->w, events);
	if (r < 0) {
		fault(&f, -r, "watch the connection");
		conn_stop(c, CONN_ERROR, &f);
		return;
	}
	if (conn_awaits_output(c) && c->http)
		conn_http_await_output(c);
	else if (conn_awaits_output(c))
		stream_wait(c->l, c->rx.stream, &c->out_wait);
	if ((c->tx_want & FLOW_WANT_READ) && c->tx.from == FLOW_STREAM)
		stream_wait(c->l, c->tx.stream, &c->in_wait);
	if (c->rx_want & FLOW_WANT_TIME)
		at = c->rx.not_before_us;
	if (c->tx_want & FLOW_WANT_TIME)
		at = MIN(at, c->tx.not_before_us);
	if (at != UINT64_MAX)
		timer_set(c->l, &c->pace, at);
}

static unsigned rx_step(struct conn *c)
{
	return c->line	    ? lines_step(c)
	       : c->delayed ? delayed_step(c)
			    : flow_step(c->l, &c->rx);
}

static void conn_turn(struct conn *c, bool rx, bool tx)
{
	unsigned before;

	rx = rx && !c->how->behave->no_read;
	if (c->http) {
		conn_http_turn(c, rx, tx);
		before = c->tx_want;
	} else {
		if (rx && !(c->rx_want & FLOW_DONE))
			c->rx_want = rx_step(c);
		/* The peer's bytes may have set an answer off: write it in the same turn.
		 */
		before = c->tx_want;
		if ((tx || c->tx.from == FLOW_MEMORY) && !(before & FLOW_DONE) && before)
			c->tx_want = flow_step(c->l, &c->tx);
	}
	if (c->how->idle_us) {
		uint64_t bytes = c->rx.moved_in + c->rx.moved_out + c->tx.moved_out +
				 c->rx.empties;

		/* Nor is a dump that nobody reads an idle network. */
		if (bytes != c->last_bytes || flow_dump_is_full(&c->rx))
			c->last_us = loop_now(c->l);
		c->last_bytes = bytes;
	}
	if (!conn_settle(c))
		return;
	/* An answer that conn_settle() armed (the peer ended without a word). */
	if (before == 0 && c->tx_want && !(c->tx_want & FLOW_DONE)) {
		c->tx_want = flow_step(c->l, &c->tx);
		if (!conn_settle(c))
			return;
	}
	arrange_conn(c);
}

static void conn_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct conn *c = LOOP_OWNER(w, struct conn, w);
	bool broken = events & (EPOLLERR | EPOLLHUP);
	bool rx = (events & EPOLLIN) ||
		  ((events & EPOLLOUT) && (c->rx_want & FLOW_WANT_WRITE) &&
		   c->rx.to == FLOW_SOCKET);

	(void)l;
	/* Where nobody reads or writes, the error must be fetched. */
	if (events & EPOLLERR)
		lines_hurry(c);
	if (broken && !(c->rx_want & FLOW_WANT_READ) && !(c->tx_want & FLOW_WANT_WRITE) &&
	    !lines_waits(c)) {
		int err = tcp_error(w->fd);

		if (err) {
			conn_socket_failed(c, err);
			return;
		}
	}
	conn_turn(c, rx || broken, (events & EPOLLOUT) || broken);
}

static void conn_in_ready(struct loop *l, struct stream_waiter *w)
{
	(void)l;
	conn_turn(LOOP_OWNER(w, struct conn, in_wait), false, true);
}

static void conn_out_ready(struct loop *l, struct stream_waiter *w)
{
	struct conn *c = LOOP_OWNER(w, struct conn, out_wait);

	/* A blocked output is not an idle network. */
	c->last_us = loop_now(l);
	conn_turn(c, true, false);
}

static void conn_pace_over(struct loop *l, struct timer *t)
{
	struct conn *c = LOOP_OWNER(t, struct conn, pace);

	(void)l;
	conn_turn(c, c->rx_want & FLOW_WANT_TIME, c->tx_want & FLOW_WANT_TIME);
}

static void conn_rx_turn(struct conn *c)
{
	conn_turn(c, true, false);
}

/* Records are written whole anyway, and what is dropped is in nobody's way. */
static bool shares_output(const struct conn *c)
{
	const struct conn_how *how = c->how;

	return how->lines && !c->http && !c->out_file && c->rx.to == FLOW_STREAM &&
	       !how->in_rules.records && how->out->kind != STREAM_NONE &&
	       how->out->kind != STREAM_NULL;
}

static void start_flows(struct conn *c, struct stream *out_file)
{
	const struct conn_how *how = c->how;
	const struct behave *b = how->behave;
	flow_called *calls = c->called ? conn_trace_flow : NULL;
	bool taps = how->expect.len || how->source == CONN_FROM_REPLY;

	c->rx = (struct flow){ .from = FLOW_SOCKET,
			       .to = FLOW_STREAM,
			       .sock = c->w.fd,
			       .sink = c->w.fd,
			       .stream = out_file ? out_file : how->out,
			       .rules = &how->in_rules,
			       .tap = taps ? conn_tap : NULL,
			       .called = calls,
			       .dump = c->dump,
			       .owner = c };
	c->tx = (struct flow){ .from = FLOW_NOTHING,
			       .to = FLOW_SOCKET,
			       .sock = c->w.fd,
			       .sink = c->w.fd,
			       .stream = how->in,
			       .rules = &how->out_rules,
			       .called = calls,
			       .dump = c->dump,
			       .owner = c };
	c->rx_want = b->no_read ? 0 : FLOW_WANT_READ;
	c->tx_want = 0;
	if (how->send_only)
		c->rx.to = FLOW_NOTHING;
	switch (how->source) {
	case CONN_FROM_STREAM:
		c->tx.from = FLOW_STREAM;
		c->tx.flush = b->hold_us != BEHAVE_UNSET;
		c->tx_want = FLOW_WANT_READ;
		break;
	case CONN_FROM_TEXT:
		arm_reply(c);
		break;
	case CONN_FROM_PEER:
		c->rx.to = b->mute ? FLOW_NOTHING : FLOW_SOCKET;
		if (b->delay_us && !b->mute)
			delayed_begin(c, b->delay_us, conn_rx_turn);
		break;
	case CONN_FROM_EMPTY:
		c->tx_want = FLOW_DONE;
		break;
	case CONN_FROM_NONE:
		/* Held connections have nothing to send and wait from the start. */
		c->tx_want = b->hold_us != BEHAVE_UNSET ? FLOW_DONE : 0;
		break;
	case CONN_FROM_HTTP:
		conn_http_begin(c);
		break;
	case CONN_FROM_REPLY:
		break;
	}
	if (c->frames && how->in_rules.records && c->rx.to == FLOW_STREAM) {
		c->rx.to = FLOW_PUT;
		c->rx.put = c->frames;
	}
	if (shares_output(c))
		lines_join(how->lines, c, conn_rx_turn);
}

int conn_start(struct conn *c, struct loop *l, int fd, const struct conn_how *how,
	       struct stream *out_file, bool early)
{
	bool later;
	int r = 0;

	c->l = l;
	c->how = how;
	c->out_file = out_file;
	c->w = (struct watch){ .fd = fd, .fn = conn_ready };
	c->pace.fn = conn_pace_over;
	c->idle.fn = conn_idle_over;
	c->life.fn = hold_over;
	c->in_wait.wake = conn_in_ready;
	c->out_wait.wake = conn_out_ready;
	c->started_us = loop_now(l);
	start_flows(c, out_file);
	if (how->in_rules.records)
		record_mark(fd);
	later = c->tx_want == 0;
	/* All but an echo have something to begin with: epoll says at once that the
	 * socket is writable, and the first turn is the loop's. */
	early = early && later && c->rx_want;
	if (!early)
		r = watch_set(l, &c->w,
			      later ? (c->rx_want ? EPOLLIN : 0)
				    : (uint32_t)(EPOLLIN | EPOLLOUT));
	if (r < 0) {
		if (c->http)
			conn_http_end(c);
		lines_leave(c);
		delayed_end(c);
		watch_close(l, &c->w);
		return r;
	}
	if (how->idle_us) {
		c->last_us = loop_now(l);
		timer_set(l, &c->idle, c->last_us + how->idle_us / 2);
	}
	return early;
}

void conn_first_turn(struct conn *c)
{
	conn_turn(c, true, false);
}
