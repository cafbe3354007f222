/* Whether a program accepts: what became of those that waited in the first reading. */
#include "model/finding/pace.h"

#include "model/finding/inquiry.h"

/* Those that left the queue of the first reading, but for clients that were reset: these
 * are counted in it until accept() meets them. */
static uint32_t taken(const struct listener_facts *l)
{
	const struct accept_stats *a = &l->stats[0], *b = &l->stats[1];
	uint32_t reset = b->gave_up > a->gave_up ? b->gave_up - a->gave_up : 0;

	return l->accepted + (l->gone > reset ? l->gone - reset : 0);
}

/* Whether the queue of the second reading is that of the first without its first k: who
 * has closed meanwhile leaves a 0 in his place. */
static bool follows(const uint32_t *before, size_t n, const uint32_t *now, size_t m,
		    size_t k)
{
	size_t i;

	if (n - k > m)
		return false;
	for (i = k; i < n; i++)
		if (now[i - k] && now[i - k] != before[i])
			return false;
	return true;
}

uint32_t pace_of_unix(const struct blob *before, const struct blob *now, uint32_t *still)
{
	size_t n = before->len / sizeof(uint32_t), m = now->len / sizeof(uint32_t), k = 0;

	while (!follows(before->data, n, now->data, m, k))
		k++;
	*still = (uint32_t)(n - k);
	return (uint32_t)k;
}

enum pace finding_pace(const struct inquiry *q, const struct listener_facts *l)
{
	const struct accept_stats *a = &l->stats[0], *b = &l->stats[1];

	if (!finding_read_twice(q, l) || !a->n_who ||
	    (sock_is_unix(l->row) && !b->n_who && l->queued[1]))
		return PACE_UNKNOWN;
	if (l->accepted)
		return PACE_MOVES;
	if (!l->gone)
		return l->members > 1 ? PACE_UNKNOWN : PACE_STANDS;
	if (a->stable && b->stable)
		return taken(l) ? PACE_MOVES : PACE_STANDS;
	/* A full queue changes its length only if something is taken off. */
	return finding_full_in(l, 0) && finding_full_in(l, 1) ? PACE_MOVES : PACE_UNKNOWN;
}

uint32_t finding_accepted(const struct inquiry *q, const struct listener_facts *l)
{
	return finding_pace(q, l) == PACE_MOVES ? MAX(taken(l), 1u) : 0;
}

void finding_put_pace(struct inquiry *q, const struct listener_facts *l)
{
	uint32_t n = finding_accepted(q, l);

	switch (finding_pace(q, l)) {
	case PACE_UNKNOWN:
		return;
	case PACE_STANDS:
		say(q, " None was accepted between two readings %u ms apart.",
		    q->e->interval_ms);
		return;
	case PACE_MOVES:
		say(q, " %u of them %s accepted between two readings %u ms apart", n,
		    n == 1 ? "was" : "were", q->e->interval_ms);
		finding_put_rate(q, n);
		buf_puts(&q->text, ": the program is slow, not stopped.");
		return;
	}
}
