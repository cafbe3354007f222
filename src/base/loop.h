/*
 * An epoll loop with timers. Watches and timers are embedded in what they belong to; the
 * loop holds pointers only, so an idle connection costs it nothing. Callbacks may add and
 * remove any watch or timer, their own included, and free its owner.
 */
#pragma once

#include <signal.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/util.h"

struct loop;

struct watch {
	int fd;
	uint32_t events; /* what epoll was told; 0 with `added` = only errors, once */
	bool added;
	void (*fn)(struct loop *l, struct watch *w, uint32_t events);
};

struct timer {
	uint64_t at_us;
	size_t slot; /* 1-based place in the heap, 0 = not armed */
	void (*fn)(struct loop *l, struct timer *t);
};

enum { LOOP_BATCH = 256, LOOP_SCRATCH = 256 * 1024 };

struct loop {
	int epfd;
	bool stopped;
	bool eager; /* the owner's choice: polls for 50 us before it sleeps, where that
		       pays */
	uint64_t calm_us, calm_until_us; /* how long and until when it does not */
	struct timer **heap;
	size_t n_timers, cap_timers;
	uint64_t now_us; /* 0 = to be read from the clock */
	struct epoll_event *batch;
	int n_batch, i_batch;
	char *scratch; /* LOOP_SCRATCH bytes that any callback may use until it returns */
	struct watch signals;
	void (*on_signal)(struct loop *l, int signo);
	void *owner; /* the user's */
};

/* The struct that a watch or timer is a member of. */
#define LOOP_OWNER(member_pointer, type, member) \
	((type *)(void *)((char *)(member_pointer)-offsetof(type, member)))

int loop_init(struct loop *l); /* 0 or -errno */
void loop_free(struct loop *l);

/* Runs until loop_stop(), or until nothing is left that could wake it. 0 or -errno. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* CLOCK_MONOTONIC in microseconds, read at most once a turn of the loop. */
uint64_t loop_now(struct loop *l);

/*
 * Wants `events` (EPOLLIN, EPOLLOUT, ...) of w->fd from now on. 0 keeps the descriptor
 * watched for errors only, told once: epoll reports EPOLLERR and EPOLLHUP whatever was
 * asked, and a socket that is held on purpose must not spin. Returns 0 or -errno; -EPERM
 * is a descriptor that never blocks (a regular file). EPOLLEXCLUSIVE is for what several
 * loops watch.
 */
__attribute__((warn_unused_result)) int watch_set(struct loop *l, struct watch *w,
						  uint32_t events);
/* Must be called before the descriptor is closed, even where it is closed everywhere. */
void watch_remove(struct loop *l, struct watch *w);
/* Removes it and closes w->fd, which is -1 then. */
void watch_close(struct loop *l, struct watch *w);

void timer_set(struct loop *l, struct timer *t, uint64_t at_us); /* absolute */
void timer_stop(struct loop *l, struct timer *t);
static inline bool timer_armed(const struct timer *t)
{
	return t->slot != 0;
}

/* Blocks the signals and delivers them to fn inside the loop; the mask before is stored
 * in *old for children and for the end. Returns 0 or -errno. */
int loop_signals(struct loop *l, const sigset_t *set, sigset_t *old,
		 void (*fn)(struct loop *l, int signo));
