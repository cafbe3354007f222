#include "net/role/datagram_send.h"

#include <errno.h>

#include "net/role/datagram_gso.h"
#include "net/role/datagram_late.h"
#include "net/role/datagram_side.h"

enum { SEND_AGAIN_US = 5000 };

static size_t cut_datagram(const struct datagram *d, size_t len)
{
	return (size_t)MIN((uint64_t)len, d->how->behave->truncate_bytes);
}

static void corrupt_datagram(struct datagram *d, char *data, size_t len)
{
	uint64_t every = d->how->behave->corrupt;

	if (!every)
		return;
	flow_corrupt(every, d->passed, data, len);
	d->passed += len;
}

/* --- answering --- */

/* The text in place of what came, where one datagram can hold it; the kernel says what is
 * wrong with a longer one. */
void datagram_prepare_answer(struct datagram *d, struct iovec *v)
{
	if (!d->how->echo) {
		if (d->text.len > d->batch->most) {
			*v = (struct iovec){ d->text.data, d->text.len };
			return;
		}
		if (d->text.len)
			memcpy(v->iov_base, d->text.data, d->text.len);
		v->iov_len = d->text.len;
	}
	v->iov_len = cut_datagram(d, v->iov_len);
	corrupt_datagram(d, v->iov_base, v->iov_len);
}

/* For --trace; errno stays as it is. */
static void tell_send_call(struct datagram *d, const char *call, int64_t asked, int64_t n,
			   uint64_t began)
{
	int err = errno;

	session_call(d->s, NET_CALL_SEND, d->w.fd, n < 0 ? -err : n, began,
		     "%s(%d, %lld)", call, d->w.fd, (long long)asked);
	errno = err;
}

/* The socket is writable whatever epoll says: it is tried again when this has passed. */
static void try_later(struct datagram *d)
{
	d->send_at_us = loop_now(&d->s->loop) + SEND_AGAIN_US;
}

/* EAGAIN may be about one peer whose queue is full, which epoll does not tell. */
static bool is_deaf(const struct datagram *d)
{
	return d->how->server && d->local.family == AF_UNIX;
}

static bool answer_later(struct datagram *d)
{
	struct datagram_batch *b = d->batch;

	if (!late_add(d->late, &b->msg[b->sent].msg_hdr, &b->iov[b->sent]))
		return false;
	b->sent++;
	return true;
}

/* How many answers from the next one on are for peers that none waits for. */
static int prompt_ones(const struct datagram *d)
{
	const struct datagram_batch *b = d->batch;
	int n = 0;

	if (!late_any(d->late))
		return b->n - b->sent;
	while (b->sent + n < b->n && !late_waits(d->late, &b->msg[b->sent + n].msg_hdr))
		n++;
	return n;
}

/* Sends what is left of the batch back, until the socket is full or time must pass. */
void datagram_answer(struct datagram *d)
{
	struct datagram_batch *b = d->batch;
	uint64_t began;
	int n, i, most, err;

	while (datagram_unanswered(d) && datagram_due(d, d->send_at_us)) {
		most = prompt_ones(d);
		if (!most) {
			if (!answer_later(d))
				return;
			continue;
		}
		began = d->s->ops.wants_calls ? clock_us() : 0;
		n = d->segments ? gso_send(b, d->w.fd, &d->segments)
				: sendmmsg(d->w.fd, b->msg + b->sent,
					   datagram_is_paced(d) ? 1 : (unsigned)most,
					   MSG_DONTWAIT | MSG_NOSIGNAL);
		tell_send_call(d, "sendmmsg", b->n - b->sent, n, began);
		if (n < 0 && errno == ENOBUFS) {
			try_later(d);
			return;
		}
		if (n < 0 && errno == EAGAIN && is_deaf(d)) {
			if (!answer_later(d))
				return;
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			d->waiting_send = true;
			return;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err = datagram_side_error(d, errno);
			if (!err)
				continue;
			if (!datagram_is_nobody(d, err))
				datagram_failed(d, err, "send");
			b->sent++;
			continue;
		}
		for (i = 0; i < n; i++, b->sent++) {
			const struct msghdr *m = &b->msg[b->sent].msg_hdr;

			datagram_was_sent(d, m->msg_name, m->msg_namelen,
					  &b->iov[b->sent]);
		}
	}
}

/* --- the input --- */

static void end_input(struct datagram *d)
{
	d->input_ended = true;
	d->last_us = loop_now(&d->s->loop);
}

/* A text is one datagram, of --chunk as many as it takes. */
static void take_text(struct datagram *d)
{
	uint64_t chunk = d->how->behave->chunk;
	size_t left = d->text.len - d->text_at;
	size_t n = chunk ? (size_t)MIN(chunk, (uint64_t)left) : left;

	if (n)
		buf_put(&d->in_pending, d->text.data + d->text_at, n);
	d->text_at += n;
}

/* 1, 0 at the end, -EAGAIN, or another -errno. */
static int take_stream(struct datagram *d)
{
	const struct conn_how *how = &d->s->how;
	size_t most = d->how->behave->chunk
			      ? (size_t)MIN(d->how->behave->chunk, d->batch->most)
			      : DATAGRAM_INPUT;
	struct buf *b = &d->in_pending;
	char *room;
	ssize_t n;

	/* --crlf: read behind the place that the bytes may grow to. */
	buf_reserve(b, how->out_rules.crlf ? most * 3 : most);
	room = how->out_rules.crlf ? b->data + most * 2 : b->data;
	n = stream_read(how->in, room, most);
	if (n <= 0)
		return (int)n;
	b->len = how->out_rules.crlf ? flow_add_cr(b->data, room, (size_t)n, &d->was_cr)
				     : (size_t)n;
	return 1;
}

/* Fills in_pending with the next datagram. False: there is none now. */
static bool next_input(struct datagram *d)
{
	struct fault f = FAULT_INIT;
	int r = 1;

	buf_reset(&d->in_pending);
	if (d->s->how.source == CONN_FROM_TEXT)
		take_text(d);
	else
		r = take_stream(d);
	if (r == -EAGAIN) {
		d->busy = false;
		stream_wait(&d->s->loop, d->s->how.in, &d->in_wait);
		return false;
	}
	if (r < 0) {
		fault(&f, -r, "read the input");
		datagram_over(d, CONN_INPUT, &f);
		return false;
	}
	if (r == 0) {
		end_input(d);
		return false;
	}
	d->in_pending.len = cut_datagram(d, d->in_pending.len);
	corrupt_datagram(d, d->in_pending.data, d->in_pending.len);
	d->has_in = true;
	if (!d->busy && d->how->behave->delay_us)
		d->send_at_us = loop_now(&d->s->loop) + d->how->behave->delay_us;
	d->busy = true;
	return true;
}

bool datagram_has_input(const struct datagram *d)
{
	return (d->s->how.source == CONN_FROM_STREAM ||
		d->s->how.source == CONN_FROM_TEXT) &&
	       !d->input_ended && d->peer.len && !d->in_wait.at;
}

/* Sends the input, as much of it as goes in one turn. */
void datagram_send_input(struct datagram *d)
{
	bool text = d->s->how.source == CONN_FROM_TEXT;
	uint64_t began;
	ssize_t n;
	int i, err;

	for (i = 0; i < DATAGRAM_BATCH; i++) {
		if (!d->has_in && !next_input(d))
			return;
		if (!datagram_due(d, d->send_at_us))
			return;
		began = d->s->ops.wants_calls ? clock_us() : 0;
		n = sendto(d->w.fd, d->in_pending.data, d->in_pending.len,
			   MSG_DONTWAIT | MSG_NOSIGNAL,
			   d->how->server ? (const struct sockaddr *)&d->peer.ss : NULL,
			   d->how->server ? d->peer.len : 0);
		tell_send_call(d, "sendto", (int64_t)d->in_pending.len, n, began);
		if (n < 0 && (errno == ENOBUFS || (errno == EAGAIN && is_deaf(d)))) {
			try_later(d);
			return;
		}
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		/* The error of one before, which ends nothing: this one is not sent yet.
		 */
		err = n < 0 ? datagram_side_error(d, errno) : 0;
		if (n < 0 && !err)
			continue;
		d->has_in = false;
		d->last_us = loop_now(&d->s->loop);
		if (n < 0) {
			d->s->totals.unsent_bytes += d->in_pending.len;
			datagram_failed(d, err, "send");
			return;
		}
		datagram_was_sent(d, &d->peer.ss, d->peer.len,
				  &(struct iovec){ d->in_pending.data, (size_t)n });
		if (text && d->text_at == d->text.len) {
			end_input(d);
			return;
		}
	}
	d->waiting_send = true; /* it is full, or it was our turn long enough */
}
