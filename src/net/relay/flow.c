#include "net/relay/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/num.h"
#include "net/relay/flow_private.h"
#include "net/socket/record.h"

enum {
	SPLICE_MOST = 1 << 20, /* one splice() or discard */
	MOVE_AGAIN = 1 << 19,
	RECORD_MOST = 1 << 16, /* made of input; what a default send buffer takes */
	TAP_MOST = 1 << 16,    /* where some of it may have to be kept */
	INPUT_MOST = 1 << 14,  /* from a file: is sent out of the first-level cache */
	PACE_SLICE_US = 50000, /* a rate is kept in portions of this much time */
};

const struct flow_rules flow_no_rules = {
	.truncate_bytes = BEHAVE_UNSET,
	.stop_after = BEHAVE_UNSET,
};

unsigned flow_failed(struct flow *f, bool sink, int err)
{
	f->err = err;
	f->failed_sink = sink;
	return FLOW_FAILED;
}

static bool is_block_error(int err)
{
	return err == EAGAIN || err == EINTR;
}

/* What a rate lets pass in one portion. */
static uint64_t rate_slice(const struct flow_rules *r)
{
	return MAX(num_scale(r->rate, PACE_SLICE_US, 1000000), (uint64_t)1);
}

size_t flow_allowance(const struct flow *f, size_t most)
{
	const struct flow_rules *r = f->rules;
	uint64_t n = most;

	if (r->rate)
		n = MIN(n, rate_slice(r));
	if (r->chunk)
		n = MIN(n, r->chunk);
	if (r->stop_after != BEHAVE_UNSET)
		n = MIN(n, r->stop_after - MIN(r->stop_after, f->moved_in));
	return (size_t)n;
}

void flow_pace(struct loop *l, struct flow *f, size_t n)
{
	const struct flow_rules *r = f->rules;
	uint64_t now, next;

	if (!r->rate && !r->chunk_delay_us)
		return;
	now = loop_now(l);
	next = now;
	if (r->rate) {
		/* Being late is made up for, but not for ever. */
		uint64_t from = MAX(f->not_before_us,
				    now > PACE_SLICE_US ? now - PACE_SLICE_US : 0);

		next = from + num_scale(n, 1000000, r->rate);
	}
	if (r->chunk_delay_us)
		next = MAX(next, now + r->chunk_delay_us);
	f->not_before_us = next;
}

bool flow_must_wait(struct loop *l, const struct flow *f)
{
	return f->not_before_us && f->not_before_us > loop_now(l);
}

uint64_t flow_before_call(const struct flow *f)
{
	return UNLIKELY(f->called) ? clock_us() : 0;
}

void flow_after_call(struct flow *f, enum flow_call call, size_t asked, ssize_t result,
		     uint64_t began)
{
	int err = errno;

	if (LIKELY(!f->called))
		return;
	f->called(f, call, asked, result, began);
	errno = err;
}

static ssize_t sink_write(struct flow *f, const char *data, size_t len)
{
	uint64_t began;
	ssize_t n;

	switch (f->to) {
	case FLOW_SOCKET:
		if (f->put)
			return f->put(f, data, len);
		began = flow_before_call(f);
		n = send(f->sink, data, len,
			 MSG_DONTWAIT | MSG_NOSIGNAL | (f->more ? MSG_MORE : 0));
		n = n >= 0 ? n : -errno;
		flow_after_call(f, FLOW_SEND, len, n, began);
		if (n >= 0 && f->dump)
			f->dump->saw(f, true, data, (size_t)n);
		return n;
	case FLOW_STREAM:
		return stream_write(f->stream, data, len);
	case FLOW_PUT:
		return f->put(f, data, len);
	case FLOW_MEMORY:
	case FLOW_FILE:
	case FLOW_NOTHING:
		break;
	}
	return (ssize_t)len;
}

/* What did not pass comes again. */
static ssize_t read_back(struct flow *f, char *to, size_t len)
{
	len = MIN(len, flow_back_len(f));
	memcpy(to, f->back.data + f->back_at, len);
	f->back_at += (uint32_t)len;
	if (!flow_back_len(f)) {
		f->back_at = 0;
		buf_free(&f->back);
	}
	return (ssize_t)len;
}

static void give_back(struct flow *f, const char *data, size_t len)
{
	if (!len)
		return;
	/* Of what came again: it is still there. */
	if (flow_back_len(f)) {
		f->back_at -= (uint32_t)len;
		return;
	}
	buf_reset(&f->back);
	buf_put(&f->back, data, len);
	f->back_at = 0;
}

/* A file has as many bytes as it had when its length was told. */
static ssize_t read_file(struct flow *f, char *to, size_t len)
{
	ssize_t n;

	do
		n = read(f->file, to, MIN(len, f->memory_len));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	f->memory_len -= (size_t)n;
	return n ? n : -ENODATA;
}

static ssize_t source_read(struct flow *f, char *to, size_t len)
{
	uint64_t began;
	ssize_t n;

	switch (f->from) {
	case FLOW_SOCKET:
		if (flow_back_len(f))
			return read_back(f, to, len);
		began = flow_before_call(f);
		if (f->rules->records) {
			n = record_recv(f->sock, to, len, &f->empty);
		} else {
			n = recv(f->sock, to, len, MSG_DONTWAIT);
			n = n >= 0 ? n : -errno;
		}
		flow_after_call(f, FLOW_RECV, len, n, began);
		if (f->dump && (n > 0 || (n == 0 && f->empty)))
			f->dump->saw(f, false, to, (size_t)n);
		return n;
	case FLOW_STREAM:
		return stream_read(f->stream, to, len);
	case FLOW_MEMORY:
		len = MIN(len, f->memory_len);
		memcpy(to, f->memory, len);
		f->memory += len;
		f->memory_len -= len;
		return (ssize_t)len;
	case FLOW_FILE:
		return read_file(f, to, len);
	case FLOW_PUT:
	case FLOW_NOTHING:
		break;
	}
	return -EAGAIN;
}

void flow_keep(struct flow *f, const char *data, size_t len)
{
	if (f->pending_cap < len) {
		free(f->pending);
		f->pending_cap = (uint32_t)MAX(len, (size_t)4096);
		f->pending = xmalloc(f->pending_cap);
	}
	memcpy(f->pending, data, len);
	f->pending_at = 0;
	f->pending_len = (uint32_t)len;
}

/* An idle flow holds no buffer: ten thousand of them are cheap. */
static void drop_buffer(struct flow *f)
{
	if (!f->pending)
		return;
	free(take_ptr(&f->pending));
	f->pending_cap = f->pending_len = f->pending_at = 0;
}

void flow_free(struct flow *f)
{
	drop_buffer(f);
	buf_free(&f->back);
}

/* How much of len bytes one write may take: a chunk, or what the rate allows. */
static size_t write_limit(const struct flow *f, size_t len)
{
	const struct flow_rules *r = f->rules;

	if (r->chunk && !r->records)
		len = MIN(len, (size_t)r->chunk);
	if (r->rate && !r->records)
		len = MIN(len, (size_t)rate_slice(r));
	return len;
}

/* An empty record is one that is sent, too. */
static unsigned deliver_empty(struct loop *l, struct flow *f)
{
	bool goes = (f->to == FLOW_SOCKET && !f->ended) || f->to == FLOW_PUT;
	ssize_t n = goes ? sink_write(f, "", 0) : 0;

	if (n < 0 && !is_block_error(-(int)n))
		return flow_failed(f, true, -(int)n);
	f->empty_pending = n < 0;
	if (n < 0)
		return FLOW_WANT_WRITE;
	flow_pace(l, f, 0);
	return 0;
}

/* Writes data, keeps the rest. Returns 0, or what to wait for. */
static unsigned deliver(struct loop *l, struct flow *f, const char *data, size_t len)
{
	size_t most = len, done = 0;
	ssize_t n = 0;

	if (!len && f->rules->records)
		return deliver_empty(l, f);
	/* What is beyond --truncate counts as sent. */
	if (f->rules->truncate_bytes != BEHAVE_UNSET)
		most = MIN(most, f->rules->truncate_bytes -
					 MIN(f->rules->truncate_bytes, f->moved_out));
	while (done < most) {
		n = sink_write(f, data + done, write_limit(f, most - done));
		if (n <= 0)
			break;
		done += (size_t)n;
		f->moved_out += (size_t)n;
		flow_pace(l, f, (size_t)n);
		if (flow_must_wait(l, f))
			break;
	}
	if (n < 0 && !is_block_error(-(int)n))
		return flow_failed(f, true, -(int)n);
	if (most < len && done == most) {
		/* All that may go is gone; the rest never will. */
		f->ended = true;
		f->pending_len = 0;
		return 0;
	}
	if (done == len) {
		f->pending_len = 0;
		return 0;
	}
	if (data == f->pending + f->pending_at) {
		f->pending_at += (uint32_t)done;
		f->pending_len -= (uint32_t)done;
	} else {
		flow_keep(f, data + done, len - done);
	}
	return flow_must_wait(l, f) ? FLOW_WANT_TIME : FLOW_WANT_WRITE;
}

void flow_corrupt(uint64_t every, uint64_t passed, char *data, size_t len)
{
	uint64_t at;

	for (at = every - 1 - passed % every; at < len; at += every)
		data[at] ^= 1;
}

size_t flow_add_cr(char *dst, const char *src, size_t len, bool *was_cr)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (src[i] == '\n' && !*was_cr)
			dst[n++] = '\r';
		dst[n++] = src[i];
		*was_cr = src[i] == '\r';
	}
	return n;
}

static unsigned source_empty(struct flow *f)
{
	f->busy = false;
	drop_buffer(f);
	if (!f->flush)
		return FLOW_WANT_READ;
	f->ended = true;
	return 0;
}

/* How much one read may bring. */
static size_t copy_room(const struct flow *f)
{
	bool records = f->rules->records;

	if (f->rules->crlf)
		return LOOP_SCRATCH / 4;
	switch (f->from) {
	case FLOW_STREAM:
		return records ? RECORD_MOST : INPUT_MOST;
	case FLOW_FILE:
		return records ? RECORD_MOST : LOOP_SCRATCH;
	case FLOW_SOCKET:
		return f->tap && !records ? TAP_MOST : LOOP_SCRATCH;
	case FLOW_MEMORY:
	case FLOW_PUT:
	case FLOW_NOTHING:
		break;
	}
	return LOOP_SCRATCH;
}

/* One read into the scratch buffer and one write out of it. 0 = go on. */
static unsigned copy_round(struct loop *l, struct flow *f)
{
	size_t room = copy_room(f), most = flow_allowance(f, room), len;
	char *data = l->scratch;
	ssize_t n;
	unsigned r;

	if (!most) {
		f->ended = true;
		return 0;
	}
	/* A record is read whole or it is lost. */
	n = source_read(f, data, f->rules->records ? room : most);
	if (n < 0)
		return is_block_error(-(int)n) ? source_empty(f)
					       : flow_failed(f, false, -(int)n);
	if (n == 0 && !f->empty) {
		f->ended = true;
		return 0;
	}
	len = (size_t)n;
	f->empties += f->empty;
	if (f->rules->corrupt)
		flow_corrupt(f->rules->corrupt, f->moved_in, data, len);
	if (f->tap) {
		len = f->tap(f, data, len);
		give_back(f, data + len, (size_t)n - len);
		if (n && !len)
			return 0;
	}
	f->moved_in += len;
	if (f->rules->crlf) {
		len = flow_add_cr(l->scratch + LOOP_SCRATCH / 2, data, len, &f->was_cr);
		data = l->scratch + LOOP_SCRATCH / 2;
	}
	if (f->rules->delay_us && !f->busy) {
		f->busy = true;
		f->not_before_us = loop_now(l) + f->rules->delay_us;
		flow_keep(f, data, len);
		f->empty_pending = !len;
		return FLOW_WANT_TIME;
	}
	f->busy = true;
	r = deliver(l, f, data, len);
	if (r || f->ended)
		return r;
	/* A short read from what can be polled: it is empty now, most likely. */
	if ((size_t)n < most && f->from == FLOW_SOCKET && !f->held && !flow_back_len(f)) {
		drop_buffer(f);
		return FLOW_WANT_READ;
	}
	return 0;
}

static bool poll_now(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) > 0;
}

enum shortcut { SHORTCUT_NONE, SHORTCUT_SPLICE, SHORTCUT_DISCARD, SHORTCUT_FILE };

/* Which way round user space there is for this pair of ends. */
static enum shortcut shortcut_of(const struct flow *f)
{
	const struct flow_rules *r = f->rules;

	if (f->no_splice || f->tap || f->dump || r->crlf || r->corrupt || r->delay_us ||
	    r->records || r->chunk || r->truncate_bytes != BEHAVE_UNSET)
		return SHORTCUT_NONE;
	if (f->from == FLOW_FILE)
		return SHORTCUT_FILE;
	if (f->from == FLOW_SOCKET && f->to == FLOW_NOTHING)
		return r->tcp ? SHORTCUT_DISCARD : SHORTCUT_NONE;
	if (f->from == FLOW_SOCKET && f->to == FLOW_STREAM) {
		if (f->stream->kind == STREAM_NULL || f->stream->kind == STREAM_NONE)
			return r->tcp ? SHORTCUT_DISCARD : SHORTCUT_NONE;
		return f->stream->kind == STREAM_PIPE && !f->stream->shared
			       ? SHORTCUT_SPLICE
			       : SHORTCUT_NONE;
	}
	if (f->from == FLOW_STREAM && f->to == FLOW_SOCKET) {
		/* Not sendfile(): it hands single pages over, and the receiver reads
		 * them from memory. */
		return f->stream->kind == STREAM_PIPE && !f->stream->shared
			       ? SHORTCUT_SPLICE
			       : SHORTCUT_NONE;
	}
	return SHORTCUT_NONE;
}

static ssize_t move_bytes(struct flow *f, enum shortcut how, size_t most)
{
	int in, out;

	switch (how) {
	case SHORTCUT_SPLICE:
		in = f->from == FLOW_SOCKET ? f->sock : f->stream->fd;
		out = f->to == FLOW_SOCKET ? f->sink : f->stream->fd;
		return splice(in, NULL, out, NULL, most,
			      SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	case SHORTCUT_DISCARD:
		/* tcp(7): MSG_TRUNC drops the bytes where they are. */
		/* cppcheck-suppress nullPointer ; MSG_TRUNC only counts */
		return recv(f->sock, NULL, most, MSG_DONTWAIT | MSG_TRUNC);
	case SHORTCUT_FILE:
		return sendfile(f->sink, f->file, NULL, most);
	case SHORTCUT_NONE:
		break;
	}
	return -1;
}

/* Both ends of a splice() may be what blocks it: ask. A write may also fail for reasons
 * of either end; sockets have their error in SO_ERROR no more, so errno decides. */
static unsigned move_failed(struct flow *f, enum shortcut how, int err)
{
	if (is_block_error(err) && how == SHORTCUT_FILE)
		return FLOW_WANT_WRITE;
	if (is_block_error(err)) {
		if (how == SHORTCUT_SPLICE &&
		    !poll_now(f->to == FLOW_SOCKET ? f->sink : f->stream->fd, POLLOUT))
			return FLOW_WANT_WRITE;
		return source_empty(f);
	}
	/* Not for this pair after all. */
	if (err == EINVAL || err == ENOSYS || err == EOPNOTSUPP) {
		f->no_splice = true;
		return 0;
	}
	if (how == SHORTCUT_DISCARD)
		return flow_failed(f, false, err);
	/* EPIPE is a sink that nobody reads; a reset is the socket's, whichever end it
	 * is. */
	return flow_failed(f, err == EPIPE || f->to == FLOW_SOCKET, err);
}

static const enum flow_call shortcut_calls[] = { [SHORTCUT_SPLICE] = FLOW_SPLICE,
						 [SHORTCUT_DISCARD] = FLOW_RECV,
						 [SHORTCUT_FILE] = FLOW_SENDFILE };

static unsigned move_round(struct loop *l, struct flow *f, enum shortcut how)
{
	size_t most = flow_allowance(f, SPLICE_MOST);
	uint64_t began;
	ssize_t n;

	if (!most) {
		f->ended = true;
		return 0;
	}
	if (how == SHORTCUT_FILE)
		most = MIN(most, f->memory_len);
	began = flow_before_call(f);
	n = move_bytes(f, how, most);
	flow_after_call(f, shortcut_calls[how], most, n >= 0 ? n : -errno, began);
	if (n < 0)
		return move_failed(f, how, errno);
	if (n == 0 && how == SHORTCUT_FILE)
		return flow_failed(f, false, ENODATA);
	if (n == 0) {
		f->ended = true;
		return 0;
	}
	f->busy = true;
	if (how == SHORTCUT_FILE)
		f->memory_len -= (size_t)n;
	f->moved_in += (size_t)n;
	f->moved_out += (size_t)n;
	flow_pace(l, f, (size_t)n);
	/* After a small portion the socket is empty, most likely; while a large one
	 * moved, more has come. */
	return f->from == FLOW_SOCKET && (size_t)n < MIN(most, (size_t)MOVE_AGAIN)
		       ? FLOW_WANT_READ
		       : 0;
}

static bool at_end(const struct flow *f)
{
	return (f->from == FLOW_MEMORY || f->from == FLOW_FILE) && !f->memory_len;
}

unsigned flow_step(struct loop *l, struct flow *f)
{
	enum shortcut how = shortcut_of(f);
	unsigned r = 0;
	int round;

	for (round = 0; round < FLOW_ROUNDS && !r; round++) {
		if (flow_dump_is_full(f))
			f->not_before_us = MAX(f->not_before_us,
					       loop_now(l) + FLOW_DUMP_AGAIN_US);
		if (flow_must_wait(l, f))
			return FLOW_WANT_TIME;
		if (f->pending_len || f->empty_pending)
			r = deliver(l, f, f->pending + f->pending_at, f->pending_len);
		else if (f->ended || at_end(f))
			return FLOW_DONE;
		else if (f->held)
			return 0;
		else if (how != SHORTCUT_NONE && !f->no_splice)
			r = move_round(l, f, how);
		else
			r = copy_round(l, f);
	}
	if (r)
		return r;
	if (!f->pending_len && !f->empty_pending) {
		if (f->ended || at_end(f))
			return FLOW_DONE;
		if (f->held)
			return 0;
	}
	/* No end can be polled for what is here already. */
	if (flow_back_len(f)) {
		f->not_before_us = MAX(f->not_before_us, loop_now(l));
		return FLOW_WANT_TIME;
	}
	/* More is there, but others want their turn: come back through the end that can
	 * be polled. */
	return f->from == FLOW_SOCKET ? FLOW_WANT_READ : FLOW_WANT_WRITE;
}
