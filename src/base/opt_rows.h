/*
 * The dialect of option rows, for files that have a table of them: what every option of
 * a kind has comes first (name, letter, where it goes, what stands for its argument), the
 * rest by name. Letter 0 and name NULL are none.
 */
#pragma once

#include "base/opt.h"

#define FLAG(n, l, m, ...)                                                     \
	{                                                                      \
		.name = n, .letter = l, .kind = OPT_FLAG, .at = m, __VA_ARGS__ \
	}
#define SETS(n, l, m, v, ...)                                                 \
	{                                                                     \
		.name = n, .letter = l, .kind = OPT_SET, .at = m, .value = v, \
		__VA_ARGS__                                                   \
	}
#define TAKES(n, l, k, m, meta, ...)                                                     \
	{                                                                                \
		.name = n, .letter = l, .kind = k, .at = m, .metavar = meta, __VA_ARGS__ \
	}
#define RATE(n, m, ...)                                                         \
	{                                                                       \
		.name = n, .kind = OPT_PARSE, .parse = num_parse_rate, .at = m, \
		__VA_ARGS__                                                     \
	}
#define COUNT(n, m, ...)                                                          \
	{                                                                         \
		.name = n, .kind = OPT_UINT, .at = m, .metavar = "N", .least = 1, \
		__VA_ARGS__                                                       \
	}
/* Refused with the right spelling. */
#define WRONG(l, ...)                                               \
	{                                                           \
		.letter = l, .kind = OPT_WRONG, .help = __VA_ARGS__ \
	}
#define IGNORED(n, l, ...)                                               \
	{                                                                \
		.name = n, .letter = l, .kind = OPT_IGNORED, __VA_ARGS__ \
	}
#define GROUP(title, table)                        \
	{                                          \
		title, table, ARRAY_SIZE(table), 0 \
	}
