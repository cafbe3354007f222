/* Connections on which segments wait behind one that does not arrive. */
#include "model/answer/stall.h"
#include "model/rule/rules_private.h"
#include "model/rule/standstill_private.h"

enum {
	GAP_MS = 3100,	 /* what is merely lost comes again before that */
	MOST_PLACES = 3, /* with more the cause is likely close to this host */
};

/* Memory is in use, there is nothing to read, and segments have overtaken others. */
static bool has_gap(const struct connection_facts *c, int turn)
{
	return c->read[turn] && c->has_mem && c->has_overtook && c->overtook[turn] &&
	       !c->recv[turn] && c->rmem[turn];
}

static bool suspect_gap(const struct connection_facts *c)
{
	return has_gap(c, 0);
}

static bool gap_stands(const struct connection_facts *c)
{
	return has_gap(c, 1) && c->received[0] == c->received[1];
}

static uint32_t watch_gap(const struct connection_facts *c)
{
	(void)c;
	return GAP_MS;
}

static unsigned gap_kind(struct inquiry *q, const struct connection_facts *c)
{
	return gap_stands(c) && q->e->interval_ms >= GAP_MS;
}

static uint32_t since_received(const struct connection_facts *c)
{
	return c->received_ms;
}

static const char *gap_advice(struct inquiry *q, const struct group *g)
{
	const struct connection_facts *c = g->oldest;

	stall_put_advice(&q->text, &c->row->peer, c->pmtu,
			 !finding_was_accepted(q, c->row));
	return finding_text(q);
}

static void gap_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_gap_in_stream, g);
	uint64_t memory = 0;
	size_t i;

	for (i = 0; i < g->n; i++)
		memory += g->v[i]->rmem[1];
	say(q,
	    "Segments wait behind one that has not arrived (%ju bytes of memory, nothing to "
	    "read), and it did not come between two readings %u ms apart.\nPossible are %s.",
	    (uintmax_t)memory, q->e->interval_ms, stall_reasons(STALL_TOWARDS_US, true));
	f->summary = finding_text(q);
	f->advice = gap_advice(q, g);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "receive_memory_bytes", memory, true);
	finding_figure(f, "segments_out_of_order", g->oldest->overtook[1], true);
	finding_figure(f, "last_received_ms", g->oldest->received_ms, true);
}

static void judge_gaps(struct inquiry *q)
{
	static const struct grouping by = { .kind = gap_kind,
					    .age = since_received,
					    .most_places = MOST_PLACES,
					    .tell = gap_finding };

	finding_judge_groups(q, &rule_gap_in_stream, &by);
}

static bool may_have_gap(const struct sock *s)
{
	return s->inode && !s->recv_queue;
}

const struct rule rule_gap_in_stream = {
	.id = "gap-in-stream",
	.severity = SEVERITY_WARNING,
	.meaning =
		"Segments wait in the receive buffer behind one that does not arrive, so that the "
		"program gets nothing: packets of one size may be lost on the way to this host.",
	.advice =
		"Find the size of packets that arrives (ping -M do -s), and whether a connection with "
		"smaller segments works (-O mss=1000).",
	.threshold =
		"memory in use with nothing to read, segments out of order, and nothing delivered "
		"within #; looked for with --findings=all only",
	.numbers = { MS(GAP_MS) },
	.candidate = may_have_gap,
	.rows = BIT(STATE_ESTABLISHED) | BIT(STATE_FIN_WAIT1) | BIT(STATE_FIN_WAIT2),
	.for_notes = true,
	.look = LOOK_STATE,
	.suspect = suspect_gap,
	.again = AGAIN_EACH,
	.stands = gap_stands,
	.watch = watch_gap,
	.judge = judge_gaps,
};
