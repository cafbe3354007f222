/* Integers in decimal, two digits at a time. */
#pragma once

#include "base/util.h"

/* "000102...99"; in num.c. */
extern const char digit_pairs[201];

/* Writes v backwards, ending before `end`; returns its first byte. */
static inline char *digits_before(char *end, uint64_t v)
{
	while (v >= 100) {
		end -= 2;
		memcpy(end, digit_pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (v < 10) {
		*--end = (char)('0' + v);
		return end;
	}
	return memcpy(end - 2, digit_pairs + v * 2, 2);
}
