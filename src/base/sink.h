/*
 * A descriptor that others have too, written to without ever blocking, and without
 * O_NONBLOCK, which they would see: it is opened anew where that works, else it is asked
 * first and given no more than PIPE_BUF at a time. What does not go waits in a queue.
 */
#pragma once

#include "base/buf.h"

struct sink {
	int fd;
	bool owned;  /* opened anew: ours alone, and non-blocking */
	bool socket; /* MSG_DONTWAIT does it */
	bool file;   /* never blocks */
	bool stream; /* a pipe or a device: has no position */
	bool broken; /* nobody will read it: what is written is dropped */
	int err;     /* errno of the write that broke it */
	struct buf queue;
	size_t at; /* what has gone of it */
};

void sink_init(struct sink *s, int fd);
/* Opens it anew where that works: no other writer can make us block then. */
void sink_own(struct sink *s);
void sink_free(struct sink *s);

/* Bytes that wait. */
size_t sink_waiting(const struct sink *s);

/* Writes behind what waits already. False: all of it would have to wait, and !may_wait;
 * what has begun to go goes whole. */
bool sink_put(struct sink *s, const char *data, size_t len, bool may_wait);

/* Writes what goes now. True: nothing waits. */
bool sink_flush(struct sink *s);

/* Waits until nothing waits: idle_us without a byte that goes are the end of that, or
 * most_us in all. */
bool sink_drain(struct sink *s, uint64_t idle_us, uint64_t most_us);
