#include "net/probe/attempt_private.h"

#include <stdlib.h>

#include "net/probe/http_answer.h"
#include "net/probe/pattern.h"
#include "net/socket/stall_take.h"

enum { HELD_LEAST_US = 1000 * 1000 };

void attempt_stop(struct attempt *a)
{
	if (!a->l)
		return;
	dial_stop(&a->dial);
	if (a->again.l)
		dial_stop(&a->again);
	timer_stop(a->l, &a->t);
	if (a->w.fd >= 0) {
		watch_remove(a->l, &a->w);
		close_fd(take_fd(&a->w.fd));
	}
	buf_free(&a->in);
	endpoint_list_free(&a->list);
	tried_free(&a->tried);
	free(take_ptr(&a->before));
	a->l = NULL;
}

void attempt_expire(struct attempt *a)
{
	if (a->l && a->stage == ATTEMPT_DIALLING)
		dial_expire(&a->dial);
	/* It may have connected just now. */
	if (a->l && a->stage == ATTEMPT_TALKING) {
		a->sends = ATTEMPT_SENDS;
		a->deadline_us = MIN(a->deadline_us, clock_us());
		a->t.fn(a->l, &a->t);
	}
}

/* A connection that stands may only be in the queue. Of one that was made and is closed
 * at once that says nothing. */
static void ask_accepted(struct attempt *a)
{
	struct probe_result *r = a->r;

	if (!a->how->accepted || !a->opened_us ||
	    (r->outcome != OUTCOME_OPEN && r->outcome != OUTCOME_SILENT))
		return;
	r->held_us = clock_us() - a->opened_us;
	if (r->outcome == OUTCOME_SILENT || r->held_us >= HELD_LEAST_US)
		r->accepted = a->how->accepted(r, a->w.fd);
}

void attempt_finish(struct attempt *a)
{
	struct probe_result *r = a->r;

	timer_stop(a->l, &a->t);
	a->stage = ATTEMPT_OVER;
	r->n_answer = MIN(a->in.len, sizeof(r->answer));
	if (r->n_answer)
		memcpy(r->answer, a->in.data, r->n_answer);
	if (a->w.fd >= 0) {
		watch_remove(a->l, &a->w);
		if (!a->how->hold || r->outcome != OUTCOME_OPEN) {
			ask_accepted(a);
			if (!a->how->graceful && a->r->has_tcp)
				endpoint_reset_on_close(a->w.fd);
			close_fd(take_fd(&a->w.fd));
		}
	}
	a->done(a);
}

void attempt_watch(struct attempt *a, uint32_t events)
{
	int r = watch_set(a->l, &a->w, events);
	struct fault f = FAULT_INIT;

	if (r == 0)
		return;
	fault(&f, -r, "wait for events of the connection");
	probe_judge_fault(a->r, &f);
	attempt_finish(a);
}

/* Searching may take a while: what a stream sends meanwhile is searched later, all at
 * once, so that a peer that sends byte by byte costs a tenth of our time at most. */
static bool matches_pattern(struct attempt *a, const struct buf *text)
{
	uint64_t began = clock_us(), now;
	enum pattern_found found;

	a->r->missed = pattern_missed(PATTERN_NO);
	if (a->r->peer.type != SOCK_DGRAM && began < a->search_at_us) {
		timer_set(a->l, &a->t, MIN(a->search_at_us, a->deadline_us));
		return false;
	}
	found = pattern_search(a->how->expect_regex, text);
	now = clock_us();
	a->search_at_us = now + (now - began) * 10;
	a->r->missed = pattern_missed(found);
	if (found == PATTERN_NO && a->in.len >= ATTEMPT_IN_MAX)
		a->r->missed = "what matches the expected pattern (the first 64 KiB were "
			       "searched)";
	return found == PATTERN_YES;
}

static bool has_status(struct attempt *a, const struct http_answer *h)
{
	const char *other = http_answer_other(&a->in);

	a->r->missed = other	    ? other
		       : h->interim ? "a final HTTP status line"
				    : "an HTTP status line";
	if (h->status > 0)
		a->r->http_status = h->status;
	return h->status > 0;
}

static bool has_text(struct attempt *a, const struct buf *text)
{
	const struct buf *expect = a->how->expect;

	a->r->missed = a->in.len < ATTEMPT_IN_MAX
			       ? "the expected text"
			       : "the expected text (the first 64 KiB were searched)";
	return text->len >= expect->len &&
	       memmem(text->data, text->len, expect->data, expect->len);
}

/* Of chunks what they carry: a text may begin in one and end in the next. */
static bool has_expected(struct attempt *a, const struct http_answer *h)
{
	_cleanup_buf_ struct buf plain = { 0 };
	const struct buf *text = &a->in;

	if (h->chunked) {
		http_answer_put_plain(&a->in, h, &plain);
		text = &plain;
	}
	return (!a->how->expect || has_text(a, text)) &&
	       (!a->how->expect_regex || matches_pattern(a, text));
}

bool attempt_answered(struct attempt *a)
{
	const struct attempt_how *how = a->how;
	const struct buf *in = &a->in;
	struct http_answer h = { 0 };

	a->r->missed = "an answer";
	if (!in->len && !a->empty)
		return false;
	if (how->http) {
		http_answer_read(in, &h);
		if (!has_status(a, &h))
			return false;
	}
	if ((how->expect || how->expect_regex) && !has_expected(a, &h))
		return false;
	if (how->banner && a->r->peer.type == SOCK_STREAM) {
		a->r->missed = "a whole line";
		if (!in->len || !memchr(in->data, '\n', in->len))
			return false;
	}
	a->r->missed = NULL;
	return true;
}

bool attempt_is_decided(const struct attempt *a)
{
	const struct attempt_how *how = a->how;
	struct http_answer h;

	/* What comes now is not kept. */
	if (a->in.len >= ATTEMPT_IN_MAX &&
	    (how->expect || how->expect_regex || how->http))
		return true;
	if (!how->http)
		return false;
	http_answer_read(&a->in, &h);
	return h.whole || http_answer_other(&a->in);
}

/* Whether the server does not answer, or segments do not arrive. */
static void look_at_stall(struct attempt *a)
{
	struct stall_look now;

	if (!a->look.known)
		return;
	stall_take(a->w.fd, &now);
	stall_between(&a->look, &now, &a->r->stall);
}

void attempt_silent(struct attempt *a)
{
	look_at_stall(a);
	a->r->outcome = a->in.len || a->empty ? OUTCOME_UNEXPECTED : OUTCOME_SILENT;
	attempt_finish(a);
}
