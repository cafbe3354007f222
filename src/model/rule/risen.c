/* What the kernel of this namespace refused, dropped, damaged or gave up between the two
 * readings, as far as no other finding tells it. */
#include "model/counter/counters_judge.h"
#include "model/finding/inquiry.h"
#include "model/rule/rules_private.h"

/* Beside another finding the first ones are enough. */
enum { RISES_BESIDE = 8 };

/* Its kind only shows between two readings. */
static bool suspect_counters(const struct inquiry *q)
{
	return q->e->notes;
}

static bool is_told(const struct inquiry *q, const struct counter_row *row)
{
	size_t i;

	for (i = 0; row && i < q->fs->n; i++)
		if (counter_has_word(row->told, q->fs->v[i]->rule->id))
			return true;
	return false;
}

static bool anything_is_wrong(const struct inquiry *q)
{
	size_t i;

	for (i = 0; i < q->fs->n; i++)
		if (q->fs->v[i]->severity > SEVERITY_NOTE)
			return true;
	return false;
}

static void tell(struct inquiry *q, const struct counter_rise *rise)
{
	uint64_t rate = finding_per_second(q, rise->by);
	struct finding *f = finding_add(q->fs, &rule_counter_rising);

	f->beside = true;
	f->where = arena_strdup(&q->fs->arena, rise->id);
	say(q, "In %u ms ", q->e->interval_ms);
	if (rise->row) {
		counter_put_clause(&q->text, rise->row, rise->by);
		say(q, ".\n%ju a second; healthy: ", (uintmax_t)rate);
		counter_put_healthy(&q->text, rise->row);
		say(q, ".");
	} else {
		say(q,
		    "it rose by %ju, %ju a second. This version does not know what it counts.",
		    (uintmax_t)rise->by, (uintmax_t)rate);
	}
	f->summary = finding_text(q);
	if (rise->row) {
		say(q, "%s %s", rise->row->look, rise->row->advice);
		f->advice = finding_text(q);
	}
	finding_figure(f, "rose", rise->by, true);
	finding_figure(f, "per_second", rate, true);
}

static void judge_counters(struct inquiry *q)
{
	const struct evidence *e = q->e;
	struct counter_rises rises = { .n = 0 };
	size_t i, told = 0;

	if (!e->interval_ms || !(e->notes || anything_is_wrong(q)))
		return;
	counters_judge(&e->texts[0], &e->texts[1], e->interval_ms, &rises);
	for (i = 0; i < rises.n; i++) {
		const struct counter_rise *rise = &rises.v[i];

		if (is_told(q, rise->row) ||
		    (!e->notes && (!rise->row || told == RISES_BESIDE)))
			continue;
		tell(q, rise);
		told++;
	}
}

const struct rule rule_counter_rising = {
	.id = "counter-rising",
	.severity = SEVERITY_NOTE,
	.meaning =
		"A counter of the kernel that counts what is refused, dropped, damaged or given up "
		"rises faster than on a healthy host.",
	.advice =
		"Read what the counter means (--explain with its name), and look at the sockets or "
		"settings it names.",
	.threshold =
		"beyond the healthy rate of the counter (porcelain counters) between two readings, "
		"and no other finding tells it; shown beside another finding, too",
	.suspect_host = suspect_counters,
	.judge = judge_counters,
};
