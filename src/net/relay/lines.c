#include "net/relay/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/chain.h"
#include "base/mem.h"
#include "net/relay/conn_state.h"

struct line {
	struct line *next, **at; /* those who wait; at = NULL: it does not */
	struct line *next_holder, **at_holder;
	struct lines *all;
	struct conn *c;
	void (*wake)(struct conn *c);
	struct timer late;
	struct buf tail; /* of an unfinished line, from tail_at on */
	size_t tail_at;
	uint64_t since_us; /* something is kept from the output; 0 = nothing is */
	unsigned end;	   /* how the flow ended while there was a tail */
	bool open;	   /* what it wrote last was no end of a line */
	bool hurry;
};

/* --- who waits, who holds --- */

static void wait_turn(struct line *x)
{
	struct lines *all = x->all;

	if (x->at)
		return;
	x->next = NULL;
	x->at = all->end;
	*all->end = x;
	all->end = &x->next;
	all->waiting++;
}

static void unwait(struct line *x)
{
	if (!x->at)
		return;
	if (x->all->end == &x->next)
		x->all->end = x->at;
	CHAIN_TAKE(x);
	x->at = NULL;
	x->all->waiting--;
}

static void hold(struct line *x)
{
	if (x->at_holder)
		return;
	x->next_holder = x->all->holders;
	x->at_holder = &x->all->holders;
	if (x->next_holder)
		x->next_holder->at_holder = &x->next_holder;
	x->all->holders = x;
}

static void unhold(struct line *x)
{
	if (!x->at_holder)
		return;
	*x->at_holder = x->next_holder;
	if (x->next_holder)
		x->next_holder->at_holder = x->at_holder;
	x->at_holder = NULL;
}

static size_t tail_len(const struct line *x)
{
	return x->tail.len - x->tail_at;
}

/* --- who has the output --- */

static void take_output(struct lines *all, struct line *x)
{
	if (all->owner == x)
		return;
	if (all->owner)
		all->owner->open = false;
	all->owner = x;
	all->held_since_us = 0;
}

/* Where the output is what blocks, nobody is faster. */
static bool is_overdue(const struct lines *all)
{
	const struct line *x = all->owner;

	return all->held_since_us && !x->c->rx.pending_len && !x->tail_at &&
	       loop_now(all->l) >= all->held_since_us + LINES_HOLD_US;
}

static bool is_blocked(struct line *x)
{
	struct lines *all = x->all;

	if (all->owner && all->owner != x && (x->hurry || is_overdue(all)))
		take_output(all, NULL);
	return all->owner && all->owner != x;
}

/* Whoever waits is woken by the loop: a turn within a turn would have no end. */
static void arrange(struct lines *all)
{
	uint64_t now;

	if (!all->first) {
		/* Of those who hold something each has a clock of its own. */
		if (all->holders && !all->owner)
			timer_set(all->l, &all->turn, loop_now(all->l));
		else
			timer_stop(all->l, &all->turn);
		return;
	}
	now = loop_now(all->l);
	if (all->owner && !all->held_since_us)
		all->held_since_us = now;
	timer_set(all->l, &all->turn,
		  all->owner ? MAX(now, all->held_since_us + LINES_HOLD_US) : now);
}

static void wake_holders(struct lines *all)
{
	struct line *x;

	while (!all->owner && !all->first && (x = all->holders)) {
		unhold(x);
		x->wake(x->c);
	}
}

static void take_turns(struct loop *l, struct timer *t)
{
	struct lines *all = LOOP_OWNER(t, struct lines, turn);
	size_t n = all->waiting;
	struct line *x;

	if (all->owner && is_overdue(all))
		take_output(all, NULL);
	else if (all->owner && loop_now(l) >= all->held_since_us + LINES_HOLD_US)
		all->held_since_us = 0;
	while (n-- && !all->owner && !l->stopped && (x = all->first)) {
		unwait(x);
		x->wake(x->c);
	}
	if (!l->stopped)
		wake_holders(all);
	arrange(all);
}

static void tail_is_late(struct loop *l, struct timer *t)
{
	struct line *x = LOOP_OWNER(t, struct line, late);

	(void)l;
	x->wake(x->c);
}

/* --- writing --- */

static ssize_t write_out(struct line *x, const char *data, size_t len)
{
	ssize_t n = stream_write(x->c->rx.stream, data, len);

	if (n > 0)
		x->open = data[n - 1] != '\n';
	return n;
}

/* 0 when all of it is written, or -errno. */
static int write_tail(struct line *x)
{
	ssize_t n;

	while (tail_len(x)) {
		n = write_out(x, x->tail.data + x->tail_at, tail_len(x));
		if (n <= 0)
			return n ? (int)n : -EAGAIN;
		x->tail_at += (size_t)n;
	}
	buf_free(&x->tail);
	x->tail_at = 0;
	return 0;
}

/* Nobody waits for it, or it has been kept back for long enough. */
static bool goes_at_once(const struct line *x)
{
	return !x->all->first || x->hurry ||
	       (x->since_us && loop_now(x->all->l) >= x->since_us + LINES_HOLD_US);
}

/* How many of these bytes go now. */
static size_t passing(const struct line *x, const char *data, size_t len)
{
	const char *end = goes_at_once(x) ? NULL : memrchr(data, '\n', len);
	size_t whole = end ? (size_t)(end - data) + 1 : 0;
	size_t held = end ? 0 : tail_len(x);

	if (goes_at_once(x) || (!end && x->open) || held + len - whole > LINES_MOST)
		return len;
	return whole;
}

static ssize_t put_lines(struct flow *f, const char *data, size_t len)
{
	struct line *x = ((struct conn *)f->owner)->line;
	size_t pass = passing(x, data, len);
	ssize_t n;

	if (pass) {
		n = write_tail(x);
		if (n == 0)
			n = write_out(x, data, pass);
		if (n < 0 || (size_t)n < pass)
			return n;
	}
	if (pass < len)
		buf_put(&x->tail, data + pass, len - pass);
	return (ssize_t)len;
}

/* --- a turn --- */

static bool has_something(const struct line *x)
{
	struct pollfd p = { .fd = x->c->w.fd, .events = POLLIN };

	return x->c->rx.pending_len || tail_len(x) || poll(&p, 1, 0) > 0;
}

/* splice() shows no bytes: whether a line is open is not known then, only when it was. */
static bool is_spliced(struct line *x)
{
	const struct stream *out = x->c->rx.stream;

	return x->all->n == 1 && out->kind == STREAM_PIPE && !out->shared && !tail_len(x);
}

static unsigned end_lines(struct line *x, unsigned end)
{
	struct flow *f = &x->c->rx;
	int r = write_tail(x);

	x->end = end;
	if (r == -EAGAIN || r == -EINTR)
		return FLOW_WANT_WRITE;
	if (r < 0) {
		f->err = -r;
		f->failed_sink = true;
		return FLOW_FAILED;
	}
	x->open = false;
	return end;
}

static unsigned step(struct line *x)
{
	struct flow *f = &x->c->rx;
	uint64_t before = f->moved_in;
	bool spliced = is_spliced(x);
	unsigned r;

	if (x->end)
		return end_lines(x, x->end);
	if (tail_len(x) && goes_at_once(x)) {
		int err = write_tail(x);

		if (err == -EAGAIN || err == -EINTR)
			return FLOW_WANT_WRITE;
		if (err < 0)
			return end_lines(x, FLOW_FAILED);
	}
	f->to = spliced ? FLOW_STREAM : FLOW_PUT;
	r = flow_step(x->all->l, f);
	if (spliced && f->moved_in != before) {
		x->open = true;
		x->all->held_since_us = 0;
	}
	return r & (FLOW_DONE | FLOW_FAILED) ? end_lines(x, r) : r;
}

/* What is left of the turn. What the output takes later is woken by the output. */
static void settle(struct line *x, unsigned want)
{
	struct lines *all = x->all;
	bool holds = tail_len(x) && !x->at && !(want & FLOW_WANT_WRITE);

	if (x->open)
		take_output(all, x);
	else if (all->owner == x)
		take_output(all, NULL);
	if (all->owner == x && x->c->rx.to == FLOW_STREAM)
		all->held_since_us = loop_now(all->l);
	if (holds)
		hold(x);
	else
		unhold(x);
	if (!tail_len(x) && !x->at)
		x->since_us = 0;
	else if (!x->since_us)
		x->since_us = loop_now(all->l);
	if (holds)
		timer_set(all->l, &x->late, x->since_us + LINES_HOLD_US);
	else
		timer_stop(all->l, &x->late);
	arrange(all);
}

unsigned lines_step(struct conn *c)
{
	struct line *x = c->line;
	unsigned r = 0;

	if (!is_blocked(x)) {
		unwait(x);
		r = step(x);
	} else if (has_something(x)) {
		wait_turn(x);
	} else {
		r = FLOW_WANT_READ;
	}
	settle(x, r);
	return r;
}

bool lines_waits(const struct conn *c)
{
	return c->line && (c->line->at || c->line->end);
}

void lines_hurry(struct conn *c)
{
	if (c->line)
		c->line->hurry = true;
}

void lines_init(struct lines *all, struct loop *l)
{
	*all = (struct lines){ .l = l, .turn.fn = take_turns };
	all->end = &all->first;
}

void lines_join(struct lines *all, struct conn *c, void (*wake)(struct conn *c))
{
	struct line *x = xcalloc(1, sizeof(*x));

	*x = (struct line){ .all = all, .c = c, .wake = wake, .late.fn = tail_is_late };
	c->line = x;
	c->rx.to = FLOW_PUT;
	c->rx.put = put_lines;
	all->n++;
}

void lines_leave(struct conn *c)
{
	struct line *x = c->line;

	if (!x)
		return;
	write_tail(x);
	x->open = false;
	unwait(x);
	unhold(x);
	timer_stop(x->all->l, &x->late);
	if (x->all->owner == x)
		take_output(x->all, NULL);
	x->all->n--;
	arrange(x->all);
	buf_free(&x->tail);
	free(x);
	c->line = NULL;
}
