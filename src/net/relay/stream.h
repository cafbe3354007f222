/*
 * Standard input and output (or files) as ends of a flow: what kind of thing the
 * descriptor is, made non-blocking without changing it for others, and shared by many
 * connections.
 */
#pragma once

#include "base/fault.h"
#include "base/loop.h"

enum stream_kind {
	STREAM_NONE,   /* nothing is there: reads end at once, writes are dropped */
	STREAM_PIPE,   /* splice() works */
	STREAM_FILE,   /* a regular file or a device that never blocks */
	STREAM_NULL,   /* /dev/null */
	STREAM_SOCKET, /* a socket somebody gave us as stdin or stdout */
	STREAM_OTHER,  /* a terminal and the like */
};

/* One who waits for a stream; embedded in it. */
struct stream_waiter {
	struct stream_waiter *next, **at; /* at = NULL: not waiting */
	void (*wake)(struct loop *l, struct stream_waiter *w);
};

struct stream {
	struct watch w;
	enum stream_kind kind;
	int fd;
	bool owned; /* closed in the end */
	bool terminal;
	bool shared; /* O_NONBLOCK could not be had: small writes after poll() only */
	uint32_t wants;
	struct stream_waiter *first;
	struct timer again; /* wakes where epoll cannot: a file, or epoll_ctl() failed */
};

/* Takes fd (0 or 1, or an open file) as a stream. It is reopened non-blocking where that
 * works, because O_NONBLOCK on an inherited descriptor would be seen by all who have it.
 */
void stream_init(struct stream *s, int fd, bool writing);
void stream_init_none(struct stream *s);
/* A regular file, which is closed in the end. */
void stream_init_file(struct stream *s, int fd);
/* Closes what is ours; fd 0 and 1 are replaced by /dev/null so that whoever is at the
 * other end sees the end. 0 or -errno of close(). */
int stream_close(struct loop *l, struct stream *s);

/* Read or write as much as goes without blocking; -EAGAIN when nothing goes. */
ssize_t stream_read(struct stream *s, void *to, size_t len);
ssize_t stream_write(struct stream *s, const void *from, size_t len);

/* Wakes w once, when the stream is ready again. */
void stream_wait(struct loop *l, struct stream *s, struct stream_waiter *w);
void stream_unwait(struct stream_waiter *w);
