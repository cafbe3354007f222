#include "net/scan/scan_held.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"

enum { READS = 16, READ_MOST = 1 << 20 };

struct held {
	struct watch w;
	struct scan_held *h;
	struct held *next, *prev;
	uint64_t opened_us, connect_us;
	uint16_t port;
};

static void end_one(struct held *one, uint64_t life_us, int err)
{
	struct scan_held *h = one->h;
	struct held_end e = { .fd = one->w.fd,
			      .port = one->port,
			      .connect_us = one->connect_us,
			      .life_us = life_us,
			      .err = err };

	watch_remove(h->l, &one->w);
	*(one->prev ? &one->prev->next : &h->first) = one->next;
	*(one->next ? &one->next->prev : &h->last) = one->prev;
	free(one);
	h->over(h, &e);
}

/* Throws away what came; true if that was the end. */
static bool read_to_end(struct held *one)
{
	unsigned reads;

	for (reads = 0; reads < READS; reads++) {
		/* cppcheck-suppress nullPointer ; MSG_TRUNC only counts */
		ssize_t n = recv(one->w.fd, NULL, READ_MOST, MSG_TRUNC | MSG_DONTWAIT);

		if (n > 0)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		end_one(one, MAX(clock_us() - one->opened_us, (uint64_t)1),
			n < 0 ? errno : 0);
		return true;
	}
	return false;
}

static void held_ready(struct loop *l, struct watch *w, uint32_t events)
{
	(void)l;
	(void)events;
	read_to_end(LOOP_OWNER(w, struct held, w));
}

static void held_due(struct loop *l, struct timer *t)
{
	struct scan_held *h = LOOP_OWNER(t, struct scan_held, t);
	uint64_t now = clock_us();

	while (h->first && h->first->opened_us + h->stable_us <= now)
		/* Its end may have come in time, and wait for its turn. */
		if (!read_to_end(h->first))
			end_one(h->first, 0, 0);
	if (h->first)
		timer_set(l, t, h->first->opened_us + h->stable_us);
}

int scan_held_add(struct scan_held *h, int fd, uint16_t port, uint64_t connect_us)
{
	struct held *one = xmalloc(sizeof(*one));
	int r;

	*one = (struct held){ .w = { .fd = fd, .fn = held_ready },
			      .h = h,
			      .prev = h->last,
			      .opened_us = clock_us(),
			      .connect_us = connect_us,
			      .port = port };
	r = watch_set(h->l, &one->w, EPOLLIN);
	if (r < 0) {
		free(one);
		return r;
	}
	*(h->last ? &h->last->next : &h->first) = one;
	h->last = one;
	h->t.fn = held_due;
	if (!timer_armed(&h->t))
		timer_set(h->l, &h->t, one->opened_us + h->stable_us);
	return 0;
}

void scan_held_stop(struct scan_held *h)
{
	struct held *one;

	timer_stop(h->l, &h->t);
	while (h->first) {
		one = h->first;
		h->first = one->next;
		watch_close(h->l, &one->w);
		free(one);
	}
	h->last = NULL;
}
