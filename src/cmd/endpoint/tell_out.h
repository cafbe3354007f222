/*
 * Standard error of listen, connect and echo. Nobody may stop the loop by not reading it:
 * what is for people is dropped then and counted, what was asked for as data waits in a
 * bounded queue. What strangers cause is told 20 lines a second, the rest is counted. In
 * the end, and before the beginning, writing may wait for a second.
 */
#pragma once

#include <pthread.h>

#include "base/loop.h"
#include "base/sink.h"
#include "cmd/cmd.h"

enum tell_kind {
	TELL_DATA,     /* asked for: events, calls, reports */
	TELL_TRAFFIC,  /* the same; who tells it asks for room before: none is lost */
	TELL_READY,    /* the line that somebody waits for; never lost while we run */
	TELL_PEOPLE,   /* our own doing */
	TELL_STRANGER, /* a peer's doing: as many as it likes */
};

struct tell_out {
	const struct command *cmd;
	bool json;
	bool all;  /* -v: no limit for what strangers cause */
	bool file; /* not standard error */
	struct sink sink;
	bool open;
	pthread_mutex_t lock; /* of the threads of echo */
	pthread_t owner;      /* whose loop it is */
	struct loop *loop;    /* NULL: it does not run */
	struct watch w;	      /* of the descriptor, while something waits for it */
	struct watch wake;    /* other threads: there is something to arrange */
	struct timer tick;
	uint64_t lost, lost_told; /* data */
	uint64_t dropped;	  /* for people, since that was told */
	uint64_t until_us; /* of this second: lines that were told, messages that not */
	unsigned lines;
	uint64_t left_out;
	bool data_waits;  /* in the queue, among others */
	bool gave_up;	  /* outside of the loop: the reader does not read */
	uint64_t ends_us; /* until when all waiting at the end is over */
	struct buf last;  /* the message told last, where it was dropped or left out */
	struct tell_out *beside; /* begins, ends and is closed with it; or NULL */
};

void tell_open(struct tell_out *o, const struct command *cmd, bool json, bool all);
/* From here on it does not wait; threaded: others than this thread will write. 0 or
 * -errno. */
int tell_begin(struct tell_out *o, struct loop *l, bool threaded);
/* Before the loop goes: from here on it waits, for a second without a reader at most. */
void tell_end(struct tell_out *o);
/* Whoever waits has read what was written, or has had a second; and: the descriptor is
 * another one now. */
void tell_settle(struct tell_out *o);
void tell_reopen(struct tell_out *o);
/* Counts that are due are told, memory is freed. How many records were lost. */
uint64_t tell_close(struct tell_out *o);

/* A file instead of standard error, where data alone goes; fd is closed with it. */
void tell_open_file(struct tell_out *o, const struct command *cmd, bool json, int fd);

/* Whether more traffic may be told. */
bool tell_has_room(const struct tell_out *o);

void tell_write(struct tell_out *o, enum tell_kind kind, const struct buf *b);
