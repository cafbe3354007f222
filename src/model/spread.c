#include "model/spread.h"

#include <stdlib.h>

#include "base/mem.h"

/* The histogram takes over: within 1/64 of the value, in memory that no longer grows. */
static void go_beyond(struct spread *s)
{
	size_t i;

	s->beyond = xcalloc(1, sizeof(*s->beyond));
	for (i = 0; i < s->n; i++)
		samples_add(s->beyond, s->values[i] * 1000);
	free(take_ptr(&s->values));
}

void spread_add(struct spread **at, uint64_t us)
{
	struct spread *s = *at;
	double from_mean;

	if (!s)
		*at = s = xcalloc(1, sizeof(*s));
	if (s->n)
		s->jitter_us += us > s->last_us ? us - s->last_us : s->last_us - us;
	s->last_us = us;
	s->min_us = s->n ? MIN(s->min_us, us) : us;
	s->max_us = MAX(s->max_us, us);
	if (s->n == SPREAD_EXACT)
		go_beyond(s);
	if (s->beyond) {
		samples_add(s->beyond, us * 1000);
	} else {
		s->values = array_grow(s->values, s->n, &s->cap, sizeof(*s->values));
		s->values[s->n] = us;
	}
	s->n++;
	from_mean = (double)us - s->mean;
	s->mean += from_mean / (double)s->n;
	s->squares += from_mean * ((double)us - s->mean);
}

/* Newton's, as nothing else here needs libm. */
static double square_root(double x)
{
	double r = x > 1 ? x : 1;
	int i;

	for (i = 0; i < 64; i++)
		r = (r + x / r) / 2;
	return x > 0 ? r : 0;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The nearest rank: the least value that so many of the thousand do not exceed. */
static double rank(const uint64_t *sorted, uint64_t n, uint64_t permille)
{
	uint64_t at = (n * permille + 999) / 1000;

	return (double)sorted[at - 1];
}

static void find_percentiles(const struct spread *s, struct spread_summary *sum)
{
	_cleanup_free_ uint64_t *sorted = NULL;

	if (s->beyond) {
		sum->p50 = (double)samples_at(s->beyond, 500) / 1e3;
		sum->p90 = (double)samples_at(s->beyond, 900) / 1e3;
		sum->p99 = (double)samples_at(s->beyond, 990) / 1e3;
		return;
	}
	sorted = xcalloc(s->n, sizeof(*sorted));
	memcpy(sorted, s->values, s->n * sizeof(*sorted));
	qsort(sorted, s->n, sizeof(*sorted), compare);
	sum->p50 = rank(sorted, s->n, 500);
	sum->p90 = rank(sorted, s->n, 900);
	sum->p99 = rank(sorted, s->n, 990);
}

bool spread_summarise(const struct spread *s, struct spread_summary *sum)
{
	*sum = (struct spread_summary){ 0 };
	if (!s || !s->n)
		return false;
	sum->count = s->n;
	sum->min = (double)s->min_us;
	sum->max = (double)s->max_us;
	sum->avg = s->mean;
	find_percentiles(s, sum);
	sum->stddev = square_root(s->squares / (double)s->n);
	sum->jitter = s->n > 1 ? (double)s->jitter_us / (double)(s->n - 1) : 0;
	return true;
}

void spread_histogram(const struct spread *s, uint64_t *counts, size_t bins)
{
	uint64_t range = s->max_us - s->min_us, below = 0, up;
	size_t i;

	memset(counts, 0, bins * sizeof(*counts));
	for (i = 0; !s->beyond && i < s->n; i++) {
		uint64_t bin = range ? (s->values[i] - s->min_us) * bins / range : 0;

		counts[MIN(bin, (uint64_t)bins - 1)]++;
	}
	for (i = 0; s->beyond && i < bins; i++) {
		up = i + 1 == bins
			     ? s->n
			     : samples_up_to(s->beyond,
					     (s->min_us + range * (i + 1) / bins) * 1000);
		counts[i] = up - below;
		below = up;
	}
}

void spread_free(struct spread *s)
{
	if (!s)
		return;
	free(s->values);
	free(s->beyond);
	free(s);
}
