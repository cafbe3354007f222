/*
 * Latencies in a fixed amount of memory: a histogram whose buckets are within 1/64 of
 * the value, from nanoseconds to hours.
 */
#pragma once

#include "base/util.h"

enum { SAMPLES_SUB = 64, SAMPLES_BUCKETS = SAMPLES_SUB * 40 };

struct samples {
	uint64_t n, min_ns, max_ns, sum_ns;
	uint32_t bucket[SAMPLES_BUCKETS];
};

void samples_add(struct samples *s, uint64_t ns);
/* The value below which `permille` of 1000 samples lie; 0 where there are none. */
uint64_t samples_at(const struct samples *s, unsigned permille);
/* How many of them are at most ns, to a bucket's precision. */
uint64_t samples_up_to(const struct samples *s, uint64_t ns);
