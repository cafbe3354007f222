/*
 * Where results go: a descriptor with one buffer, or a file that appears whole or not at
 * all. The first write error is kept and told at the end; nothing is lost silently.
 */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include "base/leave.h"
#include "base/outpath.h"
#include "base/sink.h"

enum { OUT_FLUSH_AT = 120 * 1024 };

struct out {
	struct buf b; /* writers append here */
	int fd;
	int err;	   /* errno of the first failed write; later output is dropped */
	bool owned;	   /* fd is ours to close */
	char *path;	   /* of an atomic file as it was given, or NULL */
	struct outpath at; /* where it goes; at.fd: the file that is replaced */
	char tmp[ENTRY_FRESH_MAX]; /* its name until then; "" = it has none */
	struct leaving leaving;	   /* of the temporary name; then of the file, if kept */
	bool new_owner;	  /* after out_close(): the old file's owner could not be kept */
	struct sink sink; /* of out_heed() */
	int wake;	  /* readable: stop waiting; -1 = it waits for a second only */
	bool heeds;
};

#define _cleanup_out_ __attribute__((cleanup(out_discard)))

void out_init(struct out *o, int fd);

/*
 * A descriptor of ours (see outpath_own()) is duplicated; what is there and is no regular
 * file is opened and written to; a regular file is written without a name in its
 * directory and gets there by out_close(). Whatever can be refused is refused here,
 * before there is anything to write. 0 or -errno with a fault.
 */
int out_open(struct out *o, const char *path, struct fault *f);

/* Whether both would get the same name of the same directory in the end. */
bool out_same_file(const struct out *a, const struct out *b);

/* Writes what is buffered. Returns 0 or -errno (also that of an earlier write). */
int out_flush(struct out *o);

/*
 * For who reads signals from a descriptor: from here on writing waits for the reader only
 * until `wake` is readable; the rest is written next time. out_heed_end(): the signals
 * are where they were; hurry: one of them ends the program, so that all that is written
 * from here on waits for a second at most, else as long as ever.
 */
void out_heed(struct out *o, int wake);
void out_heed_end(struct out *o, bool hurry);

static inline int out_maybe_flush(struct out *o)
{
	return UNLIKELY(o->b.len >= OUT_FLUSH_AT) ? out_flush(o) : -o->err;
}

/*
 * Flushes, syncs and names an atomic file, frees the buffer. It has the mode and owner of
 * the file that it replaces, without set-ID bits. Returns 0 or -errno.
 */
int out_close(struct out *o, struct fault *f);

/*
 * The same, but a signal that ends the program removes the file, if it is still this one.
 * o must stay where it is; out_discard() forgets it.
 */
int out_close_mine(struct out *o, struct fault *f);

/* Frees all; an atomic file that was not closed never was. Safe after out_close(). */
void out_discard(struct out *o);
