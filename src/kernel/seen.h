/*
 * The cookies of the rows seen lately. A dump that resumes in the middle of a hash chain
 * tells the rows before its place again when others were inserted; they are at most a
 * chain's length apart. Two generations of GENERATION cookies remember at least that many
 * rows, in bounded memory.
 */
#pragma once

#include "base/util.h"

enum { SEEN_SLOTS = 65536, SEEN_GENERATION = SEEN_SLOTS / 2 };

struct seen {
	uint64_t *young, *old; /* open addressing, 0 = free */
	uint32_t n;	       /* cookies in young */
};

void seen_free(struct seen *s);

/* Whether cookie was added before; adds it. Cookie 0 is never seen. */
bool seen_before(struct seen *s, uint64_t cookie);
