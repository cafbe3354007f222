/* How times in microseconds spread: exact for the first thousands, from a histogram of
 * samples.h beyond; deviation and jitter beside it. */
#pragma once

#include "model/samples.h"

enum { SPREAD_EXACT = 2000 };

struct spread {
	uint64_t *values; /* the first SPREAD_EXACT, as they came */
	size_t cap;
	struct samples *beyond; /* all of them, once there are more */
	uint64_t n, min_us, max_us;
	double mean, squares; /* Welford's: no sum that loses its small digits */
	uint64_t last_us, jitter_us;
};

struct spread_summary {
	uint64_t count;
	/* Microseconds; percentiles are of the nearest rank, the deviation is that of all
	 * values (divided by n). */
	double min, avg, p50, p90, p99, max, stddev;
	double jitter; /* mean difference of neighbours */
};

/* Makes *at with its first value: most targets are asked once, and need none of it. */
void spread_add(struct spread **at, uint64_t us);
/* False if there are no values (s may be NULL). */
bool spread_summarise(const struct spread *s, struct spread_summary *sum);
/* Counts in `bins` equal steps from min to max. */
void spread_histogram(const struct spread *s, uint64_t *counts, size_t bins);
void spread_free(struct spread *s); /* s may be NULL */
