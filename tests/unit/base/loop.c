/* A loop that stays awake for a moment: what comes is told, what is due is done, and it
 * sleeps where nothing comes. */
#include "base/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "unit/unit.h"

enum { MS = 1000 };

struct waiting {
	struct loop l;
	struct watch w;
	struct timer t;
	int events, timers, wanted;
};

static void came(struct loop *l, struct watch *w, uint32_t events)
{
	struct waiting *x = LOOP_OWNER(w, struct waiting, w);
	uint64_t n;

	CHECK(events & EPOLLIN);
	CHECK_INT(read(w->fd, &n, sizeof(n)), sizeof(n));
	x->events++;
	loop_stop(l);
}

static void due(struct loop *l, struct timer *t)
{
	struct waiting *x = LOOP_OWNER(t, struct waiting, t);

	CHECK(clock_us() >= t->at_us);
	if (++x->timers == x->wanted)
		loop_stop(l);
	else
		timer_set(l, t, loop_now(l) + 5 * MS);
}

static void begin(struct waiting *x, int wanted)
{
	*x = (struct waiting){ .wanted = wanted };
	CHECK_INT(loop_init(&x->l), 0);
	x->l.eager = true;
	x->t.fn = due;
	x->w = (struct watch){ .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .fn = came };
	CHECK_INT(watch_set(&x->l, &x->w, EPOLLIN), 0);
}

static void finish(struct waiting *x)
{
	watch_close(&x->l, &x->w);
	loop_free(&x->l);
}

static void test_in_vain(void)
{
	struct waiting x;
	uint64_t calm;

	begin(&x, 1);
	timer_set(&x.l, &x.t, clock_us() + 5 * MS);
	CHECK_INT(loop_run(&x.l), 0);
	CHECK_INT(x.timers, 1);
	calm = x.l.calm_us;
	CHECK(calm >= MS);
	/* 1 + 2 + 4 ... ms: five waits of 5 ms are enough for one more. */
	x.l.stopped = false;
	x.wanted = 6;
	timer_set(&x.l, &x.t, clock_us() + 5 * MS);
	CHECK_INT(loop_run(&x.l), 0);
	CHECK_INT(x.timers, 6);
	CHECK(x.l.calm_us >= calm * 2 && x.l.calm_us <= 1000 * MS);
	finish(&x);
}

static void test_at_once(void)
{
	uint64_t one = 1;
	struct waiting x;

	begin(&x, 1);
	x.l.calm_us = 64 * MS;
	CHECK_INT(write(x.w.fd, &one, sizeof(one)), sizeof(one));
	timer_set(&x.l, &x.t, clock_us() + 60000 * MS);
	CHECK_INT(loop_run(&x.l), 0);
	CHECK_INT(x.events, 1);
	CHECK_INT(x.timers, 0);
	CHECK_INT(x.l.calm_us, 0);
	finish(&x);
}

static void test_calm(void)
{
	struct waiting x;

	begin(&x, 1);
	x.l.calm_us = 7;
	x.l.calm_until_us = UINT64_MAX;
	timer_set(&x.l, &x.t, clock_us() + 2 * MS);
	CHECK_INT(loop_run(&x.l), 0);
	CHECK_INT(x.timers, 1);
	CHECK_INT(x.l.calm_us, 7);
	finish(&x);
}

/* What a child between fork() and execve() does: the descriptor is closed here, open
 * there. */
static void test_closed_elsewhere_open(void)
{
	uint64_t one = 1;
	struct waiting x;
	int elsewhere;

	begin(&x, 1);
	elsewhere = dup(x.w.fd);
	watch_close(&x.l, &x.w);
	CHECK_INT(x.w.fd, -1);
	CHECK_INT(write(elsewhere, &one, sizeof(one)), sizeof(one));
	timer_set(&x.l, &x.t, clock_us() + 5 * MS);
	CHECK_INT(loop_run(&x.l), 0);
	CHECK_INT(x.events, 0);
	CHECK_INT(x.timers, 1);
	close(elsewhere);
	finish(&x);
}

/* The other one's event is in the batch already. */
struct pair {
	struct loop l;
	struct watch w[2];
	int events;
	bool exclusive;
};

static void first_of_two(struct loop *l, struct watch *w, uint32_t events)
{
	struct pair *x = l->owner;
	struct watch *other = w == &x->w[0] ? &x->w[1] : &x->w[0];

	(void)events;
	x->events++;
	if (x->exclusive) {
		/* Now it cannot be watched any more, and nobody will remove it. */
		other->fd = -1;
		CHECK(watch_set(l, other, EPOLLIN) < 0);
		CHECK(!other->added);
	} else {
		watch_close(l, other);
	}
	watch_remove(l, w);
}

static void due_at_once(struct loop *l, struct timer *t)
{
	(void)t;
	loop_stop(l);
}

static void test_event_in_batch(void)
{
	struct timer t = { .fn = due_at_once };
	struct pair x;
	uint64_t one = 1;
	int round, i, fds[2];

	for (round = 0; round < 2; round++) {
		x = (struct pair){ .exclusive = round == 1 };
		CHECK_INT(loop_init(&x.l), 0);
		x.l.owner = &x;
		for (i = 0; i < 2; i++) {
			fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
			x.w[i] = (struct watch){ .fd = fds[i], .fn = first_of_two };
			CHECK_INT(watch_set(&x.l, &x.w[i],
					    EPOLLIN | (round ? EPOLLEXCLUSIVE : 0)),
				  0);
			CHECK_INT(write(fds[i], &one, sizeof(one)), sizeof(one));
		}
		timer_set(&x.l, &t, clock_us());
		CHECK_INT(loop_run(&x.l), 0);
		CHECK_INT(x.events, 1);
		for (i = 0; i < 2; i++)
			if (x.w[i].fd >= 0)
				close(fds[i]);
		loop_free(&x.l);
	}
}

int main(void)
{
	RUN(test_in_vain,
	    "a wait in vain makes the loop calm, for twice as long each time");
	RUN(test_at_once, "what comes at once keeps it awake");
	RUN(test_calm, "a calm loop sleeps");
	RUN(test_closed_elsewhere_open,
	    "what was closed here and is open in a child is watched no more");
	RUN(test_event_in_batch,
	    "an event of the same turn for what another event closed is dropped");
	return unit_done();
}
