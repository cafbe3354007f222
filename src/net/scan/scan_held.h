/* The open connections of a scan that must stay open for a while (--stable). */
#pragma once

#include "base/loop.h"

struct held;

/* What became of one. */
struct held_end {
	int fd; /* the callee's to close */
	uint16_t port;
	uint64_t connect_us;
	uint64_t life_us; /* ended by the peer after so long; 0 = it is open still */
	int err;	  /* of the end: 0 = closed, else positive errno */
};

struct scan_held {
	struct loop *l;
	uint64_t stable_us;
	struct held *first, *last; /* oldest first: each has the same time */
	struct timer t;
	void (*over)(struct scan_held *h, const struct held_end *e);
};

/* 0, or -errno: the descriptor stays the caller's. */
int scan_held_add(struct scan_held *h, int fd, uint16_t port, uint64_t connect_us);
/* Closes all of them without a word. */
void scan_held_stop(struct scan_held *h);
