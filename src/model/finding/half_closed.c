/* Programs that ended their own direction and wait for a peer that says nothing. */
#include "model/finding/inquiry_private.h"
#include "model/finding/rules_private.h"

enum {
	MOST_HALF_CLOSED = 65536,
	HALF_CLOSED_LEAST = 16,	     /* of one process to one remote end */
	HALF_CLOSED_AGE_MS = 300000, /* without a byte from the peer */
	LIMIT_PERCENT = 10,	     /* of the descriptors that the process may have */
};

static unsigned kind_of(struct inquiry *q, const struct connection_facts *c)
{
	(void)q;
	(void)c;
	return 1;
}

static uint32_t since_received(const struct connection_facts *c)
{
	return c->received_ms;
}

/* Of a group that nobody may look into no process is known. */
static const struct process_facts *process_of(const struct inquiry *q,
					      const struct group *g)
{
	const struct process_facts *p = g->holders
						? evidence_process(q->e, g->holders->pid)
						: NULL;

	return p && p->known && p->fd_limit && p->fd_limit != UINT64_MAX ? p : NULL;
}

static const char *advice(struct inquiry *q, const struct group *g)
{
	const struct addr *to = &g->places[0].addr;

	buf_puts(&q->text, "find out why ");
	finding_put_places(q, g);
	buf_puts(&q->text, " neither answers nor closes; whether it is there:");
	finding_advise_peer(q, to);
	advise_in_words(&q->text,
			"set a time limit for the answer, and close() when it is "
			"over");
	return finding_text(q);
}

static void half_closed_finding(struct inquiry *q, const struct group *g)
{
	const struct process_facts *p = process_of(q, g);
	struct finding *f = finding_of_group(q, &rule_fin_wait_silent, g);

	if (p && g->n * 100 >= p->fd_limit * LIMIT_PERCENT)
		f->severity = SEVERITY_WARNING;
	say(q,
	    "The program ended its own direction of %zu connections and waits: none has had "
	    "a byte from the peer for %u s, the oldest for ",
	    g->n, HALF_CLOSED_AGE_MS / 1000);
	buf_put_duration(&q->text, g->oldest->received_ms);
	buf_puts(&q->text, ". Without a time limit of its own it waits for ever.");
	if (p)
		say(q,
		    "\nThey are %ju %% of the %ju descriptors that the process may have.",
		    (uintmax_t)(g->n * 100 / p->fd_limit), (uintmax_t)p->fd_limit);
	f->summary = finding_text(q);
	f->advice = advice(q, g);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "oldest_ms", g->oldest->received_ms, true);
	finding_figure(f, "descriptor_limit", p ? p->fd_limit : 0, p);
}

static void judge_half_closed(struct inquiry *q)
{
	static const struct grouping by = { .kind = kind_of, .age = since_received };
	struct groups all = finding_groups(q, &rule_fin_wait_silent, &by);
	size_t i;

	for (i = 0; i < all.n; i++)
		if (all.v[i].n >= HALF_CLOSED_LEAST)
			half_closed_finding(q, &all.v[i]);
}

static bool is_owned(const struct sock *s)
{
	return s->inode;
}

/* The answers to keepalive probes are acknowledgments, too; where there are none, the
 * last was that of our own end. */
static bool is_silent(const struct connection_facts *c)
{
	return c->read[0] && c->has_info && c->received_ms >= HALF_CLOSED_AGE_MS &&
	       (c->age_ms >= HALF_CLOSED_AGE_MS || c->row->timer == TIMER_KEEPALIVE);
}

const struct rule rule_fin_wait_silent = {
	.id = "fin-wait-silent",
	.severity = SEVERITY_NOTE,
	.meaning =
		"The program has called shutdown() and waits for the rest of the answer, but the peer "
		"neither sends nor closes. The kernel sets no time limit while a program holds the "
		"socket.",
	.advice = "Set a time limit for the answer, or call close() if none is expected.",
	.threshold =
		"# owned connections in FIN_WAIT2 of one process to one remote end, each without a "
		"byte from the peer for #; a warning when they are # of RLIMIT_NOFILE",
	.numbers = { COUNT(HALF_CLOSED_LEAST), MS(HALF_CLOSED_AGE_MS),
		     PERCENT(LIMIT_PERCENT) },
	.candidate = is_owned,
	.rows = BIT(STATE_FIN_WAIT2),
	.most = MOST_HALF_CLOSED,
	.least = HALF_CLOSED_LEAST,
	.look = LOOK_STATE,
	.look_ends = true,
	.suspect = is_silent,
	.judge = judge_half_closed,
};
