#include "net/relay/flow_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/num.h"
#include "net/relay/flow_private.h"

enum {
	FILL_MOST = 1 << 19,   /* one splice() */
	TRIAL_BYTES = 1 << 23, /* of one turn */
	TRIAL_TURNS = 8,
	TRIAL_WARM = 2,
	FILL_AGAIN = 1 << 16, /* after so much there is more, most likely */
};

static bool is_block_error(int err)
{
	return err == EAGAIN || err == EINTR;
}

/* Bytes that are changed, cut or kept must be seen. */
static bool takes_pipe(const struct flow *f)
{
	const struct flow_rules *r = f->rules;

	return !f->no_splice && !f->tap && !f->put && !f->dump && !r->crlf &&
	       !r->corrupt && !r->delay_us && !r->records && !r->chunk &&
	       r->truncate_bytes == BEHAVE_UNSET && f->from == FLOW_SOCKET &&
	       f->to == FLOW_SOCKET && !f->pending_len;
}

static void give_pipe_back(struct flow *f, struct pipes *pipes)
{
	struct lent_pipe *pipe = f->pipe;

	f->pipe = NULL;
	if (f->piped)
		pipes_drop(pipes, pipe);
	else
		pipes_return(pipes, pipe);
	f->piped = 0;
}

void flow_pipe_free(struct flow *f, struct pipes *pipes)
{
	if (f->pipe)
		give_pipe_back(f, pipes);
}

/* The sink takes no pages: its bytes come out of the pipe again. */
static unsigned leave_pipe(struct loop *l, struct flow *f, struct pipes *pipes)
{
	size_t len = 0;
	ssize_t n;

	f->no_splice = true;
	while (len < LOOP_SCRATCH &&
	       (n = read(f->pipe->in, l->scratch + len, LOOP_SCRATCH - len)) > 0)
		len += (size_t)n;
	if (len < f->piped)
		return flow_failed(f, true, EINVAL);
	f->piped = 0;
	flow_keep(f, l->scratch, len);
	give_pipe_back(f, pipes);
	return 0;
}

/* From the pipe to the sink. 0 = it is empty. */
static unsigned pour(struct loop *l, struct flow *f, struct pipes *pipes)
{
	while (f->piped) {
		uint64_t began = flow_before_call(f);
		/* More than there is would hold the last segment back for what follows.
		 */
		ssize_t n = splice(f->pipe->in, NULL, f->sink, NULL, f->piped,
				   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

		flow_after_call(f, FLOW_POUR, f->piped, n >= 0 ? n : -errno, began);
		if (n < 0 && is_block_error(errno))
			return FLOW_WANT_WRITE;
		if (n < 0 && (errno == EINVAL || errno == EOPNOTSUPP))
			return leave_pipe(l, f, pipes);
		if (n <= 0)
			return flow_failed(f, true, n < 0 ? errno : EPIPE);
		f->piped -= (uint32_t)n;
		f->moved_out += (size_t)n;
		flow_pace(l, f, (size_t)n);
		if (f->piped && flow_must_wait(l, f))
			return FLOW_WANT_TIME;
	}
	give_pipe_back(f, pipes);
	return 0;
}

/* From the source to a pipe, and on. 0 = go on. */
static unsigned fill(struct loop *l, struct flow *f, struct pipes *pipes)
{
	size_t most = flow_allowance(f, FILL_MOST);
	uint64_t began = flow_before_call(f);
	unsigned r;
	ssize_t n;
	int err;

	if (!most) {
		f->ended = true;
		give_pipe_back(f, pipes);
		return 0;
	}
	n = splice(f->sock, NULL, f->pipe->out, NULL, most,
		   SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
	err = n < 0 ? errno : 0;
	flow_after_call(f, FLOW_FILL, most, n >= 0 ? n : -err, began);
	if (n <= 0)
		give_pipe_back(f, pipes);
	if (n == 0)
		f->ended = true;
	if (is_block_error(err)) {
		f->ended = f->flush;
		return f->flush ? 0 : FLOW_WANT_READ;
	}
	if (err == EINVAL || err == ENOSYS || err == EOPNOTSUPP)
		f->no_splice = true;
	else if (err)
		return flow_failed(f, false, err);
	if (n <= 0)
		return 0;
	f->piped = (uint32_t)n;
	f->moved_in += (size_t)n;
	r = pour(l, f, pipes);
	return !r && n < FILL_AGAIN ? FLOW_WANT_READ : r;
}

/*
 * Which way is the faster one depends on both ends, the path and the kernel: a pipe
 * copies nothing, but hands single pages over. A flow of many bytes tries both in turns,
 * the first of which do not count, and copies where that was faster.
 */
static bool copies_now(struct flow *f)
{
	struct flow_trial *t = &f->trial;
	uint64_t moved = f->moved_out - t->from_bytes, now;

	if (t->turns == TRIAL_TURNS || moved < TRIAL_BYTES)
		return t->copies;
	now = clock_us();
	if (t->turns >= TRIAL_WARM)
		t->us[t->copies] += num_scale(now - t->from_us, TRIAL_BYTES, moved);
	t->from_us = now;
	t->from_bytes = f->moved_out;
	t->copies = ++t->turns % 2;
	if (t->turns == TRIAL_TURNS)
		t->copies = t->us[true] + t->us[true] / 16 < t->us[false];
	return t->copies;
}

unsigned flow_pipe_step(struct loop *l, struct flow *f, struct pipes *pipes)
{
	unsigned r = 0;
	int round;

	for (round = 0; round < FLOW_ROUNDS && !r; round++) {
		if (f->pipe && flow_must_wait(l, f))
			return FLOW_WANT_TIME;
		if (f->pipe) {
			r = pour(l, f, pipes);
			continue;
		}
		if (f->ended || !takes_pipe(f) || flow_must_wait(l, f) || copies_now(f))
			return flow_step(l, f);
		f->pipe = pipes_lend(pipes);
		if (!f->pipe)
			return flow_step(l, f);
		r = fill(l, f, pipes);
	}
	if (r)
		return r;
	return f->ended && !f->pending_len ? FLOW_DONE : FLOW_WANT_READ;
}
