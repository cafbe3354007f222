/* How times spread: exact for the first thousands, by the histogram beyond. */
#include "model/spread.h"

#include "unit/unit.h"

static void few(void)
{
	static const uint64_t values[] = { 45, 38 };
	struct spread *s = NULL;
	struct spread_summary sum;

	CHECK(!spread_summarise(NULL, &sum));
	spread_add(&s, values[0]);
	CHECK(spread_summarise(s, &sum));
	CHECK(sum.count == 1 && sum.p50 == 45 && sum.p99 == 45 && sum.stddev == 0 &&
	      sum.jitter == 0);
	spread_add(&s, values[1]);
	spread_summarise(s, &sum);
	CHECK(sum.min == 38 && sum.max == 45 && sum.avg == 41.5);
	CHECK(sum.p50 == 38 && sum.p90 == 45 && sum.p99 == 45);
	CHECK(sum.stddev == 3.5 && sum.jitter == 7);
	spread_free(s);
}

static void ranks(void)
{
	struct spread *s = NULL;
	struct spread_summary sum;
	uint64_t counts[4], i;

	/* 1 to 1000, not in order: 7 and 1000 have no common divisor. */
	for (i = 0; i < 1000; i++)
		spread_add(&s, i * 7 % 1000 + 1);
	spread_summarise(s, &sum);
	CHECK(sum.p50 == 500 && sum.p90 == 900 && sum.p99 == 990);
	CHECK(sum.avg > 500.49 && sum.avg < 500.51);
	CHECK(sum.stddev > 288.67 && sum.stddev < 288.68);
	spread_histogram(s, counts, 4);
	CHECK_INT(counts[0] + counts[1] + counts[2] + counts[3], 1000);
	CHECK_INT(counts[0], 250);
	CHECK_INT(counts[3], 250);
	spread_free(s);
}

static bool near(double got, double want)
{
	return got > want * (1 - 1 / 64.0) && got < want * (1 + 1 / 64.0);
}

static void many(void)
{
	struct spread *s = NULL;
	struct spread_summary sum;
	uint64_t counts[8], i, all = 0;

	for (i = 0; i < 10 * SPREAD_EXACT; i++)
		spread_add(&s, i * 7 % (10 * SPREAD_EXACT) + 1);
	spread_summarise(s, &sum);
	CHECK_INT(sum.count, 10 * SPREAD_EXACT);
	CHECK(sum.min == 1 && sum.max == 10 * SPREAD_EXACT);
	CHECK(near(sum.p50, 5 * SPREAD_EXACT));
	CHECK(near(sum.p90, 9 * SPREAD_EXACT));
	CHECK(near(sum.p99, 9.9 * SPREAD_EXACT));
	spread_histogram(s, counts, 8);
	for (i = 0; i < 8; i++)
		all += counts[i];
	CHECK_INT(all, 10 * SPREAD_EXACT);
	spread_free(s);
}

static void alike(void)
{
	struct spread *s = NULL;
	uint64_t counts[8];

	spread_add(&s, 5);
	spread_add(&s, 5);
	spread_histogram(s, counts, 8);
	CHECK_INT(counts[0], 2);
	CHECK_INT(counts[7], 0);
	spread_free(s);
}

int main(void)
{
	RUN(few, "percentiles of a few values are values that were seen");
	RUN(ranks, "the nearest rank, the deviation of all, equal steps");
	RUN(many, "beyond the exact ones within 1/64, and none is lost");
	RUN(alike, "values that are all the same");
	return unit_done();
}
