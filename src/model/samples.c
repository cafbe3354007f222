#include "model/samples.h"

/* Values below SAMPLES_SUB have a bucket each; above, each power of two has SAMPLES_SUB /
 * 2 of them. */
static unsigned bucket_of(uint64_t ns)
{
	unsigned shift, bucket;

	if (ns < SAMPLES_SUB)
		return (unsigned)ns;
	shift = (unsigned)(63 - __builtin_clzll(ns)) - 5;
	bucket = shift * (SAMPLES_SUB / 2) + (unsigned)(ns >> shift);
	return MIN(bucket, (unsigned)SAMPLES_BUCKETS - 1);
}

/* The middle of a bucket. */
static uint64_t value_of(unsigned bucket)
{
	unsigned shift;
	uint64_t low;

	if (bucket < SAMPLES_SUB)
		return bucket;
	shift = bucket / (SAMPLES_SUB / 2) - 1;
	low = (uint64_t)(bucket - shift * (SAMPLES_SUB / 2)) << shift;
	return low + ((uint64_t)1 << shift) / 2;
}

void samples_add(struct samples *s, uint64_t ns)
{
	s->min_ns = s->n ? MIN(s->min_ns, ns) : ns;
	s->max_ns = MAX(s->max_ns, ns);
	s->sum_ns += ns;
	s->n++;
	s->bucket[bucket_of(ns)]++;
}

uint64_t samples_at(const struct samples *s, unsigned permille)
{
	uint64_t want = (s->n * permille + 999) / 1000, seen = 0;
	unsigned i;

	if (!s->n)
		return 0;
	for (i = 0; i < SAMPLES_BUCKETS; i++) {
		seen += s->bucket[i];
		if (seen >= want)
			return MAX(s->min_ns, MIN(s->max_ns, value_of(i)));
	}
	return s->max_ns;
}

uint64_t samples_up_to(const struct samples *s, uint64_t ns)
{
	unsigned last = bucket_of(ns), i;
	uint64_t seen = 0;

	for (i = 0; i <= last; i++)
		seen += s->bucket[i];
	return seen;
}
