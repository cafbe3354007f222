/* How times in microseconds spread: percentiles from samples, deviation and jitter beside
 * them. */
#pragma once

#include "net/samples.h"

struct spread {
	struct samples samples;
	double mean, squares; /* Welford's: no sum that loses its small digits */
	uint64_t last_us, jitter_us;
};

struct spread_summary {
	uint64_t count;
	double min, avg, p50, p90, p99, max, stddev; /* microseconds */
	double jitter;				     /* mean difference of neighbours */
};

/* Makes *s with its first value: most targets are asked once, and need none of it. */
void spread_add(struct spread **s, uint64_t us);
/* False if there are no values (s may be NULL). */
bool spread_summarise(const struct spread *s, struct spread_summary *sum);
/* Counts in `bins` equal steps from min to max. */
void spread_histogram(const struct spread *s, uint64_t *counts, size_t bins);
