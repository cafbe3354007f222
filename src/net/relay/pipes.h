/*
 * Pipes through which bytes go from socket to socket without being copied. They belong to
 * a loop and are lent only while bytes are in them, so a few are enough for any number of
 * connections.
 */
#pragma once

#include "base/util.h"

/* With 64 KiB each; what an ordinary user may have with that much is about 1,024, for all
 * processes together (pipe-user-pages-soft). */
enum { PIPES_MOST = 512 };

struct lent_pipe {
	int in, out; /* read from and written to; neither blocks */
	struct lent_pipe *next;
};

/* Zeroed, it has none yet. */
struct pipes {
	struct lent_pipe *free;
	unsigned n;    /* open, lent or not */
	unsigned most; /* 0 = not known yet */
};

/* An empty pipe, or NULL: there are no more of a useful size. */
struct lent_pipe *pipes_lend(struct pipes *p);
/* It is empty again. */
void pipes_return(struct pipes *p, struct lent_pipe *pipe);
/* It is not: closed. */
void pipes_drop(struct pipes *p, struct lent_pipe *pipe);
/* Closes those that are not lent. */
void pipes_free(struct pipes *p);
