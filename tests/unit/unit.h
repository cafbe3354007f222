/*
 * A test program is a list of RUN(function, "what it shows"); each is one TAP line. A
 * CHECK that does not hold says where and what, and the function goes on.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int unit_tests, unit_failures, unit_failed_tests;

#define CHECK(condition)                                                         \
	do {                                                                     \
		if (!(condition)) {                                              \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
			unit_failures++;                                         \
		}                                                                \
	} while (0)

#define CHECK_INT(got, want)                                                          \
	do {                                                                          \
		long long got_ = (long long)(got), want_ = (long long)(want);         \
		if (got_ != want_) {                                                  \
			printf("# %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, \
			       #got, got_, want_);                                    \
			unit_failures++;                                              \
		}                                                                     \
	} while (0)

#define CHECK_STR(got, want)                                                    \
	do {                                                                    \
		const char *got_ = (got), *want_ = (want);                      \
		if (!got_ || strcmp(got_, want_) != 0) {                        \
			printf("# %s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, \
			       __LINE__, #got, got_ ? got_ : "(null)", want_);  \
			unit_failures++;                                        \
		}                                                               \
	} while (0)

#define RUN(function, what)                                                              \
	do {                                                                             \
		unit_failures = 0;                                                       \
		function();                                                              \
		unit_failed_tests += unit_failures != 0;                                 \
		printf("%sok %d %s\n", unit_failures ? "not " : "", ++unit_tests, what); \
		fflush(stdout);                                                          \
	} while (0)

static inline int unit_done(void)
{
	printf("1..%d\n", unit_tests);
	return unit_failed_tests != 0;
}
