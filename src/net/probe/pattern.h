/* A pattern over a peer's bytes: regexec() takes the square of a line's length, or worse,
 * and cannot be ended. */
#pragma once

#include <regex.h>

#include "base/buf.h"
#include "base/fault.h"

enum pattern_found {
	PATTERN_NO,
	PATTERN_YES,
	PATTERN_NOT_IN_HEADS, /* nor in the first PATTERN_LINE_MOST bytes of long lines;
				 behind them nobody looked */
	PATTERN_TOO_LONG,     /* the search was ended after PATTERN_PATIENCE_MS */
	PATTERN_NO_CHILD,     /* no process to search in */
};

enum {
	PATTERN_MOST = 4096,	   /* bytes of a pattern */
	PATTERN_NESTING = 250,	   /* parentheses in each other: regcomp() recurses */
	PATTERN_REPEATS = 10000,   /* what its braces multiply it to */
	PATTERN_LINE_MOST = 4096,  /* bytes of a line that are searched */
	PATTERN_PATIENCE_MS = 100, /* of CPU time ... */
	PATTERN_WAIT_MS = 1000,	   /* ... and by the clock, whatever else runs */
};

/* Refuses what regcomp() has not the stack or the memory for. 0, or -errno with a fault.
 */
int pattern_compile(regex_t *regex, const char *pattern, struct fault *f);

/* Searches in a child process that is killed in time. Lines that end in CR LF are tried
 * both ways. */
enum pattern_found pattern_search(const regex_t *regex, const struct buf *text);

/* What an answer lacks: "what matches the expected pattern", with what limited the
 * search. */
const char *pattern_missed(enum pattern_found found);
