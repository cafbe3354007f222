/* One line on stderr that tells how far it is, where a person is watching. */
#pragma once

#include "base/buf.h"

enum {
	PROGRESS_AFTER_US = 1000 * 1000, /* what takes no longer needs none */
	PROGRESS_EVERY_US = 500 * 1000,
};

struct progress {
	bool wanted, shown;
};

/* stderr is a terminal, and stdout no pipe into a program that may write to the same. */
void progress_init(struct progress *p, bool quiet);
/* Replaces the line; cut to the terminal's width. */
void progress_show(struct progress *p, const struct buf *line);
void progress_clear(struct progress *p);
