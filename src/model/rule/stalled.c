/* Programs that stopped accepting, however much room their queue has. */
#include "model/finding/inquiry.h"
#include "model/rule/rules_private.h"

enum {
	STALL_WAIT_MS = 1000, /* the oldest has waited for so long */
	STALL_MS = 1000,      /* and is watched for so long */
	UNIX_WATCH_MS = STALL_WAIT_MS + STALL_MS,
};

/* Those that wait for any member of its SO_REUSEPORT group are told by one of them. */
static const struct listener_facts *teller(const struct inquiry *q,
					   const struct listener_facts *l)
{
	size_t i;

	if (l->members < 2 || l->stats[0].n_who)
		return l;
	for (i = 0; i < q->e->n_listeners; i++) {
		const struct listener_facts *o = &q->e->listeners[i];

		if (o->stats[0].n_who && finding_same_place(o->row, l->row))
			return o;
	}
	return l;
}

/* How long the oldest had waited in the first reading. Unix sockets do not tell: they are
 * watched for as long as that takes. */
static uint32_t first_wait_ms(const struct inquiry *q, const struct listener_facts *l)
{
	const struct accept_stats *s = &teller(q, l)->stats[0];

	if (sock_is_unix(l->row))
		return q->e->interval_ms > STALL_MS ? q->e->interval_ms - STALL_MS : 0;
	return s->n_who ? s->who[0].wait_ms : 0;
}

/* Nobody was accepted of those that wait for it, or for its group. */
static bool is_stalled(const struct inquiry *q, const struct listener_facts *l)
{
	const struct listener_facts *t = teller(q, l);

	if (!finding_read_twice(q, l) || q->e->interval_ms < STALL_MS || !l->queued[0] ||
	    l->queued[1] < l->queued[0] || first_wait_ms(q, l) < STALL_WAIT_MS)
		return false;
	if (l->members > 1)
		return t->stats[0].n_who && !t->accepted && !t->gone;
	return finding_pace(q, l) == PACE_STANDS;
}

static bool suspect_stalled(const struct inquiry *q, const struct listener_facts *l)
{
	(void)q;
	return sock_has_accept_queue(l->row) && l->row->recv_queue;
}

static uint32_t patience(const struct inquiry *q, const struct listener_facts *l)
{
	if (sock_is_unix(l->row))
		return l->stats[0].n_who && !finding_full_in(l, 0) ? UNIX_WATCH_MS : 0;
	return l->read[0] && first_wait_ms(q, l) >= STALL_WAIT_MS ? STALL_MS : 0;
}

/* A program without a free descriptor cannot accept: descriptor-exhaustion says so. */
static bool is_starved(const struct inquiry *q, const struct listener_facts *l)
{
	const struct holder *h;

	for (h = l->holders; h; h = h->next) {
		const struct process_facts *p = evidence_process(q->e, h->pid);

		if (p && p->known && p->fd_limit && p->fds >= p->fd_limit)
			return true;
	}
	return false;
}

/* What another finding about the same queue does not say better. */
static bool is_told(const struct inquiry *q, const struct listener_facts *l)
{
	return is_starved(q, l) || finding_is_full(q, l) || finding_is_filling(q, l) ||
	       finding_is_lazy(q, l);
}

static void judge_stalled(struct inquiry *q, const struct listener_facts *l)
{
	if (is_stalled(q, l) && !is_told(q, l))
		finding_of_queue(q, l, &rule_accept_stalled);
}

const struct rule rule_accept_stalled = {
	.id = "accept-stalled",
	.severity = SEVERITY_WARNING,
	.meaning =
		"Connections wait for accept() and none is accepted, though the queue has room: the "
		"program is stopped, or busy with something else. To its clients it looks connected "
		"and silent.",
	.advice = "Find out what the program does instead of accept().",
	.threshold =
		"the oldest has waited for more than #, and none is accepted for another #",
	.numbers = { MS(STALL_WAIT_MS), MS(STALL_MS) },
	.suspect_listener = suspect_stalled,
	.patience = patience,
	.judge_listener = judge_stalled,
};

/* A burst that drains leaves fewer than there were. */
static bool is_slow(const struct inquiry *q, const struct listener_facts *l)
{
	if (sock_is_unix(l->row))
		return finding_pace(q, l) == PACE_MOVES && l->queued[1] >= l->queued[0] &&
		       l->still && q->e->interval_ms >= STALL_WAIT_MS;
	return finding_pace(q, l) == PACE_MOVES && l->queued[1] >= l->queued[0] &&
	       first_wait_ms(q, l) >= STALL_WAIT_MS;
}

static void judge_slow(struct inquiry *q, const struct listener_facts *l)
{
	if (l->members == 1 && is_slow(q, l) && !is_told(q, l))
		finding_of_queue(q, l, &rule_accept_slow);
}

const struct rule rule_accept_slow = {
	.id = "accept-slow",
	.severity = SEVERITY_NOTE,
	.meaning =
		"Connections are accepted, but wait for it: the program takes them as slowly as they "
		"come, or more slowly.",
	.advice =
		"See what the accepting thread does between two accept(); start more workers if "
		"each of them is busy.",
	.threshold =
		"the oldest has waited for more than #, some are accepted, and the queue does not "
		"become shorter",
	.numbers = { MS(STALL_WAIT_MS) },
	.suspect_listener = suspect_stalled,
	.patience = patience,
	.judge_listener = judge_slow,
};
