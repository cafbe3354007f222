/* Small writes that wait for the acknowledgment of the one before. */
#include "model/finding/looks.h"
#include "model/rule/limited_private.h"
#include "model/rule/rules_private.h"
#include "model/rule/standstill_private.h"

enum {
	ANEW_LEAST = 3, /* looks, each behind another segment */
	LATE_US = 10000,
	MOST_PLACES = 3,
	MOST_READ = 256, /* one by one */
};

static bool suspect_nagle(const struct connection_facts *c)
{
	return c->read[0] && c->has_sent && c->has_send_window && c->unacked == 1 &&
	       c->unsent && c->unsent < c->mss && !c->retrans;
}

enum { KIND_NONE, KIND_PROVEN, KIND_LIKELY };

static bool is_known(uint64_t option)
{
	return option != UINT64_MAX;
}

/* The acknowledgment of the first is later than the path explains. */
static bool is_delayed(const struct connection_facts *c)
{
	uint64_t late_us = c->rtt_least_us + LATE_US;

	return c->rtt_us > late_us ||
	       c->looks.small_most_ms * 1000ull > late_us + c->rtt_least_us / 4;
}

/* Of data in one direction alone nobody waits for the answer: there Nagle's algorithm
 * does what it is for. */
static bool is_dialogue(const struct connection_facts *c)
{
	return c->received[1] > c->received[0] && c->acked[1] > c->acked[0];
}

/* Where the options cannot be read the program may hold the data back itself. */
static unsigned nagle_kind(struct inquiry *q, const struct connection_facts *c)
{
	const struct sock_options *o = c->options;

	(void)q;
	if (!was_read_twice(c) || c->looks.small_anew < ANEW_LEAST || c->looks.corked ||
	    c->sent[0].again != c->sent[1].again || !is_delayed(c) || !is_dialogue(c))
		return KIND_NONE;
	if (!o || !is_known(o->nodelay) || !is_known(o->cork))
		return KIND_LIKELY;
	return !o->nodelay && !o->cork ? KIND_PROVEN : KIND_NONE;
}

static uint32_t waited_ms(const struct connection_facts *c)
{
	return c->looks.small_most_ms;
}

static void nagle_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_nagle_delay, g);
	const struct connection_facts *c = g->oldest;

	say(q,
	    "A small write waits for the acknowledgment of the one before it: in %u of %u "
	    "looks within %u ms, for up to %u ms. The round trip of the path is ",
	    c->looks.small, c->looks.n, q->e->interval_ms, c->looks.small_most_ms);
	buf_put_time(&q->text, c->rtt_least_us);
	buf_puts(&q->text, ".\n");
	if (g->kind == KIND_PROVEN)
		buf_puts(
			&q->text,
			"TCP_NODELAY is off: Nagle's algorithm holds a second small write back "
			"until the first is acknowledged,\nand the peer delays that "
			"acknowledgment.");
	else
		buf_puts(
			&q->text,
			"Either TCP_NODELAY is off (Nagle's algorithm) and the peer delays its "
			"acknowledgments,\nor the program holds the data back itself (TCP_CORK, "
			"MSG_MORE): the options of the socket could not be read.");
	f->summary = finding_text(q);
	buf_puts(
		&q->text,
		"write what belongs together at once (a buffer, writev(), or TCP_CORK around the "
		"writes), or set TCP_NODELAY in the program");
	f->advice = finding_text(q);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "looks", c->looks.n, true);
	finding_figure(f, "looks_held", c->looks.small, true);
	finding_figure(f, "waited_ms", c->looks.small_most_ms, true);
	finding_figure(f, "min_rtt_us", c->rtt_least_us, true);
	finding_figure(f, "unsent_bytes", c->unsent, true);
}

static void judge_nagle(struct inquiry *q)
{
	static const struct grouping by = { .kind = nagle_kind,
					    .age = waited_ms,
					    .most_places = MOST_PLACES,
					    .tell = nagle_finding };

	finding_judge_groups(q, &rule_nagle_delay, &by);
}

const struct rule rule_nagle_delay = {
	.id = "nagle-delay",
	.severity = SEVERITY_NOTE,
	.meaning =
		"A program sends a message in several small writes without TCP_NODELAY, and its peer "
		"delays acknowledgments: each message takes 40 ms and more longer than it should.",
	.advice =
		"Write what belongs together at once (writev, TCP_CORK), or set TCP_NODELAY.",
	.threshold =
		"in # looks or more, each time behind another segment, less than a segment waits for "
		"the acknowledgment of a single one, though both windows have room; acknowledgments take "
		"# longer than the least round trip; data goes both ways, and nothing is sent again; "
		"neither TCP_NODELAY nor TCP_CORK is set, or they cannot be read; looked for with "
		"--findings=all only",
	.numbers = { COUNT(ANEW_LEAST), MS(LATE_US / 1000) },
	.candidate = may_be_sending,
	.rows = STATES_WITH_DATA,
	.queued = true,
	.for_notes = true,
	.most = MOST_READ,
	.look = LOOK_EACH,
	.options = true,
	.suspect = suspect_nagle,
	.again = AGAIN_EACH,
	.stands = wants_looks,
	.watch = watch_looks,
	.samples = true,
	.judge = judge_nagle,
};
