#include "model/counter/counters_judge.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"

struct readings {
	const struct counters *before, *after;
	uint32_t ms;
};

/* By what the counter rose without what is counted in its parts, too. */
static uint64_t risen_alone(const struct readings *r, const struct counter_row *row)
{
	const struct counter_row *part;
	uint64_t by, of_part;
	size_t i;

	if (!counters_grown(r->before, r->after, row->table, row->name, &by))
		return 0;
	for (i = 0; row->parts && by && (part = counter_row_at(i)); i++)
		if (counter_has_word(row->parts, part->id) &&
		    counters_grown(r->before, r->after, part->table, part->name,
				   &of_part))
			by -= MIN(by, of_part);
	return by;
}

static bool is_healthy(const struct readings *r, const struct counter_healthy *h,
		       uint64_t by)
{
	uint64_t all;

	switch (h->kind) {
	case HEALTHY_NONE:
		return !by;
	case HEALTHY_PER_SECOND:
		/* A single one is healthy however short the time. */
		return by <= ((uint64_t)h->most * r->ms + 999) / 1000;
	case HEALTHY_PERCENT:
		if (!counters_grown(r->before, r->after, h->of_table, h->of_name, &all))
			all = 0;
		return by < h->least || by * 100 <= all * h->most;
	}
	return true;
}

static struct counter_rise *add(struct counter_rises *rises,
				const struct counter_row *row, uint64_t by)
{
	struct counter_rise *rise;

	if (rises->n == COUNTER_RISES_MOST)
		return NULL;
	rise = &rises->v[rises->n++];
	*rise = (struct counter_rise){ .row = row, .by = by };
	return rise;
}

static void judge_rows(const struct readings *r, struct counter_rises *rises)
{
	const struct counter_row *row;
	size_t i;

	for (i = 0; (row = counter_row_at(i)); i++) {
		uint64_t by = risen_alone(r, row);
		struct counter_rise *rise;

		if (is_healthy(r, &row->healthy, by))
			continue;
		rise = add(rises, row, by);
		if (rise)
			snprintf(rise->id, sizeof(rise->id), "%s", row->id);
	}
}

static void name_unknown(const struct readings *r, struct counter_rises *rises)
{
	struct counter_cursor at = { .text = 0 };
	struct counter_rise *rise;
	uint64_t by;

	while (counters_next(r->after, &at)) {
		if (!counters_grown(r->before, r->after, at.table, at.name, &by) || !by ||
		    counter_row_of(at.table, at.name) ||
		    counter_is_harmless(at.table, at.name))
			continue;
		rise = add(rises, NULL, by);
		if (rise)
			snprintf(rise->id, sizeof(rise->id), "%s%s",
				 streq(at.table, "snmp6") ? "" : at.table, at.name);
	}
}

void counters_judge(const struct counters *before, const struct counters *after,
		    uint32_t ms, struct counter_rises *rises)
{
	const struct readings r = { before, after, ms };

	rises->n = 0;
	judge_rows(&r, rises);
	name_unknown(&r, rises);
}
