/*
 * Threads that share a listener: whoever is awake takes peers faster than the others wake
 * up, and what it took would stay with it. So each has a seat that the others see: how
 * many connections it has, and a pipe through which it is handed some of them.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

struct seat {
	_Atomic(uint64_t) load; /* connections it has, and those on their way to it */
	int in, out;		/* the pipe: descriptors, none of them blocking */
};

struct seats {
	struct seat *v;
	size_t n;
};

/* n of them. 0 or -errno with a fault; seats_close() is due in both cases. */
int seats_open(struct seats *t, size_t n, struct fault *f);
/* When the threads are gone. Closes the connections that nobody took any more. */
void seats_close(struct seats *t);

/* Hands sock to whoever has least, where own has markedly more: at least 8 and an eighth.
 * True: it is another's now. */
bool seats_pass(struct seats *t, const struct seat *own, int sock);
/* The next connection that others accepted for this seat, or -1. */
int seat_take(struct seat *seat);
