#include "net/role/datagram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/relay/needle.h"
#include "net/role/datagram_gso.h"
#include "net/role/datagram_late.h"
#include "net/role/datagram_send.h"
#include "net/role/datagram_side.h"

static struct datagram_batch *batch_new(bool on_unix)
{
	struct datagram_batch *b = xcalloc(1, sizeof(*b));

	b->most = on_unix ? DATAGRAM_UNIX_MOST : DATAGRAM_MOST;
	b->room = DATAGRAM_BATCH * DATAGRAM_MOST / (int)b->most;
	b->cap = DATAGRAM_BATCH;
	b->msg = xcalloc(b->cap, sizeof(*b->msg));
	b->iov = xcalloc(b->cap, sizeof(*b->iov));
	b->data = xmalloc((size_t)DATAGRAM_BATCH * DATAGRAM_MOST);
	return b;
}

static void batch_free(struct datagram_batch *b)
{
	if (!b)
		return;
	free(b->msg);
	free(b->iov);
	free(b->data);
	free(b);
}

static int batch_receive(struct datagram_batch *b, int fd, int most)
{
	int i;

	for (i = 0; i < most; i++) {
		struct msghdr *m = &b->msg[i].msg_hdr;

		b->iov[i] = (struct iovec){ b->data + (size_t)i * b->most, b->most };
		*m = (struct msghdr){ .msg_name = &b->from[i],
				      .msg_namelen = sizeof(b->from[i]),
				      .msg_iov = &b->iov[i],
				      .msg_iovlen = 1 };
		if (b->may_join) {
			m->msg_control = b->control[i];
			m->msg_controllen = sizeof(b->control[i]);
		}
	}
	b->sent = 0;
	/* MSG_TRUNC: of one that is cut the length is that of the whole. */
	b->n = recvmmsg(fd, b->msg, (unsigned)most, MSG_DONTWAIT | MSG_TRUNC, NULL);
	if (b->n < 0) {
		b->n = 0;
		return -errno;
	}
	for (i = 0; i < b->n; i++)
		b->iov[i].iov_len = MIN((size_t)b->msg[i].msg_len, b->most);
	if (b->may_join)
		gro_part(b);
	return b->n;
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
			datagram_over(d, CONN_OUTPUT, &f);
			return false;
		}
		d->out_at += (size_t)n;
	}
	buf_reset(&d->out_pending);
	d->out_at = 0;
	return true;
}

/* A text is looked for within one datagram. */
static bool is_expected(struct datagram *d, const char *data, size_t len)
{
	const struct conn_how *how = &d->s->how;
	uint32_t matched = 0;

	return needle_found(&how->expect, how->expect_back, &matched, data, len);
}

/* --- turns --- */

static void arrange_datagrams(struct datagram *d);

static void name_peer(const struct datagram *d, struct endpoint *peer, int i)
{
	*peer = d->local;
	peer->len = d->batch->msg[i].msg_hdr.msg_namelen;
	memcpy(&peer->ss, d->batch->msg[i].msg_hdr.msg_name, peer->len);
}

/* Counts the sender of the i-th datagram; the first one is who the input goes to. */
static uint32_t meet_peer(struct datagram *d, int i)
{
	struct endpoint peer;
	uint32_t id;
	bool new;

	if (!d->how->server)
		return 1;
	id = peers_meet(d->peers, d->batch->msg[i].msg_hdr.msg_name,
			d->batch->msg[i].msg_hdr.msg_namelen, &new);
	if (!new)
		return id;
	name_peer(d, &peer, i);
	if (!d->peer.len)
		d->peer = peer;
	d->s->totals.peers++;
	if (d->s->ops.wants_peers)
		session_tell(d->s, &(struct net_event){ .kind = NET_ACCEPTED,
							.id = d->s->totals.peers,
							.local = &d->local,
							.peer = &peer });
	return id;
}

/* Its length is that of the whole; of joined ones nobody marks each off. */
static size_t whole_len(const struct datagram *d, int i)
{
	return d->batch->may_join ? d->batch->iov[i].iov_len : d->batch->msg[i].msg_len;
}

static void frame_to(struct datagram *d, struct buf *b, int i)
{
	const struct msghdr *m = &d->batch->msg[i].msg_hdr;

	datagram_frame(d, b, m->msg_name, m->msg_namelen, &d->batch->iov[i],
		       whole_len(d, i));
}

/* --output: appended, for nobody can hold a file open for every peer there may be. */
static void to_file(struct datagram *d, uint32_t id, int i)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct fault f = FAULT_INIT;
	struct endpoint peer;
	size_t done = 0;
	ssize_t n = 0;
	int fd;

	frame_to(d, &b, i);
	name_peer(d, &peer, i);
	close_fd(take_fd(&d->spare));
	fd = peerfile_open(&d->how->output, id, &peer, true, &f);
	while (fd >= 0 && done < b.len && n >= 0) {
		n = write(fd, b.data + done, b.len - done);
		if (n < 0 && errno == EINTR)
			n = 0;
		done += (size_t)MAX(n, 0);
	}
	if (n < 0)
		fault(&f, errno, "write the output");
	if (fd >= 0 && close(fd) != 0 && !f.err)
		fault(&f, errno, "write the output");
	if (f.err)
		datagram_over(d, CONN_OUTPUT, &f);
	d->spare = fcntl(d->s->loop.epfd, F_DUPFD_CLOEXEC, 0);
}

/* Only unix sockets send larger ones. */
static void tell_cut(struct datagram *d, size_t whole)
{
	struct fault f = FAULT_INIT;

	fault_say(&f, EMSGSIZE,
		  "a datagram of %zu bytes is longer than %zu bytes: the rest is lost",
		  whole, d->batch->most);
	d->s->totals.failed++;
	session_worse(d->s, CONN_ERROR, EMSGSIZE);
	session_trouble(d->s, &f);
}

static void take_batch(struct datagram *d)
{
	struct datagram_batch *b = d->batch;
	const struct behave *how = d->how->behave;
	bool answers = !how->mute &&
		       (d->how->echo || d->s->how.source == CONN_FROM_REPLY);
	bool found = false;
	int i;

	for (i = 0; i < b->n; i++) {
		struct iovec *v = &b->iov[i];
		uint32_t id = meet_peer(d, i);

		d->s->totals.datagrams_in++;
		d->s->totals.bytes_in += v->iov_len;
		if (how->read_rate)
			d->read_at_us = datagram_after(d, d->read_at_us, v->iov_len,
						       how->read_rate);
		if (b->msg[i].msg_hdr.msg_flags & MSG_TRUNC)
			tell_cut(d, b->msg[i].msg_len);
		datagram_saw(d, false, b->msg[i].msg_hdr.msg_name,
			     b->msg[i].msg_hdr.msg_namelen, v, whole_len(d, i));
		if (d->s->how.expect.len)
			found |= is_expected(d, v->iov_base, v->iov_len);
		if (d->how->output.path)
			to_file(d, id, i);
		else if (!d->how->echo && !d->s->how.send_only)
			frame_to(d, &d->out_pending, i);
		if (answers)
			datagram_prepare_answer(d, v);
	}
	timer_stop(&d->s->loop, &d->first);
	datagram_side_answered(d);
	d->last_us = loop_now(&d->s->loop);
	if (!answers)
		b->sent = b->n;
	else if (how->delay_us)
		timer_set(&d->s->loop, &d->later, d->last_us + how->delay_us);
	flush_out(d);
	if (found)
		datagram_over(d, CONN_MET, NULL);
}

/* Leaves those whose senders may come; what the others sent is dropped. */
static void drop_unwelcome(struct datagram *d)
{
	struct datagram_batch *b = d->batch;
	struct endpoint peer;
	int i, n = 0;

	if (!d->how->rules)
		return;
	for (i = 0; i < b->n; i++) {
		name_peer(d, &peer, i);
		if (!session_lets_in(d->s, d->how->rules, &peer))
			continue;
		b->msg[n] = b->msg[i];
		b->iov[n] = b->iov[i];
		b->msg[n].msg_hdr.msg_iov = &b->iov[n];
		n++;
	}
	b->n = n;
}

static bool may_receive(struct datagram *d)
{
	return !timer_armed(&d->later) && !datagram_unanswered(d) &&
	       !d->out_pending.len && !d->how->behave->no_read &&
	       datagram_due(d, d->read_at_us) && !d->s->loop.stopped;
}

static void receive_datagrams(struct datagram *d)
{
	const struct behave *b = d->how->behave;
	uint64_t most = (uint64_t)d->batch->room, began;
	int r;

	if (d->how->max)
		most = MIN(most, d->how->max - d->s->totals.datagrams_in);
	if (b->read_rate || b->close_after_bytes != BEHAVE_UNSET)
		most = 1;
	began = d->s->ops.wants_calls ? clock_us() : 0;
	r = batch_receive(d->batch, d->w.fd, (int)most);
	if (r != -EAGAIN)
		session_call(d->s, NET_CALL_RECV, d->w.fd, r, began, "recvmmsg(%d, %d)",
			     d->w.fd, (int)most);
	if (r > 0)
		drop_unwelcome(d);
	if (r > 0 && d->batch->n)
		take_batch(d);
	else if (r < 0 && r != -EAGAIN && r != -EINTR && (r = datagram_side_error(d, -r)))
		datagram_failed(d, r, "receive");
}

/* --max and --close-after-bytes. */
static bool is_over(const struct datagram *d)
{
	const struct session_totals *t = &d->s->totals;
	uint64_t most = d->how->behave->close_after_bytes;

	return (d->how->max && t->datagrams_in >= d->how->max) ||
	       (most != BEHAVE_UNSET && (t->bytes_in >= most || t->bytes_out >= most));
}

/* Those who read slowly have a moment for their last answers. */
static bool late_are_over(struct datagram *d)
{
	if (!late_any(d->late))
		return true;
	if (!d->over_us)
		d->over_us = loop_now(&d->s->loop) + LATE_LAST_US;
	return loop_now(&d->s->loop) >= d->over_us;
}

/* Where nobody reads what is told, nothing moves. */
static void await_room(struct datagram *d)
{
	uint64_t at;

	if (!d->s->ops.wants_datagrams || session_has_room(d->s))
		return;
	at = loop_now(&d->s->loop) + FLOW_DUMP_AGAIN_US;
	d->read_at_us = MAX(d->read_at_us, at);
	d->send_at_us = MAX(d->send_at_us, at);
}

static void datagram_turn(struct datagram *d, bool readable)
{
	d->waiting_send = false;
	await_room(d);
	if (!timer_armed(&d->later))
		datagram_answer(d);
	if (readable && may_receive(d)) {
		receive_datagrams(d);
		if (!timer_armed(&d->later))
			datagram_answer(d);
	}
	if (datagram_has_input(d) && !d->waiting_send && !d->s->loop.stopped)
		datagram_send_input(d);
	if (is_over(d) && !d->out_pending.len && !datagram_unanswered(d) &&
	    late_are_over(d))
		datagram_over(d,
			      d->how->behave->close_after_bytes == BEHAVE_UNSET
				      ? CONN_COMPLETE
				      : CONN_CUT,
			      NULL);
	if (!d->s->loop.stopped)
		arrange_datagrams(d);
}

static void datagram_go_on(struct datagram *d)
{
	datagram_turn(d, false);
}

/* A client whose input has ended waits for answers only so long. */
static void arrange_end(struct datagram *d)
{
	uint64_t quiet = d->s->how.idle_us;

	if (!d->how->server && d->input_ended) {
		if (d->s->how.send_only) {
			datagram_over(d, CONN_COMPLETE, NULL);
			return;
		}
		if (!quiet)
			quiet = d->how->quiet_us;
	}
	if (quiet)
		timer_set(&d->s->loop, &d->idle, d->last_us + quiet);
}

static void arrange_pace(struct datagram *d, bool held)
{
	uint64_t at = UINT64_MAX;

	if (!datagram_due(d, d->send_at_us) &&
	    (datagram_unanswered(d) || d->has_in || datagram_has_input(d)))
		at = d->send_at_us;
	if (!held && !datagram_due(d, d->read_at_us))
		at = MIN(at, d->read_at_us);
	if (at != UINT64_MAX)
		timer_set(&d->s->loop, &d->pace, at);
}

static void arrange_datagrams(struct datagram *d)
{
	bool held = d->out_pending.len || datagram_unanswered(d) ||
		    d->how->behave->no_read;
	bool reads = !held && datagram_due(d, d->read_at_us);

	int r = watch_set(&d->s->loop, &d->w,
			  (reads ? (uint32_t)EPOLLIN : 0) |
				  (d->waiting_send ? (uint32_t)EPOLLOUT : 0));
	struct fault f = FAULT_INIT;

	if (r < 0) {
		fault(&f, -r, "watch the socket");
		datagram_over(d, CONN_ERROR, &f);
		return;
	}
	arrange_pace(d, held);
	arrange_end(d);
}

static void datagram_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct datagram *d = LOOP_OWNER(w, struct datagram, w);
	int err = events & EPOLLERR ? datagram_side_error(d, 0) : 0;

	(void)l;
	if (err)
		datagram_failed(d, err, "receive");
	else
		datagram_turn(d, events & ~(uint32_t)EPOLLOUT);
}

static void datagram_in_ready(struct loop *l, struct stream_waiter *w)
{
	(void)l;
	datagram_turn(LOOP_OWNER(w, struct datagram, in_wait), false);
}

static void datagram_out_ready(struct loop *l, struct stream_waiter *w)
{
	struct datagram *d = LOOP_OWNER(w, struct datagram, out_wait);

	/* A blocked output is not an idle network. */
	d->last_us = loop_now(l);
	if (flush_out(d))
		datagram_turn(d, true);
}

static void delay_over(struct loop *l, struct timer *t)
{
	(void)l;
	datagram_turn(LOOP_OWNER(t, struct datagram, later), false);
}

static void datagram_pace_over(struct loop *l, struct timer *t)
{
	(void)l;
	datagram_turn(LOOP_OWNER(t, struct datagram, pace), true);
}

static void nothing_came(struct loop *l, struct timer *t)
{
	struct datagram *d = LOOP_OWNER(t, struct datagram, first);
	struct fault f = FAULT_INIT;

	(void)l;
	fault_say(&f, ETIMEDOUT,
		  "no datagram came within %.3g s (the deadline of --timeout)",
		  (double)d->how->timeout_us / 1e6);
	datagram_over(d, CONN_IDLE, &f);
}

/* Silence: the only end that datagrams have. */
static void idle_over(struct loop *l, struct timer *t)
{
	struct datagram *d = LOOP_OWNER(t, struct datagram, idle);
	struct fault f = FAULT_INIT;

	/* Our own pace and a blocked output are not the network's silence. */
	if (d->out_pending.len || datagram_unanswered(d) || d->has_in ||
	    !session_has_room(d->s)) {
		d->last_us = loop_now(l);
		arrange_end(d);
		return;
	}
	if (d->s->how.expect.len) {
		fault_say(&f, ETIMEDOUT, "what was expected did not come");
		datagram_over(d, CONN_IDLE, &f);
	} else if (d->s->how.idle_us && !d->s->totals.datagrams_in) {
		fault_say(&f, ETIMEDOUT,
			  "nothing came for %.3g s: the idle limit (-I, --idle) passed",
			  (double)d->s->how.idle_us / 1e6);
		datagram_over(d, CONN_IDLE, &f);
	} else {
		datagram_over(d, CONN_COMPLETE, NULL);
	}
}

static void prepare_text(struct datagram *d)
{
	const struct conn_how *how = &d->s->how;

	if (how->source != CONN_FROM_TEXT && how->source != CONN_FROM_REPLY)
		return;
	buf_reserve(&d->text, how->text.len * 2 + 1);
	if (how->out_rules.crlf)
		d->text.len = flow_add_cr(d->text.data, how->text.data, how->text.len,
					  &d->was_cr);
	else
		buf_put(&d->text, how->text.data, how->text.len);
}

/* Whoever counts datagrams, or looks at one call after the other, gets them one by one;
 * so does an answer that may be longer than what it answers. */
static bool takes_joined(const struct datagram *d)
{
	const struct behave *b = d->how->behave;

	return d->segments && d->how->echo && !d->how->max && !b->read_rate &&
	       b->close_after_bytes == BEHAVE_UNSET && !d->s->ops.wants_calls &&
	       !d->s->ops.wants_datagrams;
}

int datagram_start(struct datagram *d, struct session *s, int fd,
		   const struct endpoint *local, const struct endpoint *peer,
		   struct unix_file *file, const struct datagram_how *how,
		   struct fault *f)
{
	int r;

	*d = (struct datagram){
		.s = s, .how = how, .local = *local, .spare = -1, .beside = -1
	};
	if (peer)
		d->peer = *peer;
	d->file = file;
	d->w = (struct watch){ .fd = fd, .fn = datagram_ready };
	d->idle.fn = idle_over;
	d->first.fn = nothing_came;
	d->later.fn = delay_over;
	d->pace.fn = datagram_pace_over;
	d->in_wait.wake = datagram_in_ready;
	d->out_wait.wake = datagram_out_ready;
	d->batch = batch_new(local->proto == TARGET_UNIX_DGRAM);
	d->peers = peers_new();
	d->late = late_new(d, datagram_go_on);
	prepare_text(d);
	s->datagrams = true;
	d->segments = how->server && local->proto == TARGET_UDP && !datagram_is_paced(d);
	d->batch->may_join = takes_joined(d) && gro_on(fd);
	d->last_us = loop_now(&s->loop);
	s->owner = d;
	if (how->output.path) {
		d->spare = fcntl(s->loop.epfd, F_DUPFD_CLOEXEC, 0);
		if (d->spare < 0)
			return fault(f, errno, "find a descriptor for a peer's file");
	}
	r = watch_set(&s->loop, &d->w, EPOLLIN);
	if (r < 0)
		return fault(f, -r, "watch the socket");
	if (how->server && how->timeout_us)
		timer_set(&s->loop, &d->first, d->last_us + how->timeout_us);
	if (s->how.source != CONN_FROM_TEXT && s->how.source != CONN_FROM_STREAM)
		d->input_ended = true;
	s->totals.peers = peer ? 1 : 0;
	datagram_side_begin(d);
	if (peer || s->how.idle_us)
		datagram_turn(d, false);
	return 0;
}

void datagram_stop(struct datagram *d)
{
	struct loop *l = &d->s->loop;

	timer_stop(l, &d->idle);
	timer_stop(l, &d->first);
	timer_stop(l, &d->later);
	timer_stop(l, &d->pace);
	stream_unwait(&d->in_wait);
	stream_unwait(&d->out_wait);
	if (d->w.fd >= 0) {
		unixfile_remove(d->file);
		watch_close(l, &d->w);
	}
	if (d->s && d->batch) { /* it was started */
		close_fd(take_fd(&d->spare));
		datagram_side_end(d);
	}
	buf_free(&d->out_pending);
	buf_free(&d->in_pending);
	buf_free(&d->text);
	late_free(take_ptr(&d->late));
	batch_free(take_ptr(&d->batch));
	peers_free(take_ptr(&d->peers));
}
