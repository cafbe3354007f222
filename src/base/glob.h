/*
 * Shell patterns over bytes that need no terminator: '*', '?', '[a-z]', '[!a-z]' and
 * '\' before a byte that stands for itself. '*' also matches '/'. The work is at most the
 * product of both lengths, whatever the pattern; fnmatch(3) promises no bound.
 */
#pragma once

#include "base/util.h"

/*
 * Whether the whole text matches. A NUL in text stands for '@', as the names of abstract
 * unix sockets are written; fold ignores the case of ASCII letters.
 */
bool glob_match(const char *pattern, size_t pattern_len, const char *text,
		size_t text_len, bool fold);
