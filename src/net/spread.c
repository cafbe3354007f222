#include "net/spread.h"

#include "base/mem.h"

void spread_add(struct spread **at, uint64_t us)
{
	struct spread *s = *at;
	double from_mean;

	if (!s)
		*at = s = xcalloc(1, sizeof(*s));
	if (s->samples.n)
		s->jitter_us += us > s->last_us ? us - s->last_us : s->last_us - us;
	s->last_us = us;
	samples_add(&s->samples, us * 1000);
	from_mean = (double)us - s->mean;
	s->mean += from_mean / (double)s->samples.n;
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

bool spread_summarise(const struct spread *s, struct spread_summary *sum)
{
	double n;

	*sum = (struct spread_summary){ 0 };
	if (!s || !s->samples.n)
		return false;
	n = (double)s->samples.n;
	sum->count = s->samples.n;
	sum->min = (double)s->samples.min_ns / 1e3;
	sum->max = (double)s->samples.max_ns / 1e3;
	sum->avg = s->mean;
	sum->p50 = (double)samples_at(&s->samples, 500) / 1e3;
	sum->p90 = (double)samples_at(&s->samples, 900) / 1e3;
	sum->p99 = (double)samples_at(&s->samples, 990) / 1e3;
	sum->stddev = square_root(s->squares / n);
	sum->jitter = n > 1 ? (double)s->jitter_us / (n - 1) : 0;
	return true;
}

void spread_histogram(const struct spread *s, uint64_t *counts, size_t bins)
{
	uint64_t min = s->samples.min_ns, range = s->samples.max_ns - min, below = 0, up;
	size_t i;

	for (i = 0; i < bins; i++) {
		up = i + 1 == bins
			     ? s->samples.n
			     : samples_up_to(&s->samples, min + range * (i + 1) / bins);
		counts[i] = up - below;
		below = up;
	}
}
