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

int main(void)
{
	RUN(test_in_vain,
	    "a wait in vain makes the loop calm, for twice as long each time");
	RUN(test_at_once, "what comes at once keeps it awake");
	RUN(test_calm, "a calm loop sleeps");
	return unit_done();
}
