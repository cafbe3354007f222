/*
 * One sentence about what failed, carried up to whoever prints it. Lower floors fill a
 * fault and return its negative errno; only cmd/ and main.c print one or choose an exit
 * code. A text that has no room is cut in the middle, for its end says what is wrong.
 */
#pragma once

#include "base/util.h"

struct fault {
	int err;	/* errno of the failure, positive; 0 = nothing failed */
	char what[480]; /* "bind 0.0.0.0:80: Permission denied" */
	char hint[320]; /* what to try next; empty if there is nothing to say */
	char text[160]; /* the argument that was refused, if mark >= 0 */
	int mark;	/* where in text the error is, -1 = nowhere */
};

#define FAULT_INIT         \
	{                  \
		.mark = -1 \
	}

/* Fills f with the formatted text, ": " and strerror(err). Returns -err (err > 0). f may
 * be NULL. */
int fault(struct fault *f, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As fault(), but the text stands alone, without strerror: for errors that have no errno.
 */
int fault_say(struct fault *f, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "ABOUT: " before the sentence of a fault that is already there. */
void fault_about(struct fault *f, const char *about, size_t len);

/* Adds what to try next to a fault that is already there. */
void fault_hint(struct fault *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Remembers the refused argument and the byte in it that is wrong, to be shown with a
 * caret below. */
void fault_mark(struct fault *f, const char *text, size_t at);
