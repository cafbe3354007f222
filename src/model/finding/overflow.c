/* Queues that overflow in bursts, and are empty whenever one looks. */
#include "model/finding/inquiry_private.h"
#include "model/finding/rules_private.h"

enum { WATCH_MS = 1000 };

/* An old drop is none: it delays only those who asked for findings. */
static bool suspect_overflow(const struct inquiry *q, const struct listener_facts *l)
{
	return l->drops[0] && l->has_drops && (q->e->asked || finding_overflows(q));
}

static uint32_t patience(const struct inquiry *q, const struct listener_facts *l)
{
	return q->e->asked && !finding_full_in(l, 0) ? WATCH_MS : 0;
}

/* ListenOverflows is of all listeners: of this one the drops are, whatever their cause.
 */
static bool overflowed(const struct inquiry *q, const struct listener_facts *l)
{
	return finding_read_twice(q, l) && l->has_drops && l->drops[1] > l->drops[0] &&
	       finding_overflows(q);
}

/* A queue of which another finding tells, with what it dropped. */
static bool is_told(const struct inquiry *q, const struct listener_facts *l)
{
	size_t i;

	for (i = 0; i < q->fs->n; i++) {
		const struct finding *f = q->fs->v[i];

		if (f->severity > SEVERITY_NOTE && f->n_cookies == 1 &&
		    f->cookies[0] == l->row->cookie)
			return true;
	}
	return false;
}

static void judge_overflow(struct inquiry *q, const struct listener_facts *l)
{
	struct finding *f;

	if (!overflowed(q, l) || is_told(q, l))
		return;
	f = finding_of_queue(q, l, &rule_accept_queue_overflow);
	say(q, "The accept queue overflowed between two readings %u ms apart. %s",
	    q->e->interval_ms, f->summary);
	f->summary = finding_text(q);
	if (!finding_count_actors(q, l, true))
		f->advice = rule_accept_queue_overflow.advice;
}

const struct rule rule_accept_queue_overflow = {
	.id = "accept-queue-overflow",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The accept queue fills up for moments, and connections are dropped meanwhile: "
		"clients wait a second or more for their next attempt. At most times it has room.",
	.advice =
		"Raise the backlog in listen(), and net.core.somaxconn where that caps it; then see "
		"what keeps the program from accept() for so long.",
	.threshold =
		"a listener that has dropped connections drops more between two readings, and "
		"ListenOverflows rises; watched for # where findings were asked for",
	.numbers = { MS(WATCH_MS) },
	.suspect_listener = suspect_overflow,
	.patience = patience,
	.judge_listener = judge_overflow,
};
