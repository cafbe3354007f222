#include "base/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/signalfd.h>

#include "base/mem.h"

uint64_t loop_now(struct loop *l)
{
	if (!l->now_us)
		l->now_us = clock_us();
	return l->now_us;
}

int loop_init(struct loop *l)
{
	*l = (struct loop){ .epfd = -1, .signals.fd = -1 };
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epfd < 0)
		return -errno;
	l->batch = xmalloc(LOOP_BATCH * sizeof(*l->batch));
	l->scratch = xmalloc(LOOP_SCRATCH);
	return 0;
}

void loop_free(struct loop *l)
{
	close_fd(l->signals.fd);
	close_fd(l->epfd);
	free(l->heap);
	free(l->batch);
	free(l->scratch);
	*l = (struct loop){ .epfd = -1, .signals.fd = -1 };
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}

/* --- watches --- */

/* Its owner may be freed now: forget what epoll already said about it. */
static void forget_batch(struct loop *l, struct watch *w)
{
	int i;

	for (i = l->i_batch; i < l->n_batch; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
	w->added = false;
	w->events = 0;
}

/*
 * close() alone does not take a descriptor out of epoll: what is watched is the open file
 * description, and a process that is between fork() and execve() holds it, too (epoll(7),
 * question 6). Its events would come with the pointer of a watch that is gone.
 */
void watch_remove(struct loop *l, struct watch *w)
{
	if (!w->added)
		return;
	epoll_ctl(l->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	forget_batch(l, w);
}

int watch_set(struct loop *l, struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events ? events : EPOLLET, .data.ptr = w };

	if (w->added && w->events == events)
		return 0;
	/* epoll_ctl(2): what is exclusive cannot be modified. */
	if (w->added && ((w->events | events) & EPOLLEXCLUSIVE))
		watch_remove(l, w);
	/* It may be there without our knowledge, where taking it out failed before. */
	if (epoll_ctl(l->epfd, w->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, w->fd, &ev) !=
		    0 &&
	    (errno != EEXIST || epoll_ctl(l->epfd, EPOLL_CTL_MOD, w->fd, &ev) != 0))
		return -errno;
	w->added = true;
	w->events = events;
	return 0;
}

void watch_close(struct loop *l, struct watch *w)
{
	watch_remove(l, w);
	close_fd(take_fd(&w->fd));
}

/* --- timers: a binary heap, the earliest first --- */

static void place(struct loop *l, size_t slot, struct timer *t)
{
	l->heap[slot - 1] = t;
	t->slot = slot;
}

static void sift_up(struct loop *l, struct timer *t)
{
	size_t slot = t->slot;

	while (slot > 1 && l->heap[slot / 2 - 1]->at_us > t->at_us) {
		place(l, slot, l->heap[slot / 2 - 1]);
		slot /= 2;
	}
	place(l, slot, t);
}

static void sift_down(struct loop *l, struct timer *t)
{
	size_t slot = t->slot, child;

	for (; (child = slot * 2) <= l->n_timers; slot = child) {
		if (child < l->n_timers &&
		    l->heap[child]->at_us < l->heap[child - 1]->at_us)
			child++;
		if (l->heap[child - 1]->at_us >= t->at_us)
			break;
		place(l, slot, l->heap[child - 1]);
	}
	place(l, slot, t);
}

void timer_set(struct loop *l, struct timer *t, uint64_t at_us)
{
	t->at_us = at_us;
	if (!t->slot) {
		l->heap = array_grow(l->heap, l->n_timers, &l->cap_timers,
				     sizeof(struct timer *));
		place(l, ++l->n_timers, t);
	}
	sift_up(l, t);
	sift_down(l, t);
}

void timer_stop(struct loop *l, struct timer *t)
{
	struct timer *last;
	size_t slot = t->slot;

	if (!slot)
		return;
	t->slot = 0;
	last = l->heap[--l->n_timers];
	if (last == t)
		return;
	place(l, slot, last);
	sift_up(l, last);
	sift_down(l, last);
}

static void run_timers(struct loop *l)
{
	size_t left = l->n_timers;
	uint64_t now;

	if (!left)
		return;
	now = loop_now(l);
	/* A timer that arms itself for now again must not keep epoll from its turn. */
	while (left-- && l->n_timers && l->heap[0]->at_us <= now && !l->stopped) {
		struct timer *t = l->heap[0];

		timer_stop(l, t);
		t->fn(l, t);
	}
}

/* epoll_wait() counts milliseconds: round up, so that a timer is never early and waits
 * never spin. */
static int wait_ms(struct loop *l)
{
	uint64_t now, left;

	if (!l->n_timers)
		return -1;
	now = loop_now(l);
	if (l->heap[0]->at_us <= now)
		return 0;
	left = (l->heap[0]->at_us - now + 999) / 1000;
	return left > 3600 * 1000 ? 3600 * 1000 : (int)left;
}

enum {
	/* To be woken costs 20 to 30 us where the CPU has gone to sleep; the peer's
	 * answer is awaited for as long as both may take. */
	EAGER_US = 50,
	CALM_LEAST_US = 1000,
	CALM_MOST_US = 1000 * 1000,
};

static int wait_events(struct loop *l, int ms)
{
	return epoll_wait(l->epfd, l->batch, LOOP_BATCH, ms);
}

/*
 * Stays awake for a moment before it sleeps: whoever is answered at once answers at once.
 * Each time that was in vain it leaves that for twice as long, so that it costs nothing
 * where peers are slow, or want the CPU that we have.
 */
static int wait_eagerly(struct loop *l, int ms)
{
	uint64_t now = clock_us(), until = now + EAGER_US;

	if (!ms || now < l->calm_until_us)
		return wait_events(l, ms);
	for (; now < until; now = clock_us()) {
		int n = wait_events(l, 0);

		if (n) {
			l->calm_us = 0;
			return n;
		}
	}
	l->calm_us = MIN(MAX(l->calm_us * 2, (uint64_t)CALM_LEAST_US),
			 (uint64_t)CALM_MOST_US);
	l->calm_until_us = now + l->calm_us;
	l->now_us = now;
	return wait_events(l, wait_ms(l));
}

int loop_run(struct loop *l)
{
	while (!l->stopped) {
		int ms = wait_ms(l);
		int n = l->eager ? wait_eagerly(l, ms) : wait_events(l, ms);

		if (n < 0 && errno != EINTR)
			return -errno;
		l->now_us = 0;
		l->n_batch = n < 0 ? 0 : n;
		for (l->i_batch = 0; l->i_batch < l->n_batch && !l->stopped;) {
			struct epoll_event *ev = &l->batch[l->i_batch++];
			struct watch *w = ev->data.ptr;

			if (w)
				w->fn(l, w, ev->events);
		}
		l->n_batch = 0;
		run_timers(l);
	}
	return 0;
}

/* --- signals --- */

static void signal_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	while (!l->stopped && read(w->fd, &info, sizeof(info)) == sizeof(info))
		l->on_signal(l, (int)info.ssi_signo);
}

int loop_signals(struct loop *l, const sigset_t *set, sigset_t *old,
		 void (*fn)(struct loop *l, int signo))
{
	int r;

	if (sigprocmask(SIG_BLOCK, set, old) != 0)
		return -errno;
	l->on_signal = fn;
	l->signals = (struct watch){ .fn = signal_ready };
	l->signals.fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	r = l->signals.fd < 0 ? -errno : watch_set(l, &l->signals, EPOLLIN);
	/* What nobody will read must not wait. */
	if (r < 0)
		sigprocmask(SIG_SETMASK, old, NULL);
	return r;
}
