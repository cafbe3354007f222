#include "net/datagram.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"

enum { PEERS_MOST = 65536 }; /* beyond it peers are served, but not counted apart */

/* --- who has sent something: an open hash of addresses --- */

struct datagram_peers {
	struct sockaddr_storage *v;
	socklen_t *len;
	size_t n, size; /* size is a power of two */
};

static uint64_t hash_address(const void *p, size_t len)
{
	const unsigned char *s = p;
	uint64_t h = 14695981039346656037ull;

	for (; len; len--)
		h = (h ^ *s++) * 1099511628211ull;
	return h ^ h >> 32;
}

static bool put_peer(struct datagram_peers *p, const struct sockaddr_storage *ss,
		     socklen_t len)
{
	size_t i = hash_address(ss, len) & (p->size - 1);

	for (; p->len[i]; i = (i + 1) & (p->size - 1))
		if (p->len[i] == len && memcmp(&p->v[i], ss, len) == 0)
			return false;
	memcpy(&p->v[i], ss, len);
	p->len[i] = len;
	p->n++;
	return true;
}

static void grow_peers(struct datagram_peers *p)
{
	struct datagram_peers bigger = { .size = p->size ? p->size * 2 : 64 };
	size_t i;

	bigger.v = xcalloc(bigger.size, sizeof(*bigger.v));
	bigger.len = xcalloc(bigger.size, sizeof(*bigger.len));
	for (i = 0; i < p->size; i++)
		if (p->len[i])
			put_peer(&bigger, &p->v[i], p->len[i]);
	free(p->v);
	free(p->len);
	*p = bigger;
}

/* Returns true if it is a new one. */
static bool meet(struct datagram *d, const struct sockaddr_storage *ss, socklen_t len)
{
	struct datagram_peers *p = d->peers;

	if (p->n >= PEERS_MOST || !len)
		return false;
	if (p->n * 2 >= p->size)
		grow_peers(p);
	return put_peer(p, ss, len);
}

/* --- a batch of datagrams --- */

struct datagram_batch {
	struct mmsghdr msg[DATAGRAM_BATCH];
	struct iovec iov[DATAGRAM_BATCH];
	struct sockaddr_storage from[DATAGRAM_BATCH];
	int n, sent; /* received, and how many of them are answered */
	char *data;  /* DATAGRAM_BATCH * DATAGRAM_MOST; only what is used is ever touched
		      */
};

static struct datagram_batch *batch_new(void)
{
	struct datagram_batch *b = xcalloc(1, sizeof(*b));

	b->data = xmalloc((size_t)DATAGRAM_BATCH * DATAGRAM_MOST);
	return b;
}

static int batch_receive(struct datagram_batch *b, int fd)
{
	int i;

	for (i = 0; i < DATAGRAM_BATCH; i++) {
		b->iov[i] = (struct iovec){ b->data + (size_t)i * DATAGRAM_MOST,
					    DATAGRAM_MOST };
		b->msg[i].msg_hdr = (struct msghdr){ .msg_name = &b->from[i],
						     .msg_namelen = sizeof(b->from[i]),
						     .msg_iov = &b->iov[i],
						     .msg_iovlen = 1 };
	}
	b->sent = 0;
	b->n = recvmmsg(fd, b->msg, DATAGRAM_BATCH, MSG_DONTWAIT, NULL);
	if (b->n < 0) {
		b->n = 0;
		return -errno;
	}
	for (i = 0; i < b->n; i++)
		b->iov[i].iov_len = b->msg[i].msg_len;
	return b->n;
}

/* --- the end --- */

static void over(struct datagram *d, enum conn_end end, const struct fault *f)
{
	session_worse(d->s, end, f ? f->err : 0);
	if (f)
		session_trouble(d->s, f);
	loop_stop(&d->s->loop);
}

static void send_failed(struct datagram *d, int err)
{
	struct fault f = FAULT_INIT;

	d->s->totals.failed++;
	if (err == ECONNREFUSED) {
		d->refused = true;
		fault_say(&f, err,
			  "refused: nothing is bound to that port (ICMP port "
			  "unreachable came back)");
		if (d->how->server)
			session_trouble(d->s, &f);
		else
			over(d, CONN_RESET, &f);
		return;
	}
	fault(&f, err, "send a datagram");
	if (err == EMSGSIZE)
		fault_hint(
			&f,
			"a datagram has at most 65507 bytes; --chunk makes smaller ones");
	if (d->how->server)
		session_trouble(d->s, &f);
	else
		over(d, CONN_ERROR, &f);
}

/* --- answering --- */

static void corrupt(struct datagram *d, char *data, size_t len)
{
	uint64_t every = d->how->behave->corrupt, at;

	if (!every)
		return;
	for (at = every - 1 - d->s->totals.bytes_out % every; at < len; at += every)
		data[at] ^= 1;
}

/* Sends what is left of the batch back. False: the socket is full, or time must pass. */
static bool answer(struct datagram *d)
{
	struct datagram_batch *b = d->batch;
	const struct conn_how *how = &d->s->how;
	int n, i;

	while (b->sent < b->n) {
		if (!d->how->echo)
			for (i = b->sent; i < b->n; i++)
				b->iov[i] = (struct iovec){ how->text.data,
							    how->text.len };
		n = sendmmsg(d->w.fd, b->msg + b->sent, (unsigned)(b->n - b->sent),
			     MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
			return false;
		if (n < 0 && errno != EINTR) {
			/* An unnamed unix socket cannot be answered; a peer that is gone
			 * need not be. */
			if (errno != ENOTCONN && errno != EDESTADDRREQ &&
			    errno != EINVAL && !(errno == ECONNREFUSED && d->how->server))
				send_failed(d, errno);
			n = 1;
		} else if (n > 0) {
			d->s->totals.datagrams_out += (unsigned)n;
			for (i = 0; i < n; i++)
				d->s->totals.bytes_out += b->iov[b->sent + i].iov_len;
		}
		b->sent += MAX(n, 0);
	}
	return true;
}

/* --- standard output --- */

/* False: the output is full. */
static bool flush_out(struct datagram *d)
{
	struct fault f = FAULT_INIT;

	while (d->out_at < d->out_pending.len) {
		ssize_t n = stream_write(d->s->how.out, d->out_pending.data + d->out_at,
					 d->out_pending.len - d->out_at);

		if (n == -EAGAIN) {
			stream_wait(&d->s->loop, d->s->how.out, &d->out_wait);
			return false;
		}
		if (n < 0) {
			fault(&f, -(int)n, "write the output");
			over(d, CONN_OUTPUT, &f);
			return false;
		}
		d->out_at += (size_t)n;
	}
	buf_reset(&d->out_pending);
	d->out_at = 0;
	return true;
}

static bool expected(struct datagram *d, const char *data, size_t len)
{
	const struct conn_how *how = &d->s->how;
	size_t i;

	/* A text is looked for within one datagram. */
	d->matched = 0;
	for (i = 0; i < len; i++) {
		while (d->matched && data[i] != how->expect.data[d->matched])
			d->matched = how->expect_back[d->matched - 1];
		d->matched += data[i] == how->expect.data[d->matched];
		if (d->matched == how->expect.len)
			return true;
	}
	return false;
}

/* --- turns --- */

static void arrange(struct datagram *d);

static void tell_peer(struct datagram *d, const struct sockaddr_storage *ss,
		      socklen_t len)
{
	struct endpoint peer = d->local;

	d->s->totals.peers++;
	if (!d->s->ops.wants_peers)
		return;
	peer.ss = *ss;
	peer.len = len;
	session_tell(d->s, &(struct net_event){ .kind = NET_ACCEPTED,
						.id = d->s->totals.peers,
						.local = &d->local,
						.peer = &peer });
}

static void take_batch(struct datagram *d)
{
	struct datagram_batch *b = d->batch;
	struct session_totals *t = &d->s->totals;
	bool to_stdout = !d->how->echo, found = false;
	int i;

	for (i = 0; i < b->n; i++) {
		struct msghdr *h = &b->msg[i].msg_hdr;

		t->datagrams_in++;
		t->bytes_in += b->iov[i].iov_len;
		if (d->how->server && meet(d, &b->from[i], h->msg_namelen))
			tell_peer(d, &b->from[i], h->msg_namelen);
		if (d->how->server && !d->peer.len && h->msg_namelen) {
			d->peer = d->local;
			d->peer.ss = b->from[i];
			d->peer.len = h->msg_namelen;
		}
		if (to_stdout && !d->s->how.send_only)
			buf_put(&d->out_pending, b->iov[i].iov_base, b->iov[i].iov_len);
		else
			corrupt(d, b->iov[i].iov_base, b->iov[i].iov_len);
		if (d->s->how.expect.len)
			found |= expected(d, b->iov[i].iov_base, b->iov[i].iov_len);
	}
	timer_stop(&d->s->loop, &d->first);
	d->last_us = loop_now(&d->s->loop);
	if (!d->how->behave->mute &&
	    (d->how->echo || d->s->how.source == CONN_FROM_REPLY)) {
		if (d->how->behave->delay_us)
			timer_set(&d->s->loop, &d->later,
				  d->last_us + d->how->behave->delay_us);
	} else {
		b->sent = b->n;
	}
	flush_out(d);
	if (found)
		over(d, CONN_MET, NULL);
}

static void receive(struct datagram *d)
{
	int r = batch_receive(d->batch, d->w.fd);

	if (r > 0)
		take_batch(d);
	else if (r < 0 && r != -EAGAIN && r != -EINTR)
		send_failed(d, -r);
}

/* Reads one datagram's worth of input and sends it. */
static void send_input(struct datagram *d)
{
	const struct conn_how *how = &d->s->how;
	size_t most = d->how->behave->chunk ? MIN(d->how->behave->chunk, DATAGRAM_MOST)
					    : DATAGRAM_INPUT;
	ssize_t n;
	int i;

	for (i = 0; i < DATAGRAM_BATCH && !d->input_ended && d->peer.len; i++) {
		if (!d->has_in) {
			buf_reset(&d->in_pending);
			buf_reserve(&d->in_pending, most);
			n = stream_read(how->in, d->in_pending.data, most);
			if (n == -EAGAIN) {
				stream_wait(&d->s->loop, how->in, &d->in_wait);
				return;
			}
			if (n <= 0) {
				d->input_ended = true;
				d->last_us = loop_now(&d->s->loop);
				return;
			}
			d->in_pending.len = (size_t)n;
			corrupt(d, d->in_pending.data, d->in_pending.len);
			d->has_in = true;
		}
		n = sendto(d->w.fd, d->in_pending.data, d->in_pending.len,
			   MSG_DONTWAIT | MSG_NOSIGNAL,
			   d->how->server ? (const struct sockaddr *)&d->peer.ss : NULL,
			   d->how->server ? d->peer.len : 0);
		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)) {
			d->waiting_send = true;
			return;
		}
		d->has_in = false;
		d->last_us = loop_now(&d->s->loop);
		if (n < 0) {
			send_failed(d, errno);
			return;
		}
		d->s->totals.datagrams_out++;
		d->s->totals.bytes_out += (size_t)n;
	}
	if (!d->input_ended && d->peer.len)
		d->waiting_send = true; /* more is there: the next turn */
}

static void send_text(struct datagram *d)
{
	const struct conn_how *how = &d->s->how;
	ssize_t n = send(d->w.fd, how->text.data, how->text.len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	d->input_ended = true;
	d->last_us = loop_now(&d->s->loop);
	if (n < 0) {
		send_failed(d, errno);
		return;
	}
	d->s->totals.datagrams_out++;
	d->s->totals.bytes_out += (size_t)n;
}

static void run(struct datagram *d, bool readable, bool writable)
{
	bool delayed = timer_armed(&d->later);
	bool stuck = !delayed && d->batch->sent < d->batch->n && !answer(d);

	d->waiting_send = stuck;
	if (readable && !stuck && !delayed && d->batch->sent == d->batch->n &&
	    !d->out_pending.len && !d->how->behave->no_read) {
		receive(d);
		if (!timer_armed(&d->later) && d->batch->sent < d->batch->n)
			d->waiting_send = !answer(d);
	}
	if (d->s->how.source == CONN_FROM_STREAM && !d->input_ended && d->peer.len &&
	    !d->in_wait.at && (writable || !d->waiting_send))
		send_input(d);
	if (d->how->max && d->s->totals.datagrams_in >= d->how->max &&
	    !d->out_pending.len && d->batch->sent == d->batch->n)
		over(d, CONN_COMPLETE, NULL);
	if (!d->s->loop.stopped)
		arrange(d);
}

/* A client whose input has ended waits for answers only so long. */
static void arrange_end(struct datagram *d)
{
	uint64_t quiet = d->s->how.idle_us;

	if (!d->how->server && d->input_ended) {
		if (d->s->how.send_only) {
			over(d, CONN_COMPLETE, NULL);
			return;
		}
		if (!quiet)
			quiet = d->how->quiet_us;
	}
	if (quiet)
		timer_set(&d->s->loop, &d->idle, d->last_us + quiet);
}

static void arrange(struct datagram *d)
{
	bool held = d->out_pending.len || d->batch->sent < d->batch->n ||
		    d->how->behave->no_read;

	watch_set(&d->s->loop, &d->w,
		  (held ? 0 : EPOLLIN) | (d->waiting_send ? (uint32_t)EPOLLOUT : 0));
	arrange_end(d);
}

static void socket_ready(struct loop *l, struct watch *w, uint32_t events)
{
	(void)l;
	run(LOOP_OWNER(w, struct datagram, w), events & ~(uint32_t)EPOLLOUT,
	    events & EPOLLOUT);
}

static void in_ready(struct loop *l, struct stream_waiter *w)
{
	(void)l;
	run(LOOP_OWNER(w, struct datagram, in_wait), false, true);
}

static void out_ready(struct loop *l, struct stream_waiter *w)
{
	struct datagram *d = LOOP_OWNER(w, struct datagram, out_wait);

	(void)l;
	if (flush_out(d))
		run(d, true, false);
}

static void delay_over(struct loop *l, struct timer *t)
{
	(void)l;
	run(LOOP_OWNER(t, struct datagram, later), false, true);
}

static void first_over(struct loop *l, struct timer *t)
{
	struct datagram *d = LOOP_OWNER(t, struct datagram, first);
	struct fault f = FAULT_INIT;

	(void)l;
	d->timed_out = true;
	fault_say(&f, ETIMEDOUT,
		  "no datagram came within %.3g s (the deadline of --timeout)",
		  (double)d->how->timeout_us / 1e6);
	over(d, CONN_IDLE, &f);
}

/* Silence: the only end that datagrams have. */
static void idle_over(struct loop *l, struct timer *t)
{
	struct datagram *d = LOOP_OWNER(t, struct datagram, idle);
	struct fault f = FAULT_INIT;

	(void)l;
	if (d->s->how.expect.len) {
		fault_say(&f, ETIMEDOUT, "what was expected did not come");
		over(d, CONN_IDLE, &f);
	} else if (d->s->how.idle_us && !d->s->totals.datagrams_in) {
		fault_say(&f, ETIMEDOUT,
			  "nothing came for %.3g s: the idle limit (-I, --idle) passed",
			  (double)d->s->how.idle_us / 1e6);
		over(d, CONN_IDLE, &f);
	} else {
		over(d, CONN_COMPLETE, NULL);
	}
}

int datagram_start(struct datagram *d, struct session *s, int fd,
		   const struct endpoint *local, const struct endpoint *peer,
		   const struct unix_file *file, const struct datagram_how *how,
		   struct fault *f)
{
	int r;

	*d = (struct datagram){ .s = s, .how = how, .local = *local };
	if (peer)
		d->peer = *peer;
	if (file)
		d->file = *file;
	d->w = (struct watch){ .fd = fd, .fn = socket_ready };
	d->idle.fn = idle_over;
	d->first.fn = first_over;
	d->later.fn = delay_over;
	d->in_wait.wake = in_ready;
	d->out_wait.wake = out_ready;
	d->batch = batch_new();
	d->peers = xcalloc(1, sizeof(*d->peers));
	d->last_us = loop_now(&s->loop);
	s->owner = d;
	r = watch_set(&s->loop, &d->w, EPOLLIN);
	if (r < 0)
		return fault(f, -r, "watch the socket");
	if (how->server && how->timeout_us)
		timer_set(&s->loop, &d->first, d->last_us + how->timeout_us);
	if (peer && s->how.source == CONN_FROM_TEXT)
		send_text(d);
	else if (peer && s->how.source != CONN_FROM_STREAM)
		d->input_ended = true;
	if (peer || s->how.idle_us)
		run(d, false, true);
	return 0;
}

void datagram_stop(struct datagram *d)
{
	struct loop *l = &d->s->loop;

	timer_stop(l, &d->idle);
	timer_stop(l, &d->first);
	timer_stop(l, &d->later);
	stream_unwait(&d->in_wait);
	stream_unwait(&d->out_wait);
	if (d->w.fd >= 0) {
		watch_close(l, &d->w);
		endpoint_unlink(&d->local, &d->file);
	}
	buf_free(&d->out_pending);
	buf_free(&d->in_pending);
	if (d->batch)
		free(d->batch->data);
	free(take_ptr(&d->batch));
	if (d->peers) {
		free(d->peers->v);
		free(d->peers->len);
	}
	free(take_ptr(&d->peers));
}
