/*
 * Where results go: a descriptor with one buffer, or a file that appears whole or not at
 * all. The first write error is kept and told at the end; nothing is lost silently.
 */
#pragma once

#include "base/buf.h"
#include "base/fault.h"

enum { OUT_FLUSH_AT = 120 * 1024 };

struct out {
	struct buf b; /* writers append here */
	int fd;
	int err;    /* errno of the first failed write; later output is dropped */
	bool owned; /* fd is ours to close */
	char *path; /* the final name of an atomic file, or NULL */
	char *tmp;  /* its temporary name */
};

#define _cleanup_out_ __attribute__((cleanup(out_discard)))

void out_init(struct out *o, int fd);

/* Writes to a temporary file beside path; out_close() renames it. Returns 0 or -errno. */
int out_open(struct out *o, const char *path, struct fault *f);

/* Writes what is buffered. Returns 0 or -errno (also that of an earlier write). */
int out_flush(struct out *o);

static inline int out_maybe_flush(struct out *o)
{
	return UNLIKELY(o->b.len >= OUT_FLUSH_AT) ? out_flush(o) : -o->err;
}

/* Flushes, syncs and renames an atomic file, frees the buffer. Returns 0 or -errno. */
int out_close(struct out *o, struct fault *f);

/* Frees all; an atomic file that was not closed is removed. Safe after out_close(). */
void out_discard(struct out *o);
