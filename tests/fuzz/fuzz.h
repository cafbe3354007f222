/*
 * What a libFuzzer entry needs: its signature, an assertion that stops the run, and
 * checks of what is printed. The same entries are run over their seeds in the ordinary
 * test suite (lib/replay.c).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition)                                                        \
	do {                                                                    \
		if (!(condition)) {                                             \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, \
				__LINE__, #condition);                          \
			abort();                                                \
		}                                                               \
	} while (0)

/* A block of exactly this size, so that a byte too far is found. Free it. */
void *exact_copy(const void *data, size_t size);
/* The same with a NUL behind it. */
char *exact_text(const void *data, size_t size);

/* Text of ours in which foreign bytes stand: UTF-8, with no byte that a terminal obeys
 * and no character that reorders or hides others. Newlines are allowed. */
void check_harmless(const struct buf *b);
/* Lines of JSON, an object each, to the letter of RFC 8259, and harmless. */
void check_json_lines(const struct buf *b);
