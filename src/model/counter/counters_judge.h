/* What rose between two readings by more than on a healthy host. */
#pragma once

#include "model/counter/counter_row.h"
#include "model/counter/counters.h"

struct counter_rise {
	const struct counter_row *row; /* NULL: neither judged nor known to be harmless */
	char id[64];
	uint64_t by;
};

enum { COUNTER_RISES_MOST = 64 };

struct counter_rises {
	struct counter_rise v[COUNTER_RISES_MOST];
	size_t n;
};

/* ms: the time between the readings. */
void counters_judge(const struct counters *before, const struct counters *after,
		    uint32_t ms, struct counter_rises *rises);
