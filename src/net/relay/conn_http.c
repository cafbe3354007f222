#include "net/relay/conn_http.h"

#include <errno.h>
#include <stdlib.h>

#include "net/relay/conn_http_answer.h"
#include "net/relay/needle.h"

enum {
	HOLD_MOST = 64 * 1024, /* of a request; what is longer is written as it comes */
	TURN_MOST = 16,	       /* answers in one turn, so that others have theirs */
	LINGER_MOST = 64 * 1024 * 1024,
};

/* --- the request --- */

static void watch_expected(struct conn *c, const char *data, size_t len)
{
	const struct conn_how *how = c->how;

	if (how->expect.len && !c->found)
		c->found = needle_found(&how->expect, how->expect_back,
					&c->expect_matched, data, len);
}

/* How many of these bytes belong to the request that is being read. */
static size_t take_request(struct conn *c, const char *data, size_t len)
{
	struct conn_http *h = c->http;
	enum http_event event;
	size_t at = 0;

	for (;;) {
		at += http_request_take(&h->request, h->how->most_body, data + at,
					len - at, &event);
		switch (event) {
		case HTTP_MORE:
			return at;
		case HTTP_HEADER:
			/* A peer that sends without being asked is not asked. */
			h->continue_due = h->request.expects_continue &&
					  h->request.http11 && h->request.has_body &&
					  at == len;
			break;
		case HTTP_WHOLE:
		case HTTP_REFUSED:
			h->stage = HTTP_DUE;
			h->written = false;
			c->rx.held = true;
			return at;
		}
	}
}

static size_t http_tap(struct flow *f, const char *data, size_t len)
{
	struct conn *c = f->owner;

	if (c->http->stage == HTTP_READS)
		len = take_request(c, data, len);
	watch_expected(c, data, len);
	return len;
}

/* --- an output that peers share --- */

/* Writes what is held. 0, or -errno: -EAGAIN where another peer is inside, or the output
 * takes no more. */
static int write_held(struct conn *c)
{
	struct conn_http *h = c->http;
	ssize_t n;

	if (!http_gate_enter(&h->how->gate, c))
		return -EAGAIN;
	while (h->hold_at < h->hold.len) {
		n = stream_write(c->rx.stream, h->hold.data + h->hold_at,
				 h->hold.len - h->hold_at);
		if (n < 0)
			return (int)n;
		h->hold_at += (size_t)n;
	}
	buf_free(&h->hold);
	h->hold_at = 0;
	return 0;
}

static ssize_t http_put(struct flow *f, const char *data, size_t len)
{
	struct conn *c = f->owner;
	struct conn_http *h = c->http;
	int r;

	/* Refused before it was written: it will not be. */
	if (h->request.status && h->how->gate.inside != c)
		return (ssize_t)len;
	if (h->how->gate.inside != c && h->hold.len + len <= HOLD_MOST) {
		buf_put(&h->hold, data, len);
		return (ssize_t)len;
	}
	r = write_held(c);
	return r < 0 ? r : stream_write(f->stream, data, len);
}

static void leave_output(struct conn *c)
{
	struct conn_http *h = c->http;

	if (!h->holds)
		return;
	http_gate_leave(&h->how->gate, c->l, c, &c->out_wait);
	buf_free(&h->hold);
	h->hold_at = 0;
}

/* The request has come; what of it is not written yet? What is refused is none. */
static void write_rest(struct conn *c)
{
	struct conn_http *h = c->http;
	int r = h->holds && !h->request.status ? write_held(c) : 0;

	if (r == -EAGAIN || r == -EINTR) {
		c->rx_want = FLOW_WANT_WRITE;
	} else if (r < 0) {
		c->rx.err = -r;
		c->rx.failed_sink = true;
		c->rx_want = FLOW_FAILED;
	} else {
		leave_output(c);
		h->written = true;
	}
}

void conn_http_await_output(struct conn *c)
{
	struct conn_http *h = c->http;

	if (h->holds && h->how->gate.inside && h->how->gate.inside != c)
		http_gate_wait(&h->how->gate, &c->out_wait);
	else
		stream_wait(c->l, c->rx.stream, &c->out_wait);
}

/* --- the turn --- */

static void read_again(struct conn *c)
{
	c->rx.held = false;
	c->rx_want = FLOW_WANT_READ;
	if (flow_back_len(&c->rx)) {
		c->rx.not_before_us = MAX(c->rx.not_before_us, loop_now(c->l));
		c->rx_want = FLOW_WANT_TIME;
	}
}

static void drop_rest(struct conn *c)
{
	c->rx.to = FLOW_NOTHING;
	c->rx.tap = NULL;
	c->rx.moved_in += flow_back_len(&c->rx);
	buf_free(&c->rx.back);
	c->rx.back_at = 0;
}

/* Nothing more is answered. A close() with bytes unread would reset the connection, and a
 * refused peer could not read why: what it sends is dropped for a while. */
static void begin_tail(struct conn *c)
{
	struct conn_http *h = c->http;

	h->stage = HTTP_TAIL;
	c->tx_want = FLOW_DONE;
	leave_output(c);
	if (h->holds || h->request.status)
		drop_rest(c);
	if (h->request.status && !c->how->behave->no_close) {
		h->lingers = true;
		h->dropped_from = c->rx.moved_in;
	}
	read_again(c);
}

static void read_on(struct conn *c)
{
	struct conn_http *h = c->http;

	if (h->stage == HTTP_ANSWERS || (c->rx_want & FLOW_DONE))
		return;
	c->rx_want = flow_step(c->l, &c->rx);
	if (h->stage == HTTP_DUE && !c->rx_want && !h->written)
		write_rest(c);
}

/* Whether there is something to send now. */
static bool begin_piece(struct conn *c)
{
	struct conn_http *h = c->http;

	if (h->piece != PIECE_NONE)
		return true;
	if (h->stage == HTTP_DUE && h->written) {
		/* Our FIN went first (--close-first): nobody is answered any more. */
		if (c->tx_want & FLOW_DONE)
			begin_tail(c);
		else
			conn_http_answer(c);
	} else if (h->continue_due && h->stage == HTTP_READS && !c->tx_want) {
		conn_http_send_continue(c);
	}
	return h->piece != PIECE_NONE;
}

/* A piece is over: another one, the next request, or the end. */
static void go_on(struct conn *c)
{
	struct conn_http *h = c->http;
	bool answered = h->stage == HTTP_ANSWERS;

	if (conn_http_next_piece(c))
		return;
	if (c->tx.ended || (answered && (h->last || c->forgetting || c->found))) {
		begin_tail(c);
		return;
	}
	c->tx_want = 0;
	if (answered) {
		h->stage = HTTP_READS;
		h->request = (struct http_request){ 0 };
		read_again(c);
	}
}

void conn_http_turn(struct conn *c, bool rx, bool tx)
{
	int i;

	for (i = 0; i < TURN_MOST; i++) {
		enum http_piece before = c->http->piece;

		if (rx)
			read_on(c);
		if ((c->rx_want & FLOW_FAILED) || !begin_piece(c))
			return;
		if (!tx && c->http->piece == before)
			return;
		c->tx_want = flow_step(c->l, &c->tx);
		if (!(c->tx_want & FLOW_DONE))
			return;
		go_on(c);
		/* Of what is not here yet epoll tells. */
		rx = flow_back_len(&c->rx) > 0;
		tx = true;
	}
	c->rx.not_before_us = MAX(c->rx.not_before_us, loop_now(c->l));
	c->rx_want |= FLOW_WANT_TIME;
}

/* --- the end --- */

bool conn_http_busy(const struct conn *c)
{
	const struct conn_http *h = c->http;

	return h->stage == HTTP_DUE || h->stage == HTTP_ANSWERS ||
	       (h->stage == HTTP_READS && http_request_begun(&h->request));
}

bool conn_http_peer_ended(struct conn *c, struct fault *f)
{
	struct conn_http *h = c->http;

	if (h->stage != HTTP_READS)
		return true;
	if (!http_request_begun(&h->request)) {
		c->tx_want = FLOW_DONE;
		return true;
	}
	if (!http_request_in_body(&h->request))
		fault_say(f, EPROTO,
			  "the peer ended in the middle of a request's header");
	else if (!h->request.chunked)
		fault_say(f, EPROTO,
			  "the peer ended in the middle of a request: %llu bytes of its "
			  "body are missing",
			  (unsigned long long)h->request.left);
	else
		fault_say(f, EPROTO,
			  "the peer ended in the middle of a request: its last chunk is "
			  "missing");
	return false;
}

bool conn_http_refused(const struct conn *c, struct fault *f)
{
	const struct http_request *q = &c->http->request;

	if (!q->status)
		return false;
	fault_say(f, EPROTO, "a request was refused (%d): %s", q->status, q->why);
	return true;
}

bool conn_http_lingers(const struct conn *c)
{
	return c->http->lingers;
}

bool conn_http_is_over(const struct conn *c)
{
	const struct conn_http *h = c->http;

	return h->lingers && c->rx.moved_in - h->dropped_from > LINGER_MOST;
}

uint64_t conn_http_unsent(const struct conn *c)
{
	const struct conn_http *h = c->http;

	return c->tx.memory_len + (h->piece == PIECE_HEAD ? h->body_len : 0);
}

void conn_http_begin(struct conn *c)
{
	struct conn_http *h = xcalloc(1, sizeof(*h));
	enum stream_kind kind = c->rx.stream->kind;

	h->how = c->how->http;
	h->file = -1;
	/* A file of its own, or an output that drops all, mixes nothing. */
	h->holds = h->how->whole && !c->out_file && c->rx.to == FLOW_STREAM &&
		   kind != STREAM_NULL && kind != STREAM_NONE;
	c->http = h;
	c->rx.tap = http_tap;
	if (h->holds) {
		c->rx.to = FLOW_PUT;
		c->rx.put = http_put;
	}
}

void conn_http_end(struct conn *c)
{
	struct conn_http *h = c->http;

	leave_output(c);
	conn_http_close_file(h);
	buf_free(&h->head);
	free(take_ptr(&c->http));
}
