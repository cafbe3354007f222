/* Who waits for a stream: each is woken once, and may do to it what it likes. */
#include "net/relay/stream.h"

#include <unistd.h>

#include "base/mem.h"
#include "unit/unit.h"

struct party {
	struct stream_waiter waiter;
	struct stream *stream;
	struct party *other;
	int woken, again;
};

static struct loop loop;

static struct stream *a_file(void)
{
	char path[] = "/tmp/sockctl-stream.XXXXXX";
	struct stream *s = xcalloc(1, sizeof(*s));
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	unlink(path);
	stream_init_file(s, fd);
	return s;
}

static void close_it(struct loop *l, struct stream_waiter *w)
{
	struct party *p = LOOP_OWNER(w, struct party, waiter);

	p->woken++;
	stream_close(l, p->stream);
	free(p->stream);
	loop_stop(l);
}

static void wait_again(struct loop *l, struct stream_waiter *w)
{
	struct party *p = LOOP_OWNER(w, struct party, waiter);

	p->woken++;
	if (p->again-- > 0)
		stream_wait(l, p->stream, w);
	else
		loop_stop(l);
}

static void end_other(struct loop *l, struct stream_waiter *w)
{
	struct party *p = LOOP_OWNER(w, struct party, waiter);

	p->woken++;
	stream_unwait(&p->other->waiter);
	loop_stop(l);
}

static void run(void)
{
	loop.stopped = false;
	CHECK_INT(loop_run(&loop), 0);
}

static void test_closed(void)
{
	struct party p = { .waiter.wake = close_it, .stream = a_file() };

	stream_wait(&loop, p.stream, &p.waiter);
	run();
	CHECK_INT(p.woken, 1);
	CHECK_INT(loop.n_timers, 0);
}

static void test_again(void)
{
	struct party p = { .waiter.wake = wait_again, .stream = a_file(), .again = 2 };

	stream_wait(&loop, p.stream, &p.waiter);
	run();
	CHECK_INT(p.woken, 3);
	CHECK(!p.stream->first);
	CHECK_INT(stream_close(&loop, p.stream), 0);
	free(p.stream);
}

static void test_other(void)
{
	struct party a = { .waiter.wake = end_other, .stream = a_file() };
	struct party b = { .waiter.wake = end_other, .stream = a.stream, .other = &a };

	a.other = &b;
	stream_wait(&loop, a.stream, &a.waiter);
	stream_wait(&loop, a.stream, &b.waiter);
	run();
	CHECK_INT(a.woken + b.woken, 1);
	CHECK_INT(stream_close(&loop, a.stream), 0);
	free(a.stream);
}

int main(void)
{
	if (loop_init(&loop) < 0)
		return 1;
	RUN(test_closed, "the stream may be closed and freed by whom it wakes");
	RUN(test_again, "who waits again is woken again");
	RUN(test_other, "who was ended by another that was woken is not woken");
	loop_free(&loop);
	return unit_done();
}
