/* Connections of which much of what they send does not arrive at the first attempt. */
#include "model/rule/rules_private.h"
#include "model/rule/standstill_private.h"
#include "model/tcpinfo.h"

/*
 * The share of what was sent that was sent again. ITU-T Y.1541 allows a network path one
 * packet in a thousand; ten times that is a note. Web servers had 2.8 % over all their
 * clients (Dukkipati and others, IMC 2011), so that a warning needs more: at 5 % the
 * window that loss permits, 1.22 / sqrt(p) segments (Mathis and others, 1997), is five or
 * six, and half of that is too few for the three duplicates that fast retransmission
 * needs (RFC 5681): from there on the connection waits for timeouts.
 *
 * That is a share only of many: ten lost segments are those of a thousand on a path that
 * loses 1 %, give or take a third. A connection that begins fills the queue in front of
 * the bottleneck, and loses up to a window at once when it overflows: over fifty round
 * trips that is less than 5 %.
 */
enum {
	NOTE_PERCENT = 1,
	WARNING_PERCENT = 5,
	LOST_LEAST = 10,      /* segments */
	ROUND_TRIPS = 50,     /* with data on the way */
	BUSY_LEAST_MS = 1000, /* that long at least: a timeout takes 200 ms */
	RECENT_MS = 60000,    /* since data was sent: older losses are history */
	MOST_READ = 256,      /* one by one */
	EXPECTED_LOSSES = 5,  /* none of so many: it is over (p < 1 %) */
	OVERTAKEN_LEAST = 3,
	OVERTAKEN_PERMILLE = 1, /* of the segments sent again */
	MOST_PLACES = 3,	/* with more the cause is likely close to this host */
	RECOVERY = 3,
	LOSS = 4 /* of tcp_ca_state */
};

/* What was sent in a time, and sent again. */
struct span {
	uint64_t sent, resent; /* bytes */
	uint64_t segments;     /* of resent */
	uint64_t lost;	       /* of these: those that were needed */
};

/* Segments that the peer reported as duplicates (D-SACK) came late, or only their
 * acknowledgment was lost. Not each of them is reported: where segments merely overtake
 * each other about nine in ten are. Those of a timeout that has no answer yet are no
 * share: the peer may be gone. */
static uint64_t needed(uint64_t segments, uint64_t duplicates, uint64_t unanswered)
{
	uint64_t spurious = duplicates + duplicates / 4 + unanswered;

	return segments > spurious ? segments - spurious : 0;
}

static struct span whole_life(const struct connection_facts *c, int turn)
{
	const struct sent_facts *s = &c->sent[turn];

	return (struct span){ s->bytes, s->bytes_again, s->again,
			      needed(s->again, s->duplicates, c->retrans) };
}

static struct span between(const struct connection_facts *c)
{
	const struct sent_facts *a = &c->sent[0], *b = &c->sent[1];

	if (!was_read_twice(c) || b->bytes < a->bytes || b->again < a->again ||
	    b->duplicates < a->duplicates)
		return (struct span){ 0 };
	return (struct span){
		b->bytes - a->bytes, b->bytes_again - a->bytes_again, b->again - a->again,
		needed(b->again - a->again, b->duplicates - a->duplicates, c->retrans)
	};
}

static void add(struct span *sum, struct span s)
{
	sum->sent += s.sent;
	sum->resent += s.resent;
	sum->segments += s.segments;
	sum->lost += s.lost;
}

/* a * b / c, of what a kernel may count; 0 of nothing. */
static uint64_t scaled(uint64_t a, uint64_t b, uint64_t c)
{
	static const double most = 1e18;
	double x = c ? (double)a * (double)b / (double)c : 0;

	return (uint64_t)MIN(x, most);
}

/* Bytes that were sent again because they were lost. */
static uint64_t lost_bytes(struct span s)
{
	return scaled(s.resent, s.lost, s.segments);
}

static uint64_t permille(struct span s)
{
	return scaled(lost_bytes(s), 1000, s.sent);
}

static bool is_lossy(struct span s)
{
	return s.lost >= LOST_LEAST && permille(s) >= NOTE_PERCENT * 10;
}

/* Long enough that the losses of a beginning do not make the share. */
static bool takes_round_trips(const struct connection_facts *c, uint64_t us)
{
	return us >= (uint64_t)c->rtt_us * ROUND_TRIPS;
}

static bool was_lossy(const struct connection_facts *c, int turn)
{
	return c->busy_us >= BUSY_LEAST_MS * 1000ull &&
	       takes_round_trips(c, c->busy_us) && is_lossy(whole_life(c, turn));
}

/* One that has sent well for long may have begun to lose: it shows that now. */
static bool may_become_lossy(const struct connection_facts *c)
{
	return (c->ca_state == RECOVERY || c->ca_state == LOSS) &&
	       takes_round_trips(c, READING_INTERVAL_MS * 1000ull) &&
	       c->sent[0].again >= LOST_LEAST;
}

static bool suspect_lossy(const struct connection_facts *c)
{
	return c->read[0] && c->has_sent && c->sent_ms < RECENT_MS &&
	       (was_lossy(c, 0) || may_become_lossy(c));
}

/* One cause, one finding. */
static bool is_stuck(const struct inquiry *q, const struct connection_facts *c)
{
	size_t i, k;

	for (i = 0; i < q->fs->n; i++)
		for (k = 0; q->fs->v[i]->rule == &rule_stuck_sender &&
			    k < q->fs->v[i]->n_cookies;
		     k++)
			if (q->fs->v[i]->cookies[k] == c->row->cookie)
				return true;
	return false;
}

static unsigned lossy_kind(struct inquiry *q, const struct connection_facts *c)
{
	if (!c->has_sent || is_stuck(q, c))
		return 0;
	return was_lossy(c, c->read[1]) ||
	       (takes_round_trips(c, q->e->interval_ms * 1000ull) &&
		is_lossy(between(c)));
}

static uint32_t since_sent(const struct connection_facts *c)
{
	return c->sent_ms;
}

/* What the connections of a group say together. */
struct losses {
	struct span life, now;
	uint64_t duplicates, reordered;
};

static struct losses losses_of(const struct group *g)
{
	struct losses x = { 0 };
	size_t i;

	for (i = 0; i < g->n; i++) {
		int last = g->v[i]->read[1];

		add(&x.life, whole_life(g->v[i], last));
		add(&x.now, between(g->v[i]));
		x.duplicates += g->v[i]->sent[last].duplicates;
		x.reordered += g->v[i]->reordered;
	}
	return x;
}

/* None was lost, where some should have been. */
static bool is_over(const struct losses *x)
{
	uint64_t expected = scaled(x->now.sent, lost_bytes(x->life), x->life.sent);
	uint64_t segment = scaled(x->life.resent, 1, x->life.segments);

	return !x->now.lost && segment && expected / segment >= EXPECTED_LOSSES;
}

/* A peer that reports no duplicates leaves open which of them came late. The kernel sees
 * few of those that overtake others, and once or twice one where they are merely lost. */
static bool may_be_late(const struct losses *x)
{
	return !x->duplicates && x->reordered >= OVERTAKEN_LEAST &&
	       x->reordered * 1000 >= x->life.segments * OVERTAKEN_PERMILLE;
}

static void put_share(struct inquiry *q, struct span s, const char *since)
{
	uint64_t share = permille(s);

	say(q, "%ju.%ju %% of the bytes sent%s were retransmissions: %ju of %ju.",
	    (uintmax_t)(share / 10), (uintmax_t)(share % 10), since,
	    (uintmax_t)lost_bytes(s), (uintmax_t)s.sent);
}

static void put_interval(struct inquiry *q, const struct losses *x)
{
	if (!q->e->interval_ms)
		return;
	if (!x->now.sent) {
		say(q, "\nNothing was sent between two readings %u ms apart.",
		    q->e->interval_ms);
		return;
	}
	say(q, "\nBetween two readings %u ms apart: %ju of %ju bytes", q->e->interval_ms,
	    (uintmax_t)lost_bytes(x->now), (uintmax_t)x->now.sent);
	finding_put_rate(q, lost_bytes(x->now));
	buf_puts(&q->text, is_over(x) ? "; the loss seems to be over." : ".");
}

/* What is not known: in which direction, and where. */
static void put_way(struct inquiry *q, const struct group *g, const struct losses *x)
{
	if (addr_is_loopback(&g->places[0].addr))
		buf_puts(&q->text,
			 "\nBoth ends are on this host: it drops packets itself.");
	else
		buf_puts(&q->text,
			 "\nWhat this host sends is lost on the way to the peer, or the "
			 "acknowledgments on the way back;\nthis end cannot tell which. "
			 "The firewall or the queues of this host may drop it, too.");
	if (x->duplicates)
		say(q,
		    "\nThe peer reported %ju segment%s that it had already: late "
		    "instead of lost, and not counted.",
		    (uintmax_t)x->duplicates, x->duplicates == 1 ? "" : "s");
	if (may_be_late(x))
		buf_puts(&q->text,
			 "\nSegments overtook each other, and the peer reports no "
			 "duplicates: they may have come late instead of never.");
}

static const char *lossy_advice(struct inquiry *q, const struct group *g)
{
	struct advised asker = { .uid = q->e->asker };
	struct addr ip = addr_unmapped(&g->places[0].addr);
	_cleanup_buf_ struct buf to = { 0 };

	addr_put_ip(&to, &ip);
	buf_puts(&q->text, "whether this host drops packets itself, in its queues, its "
			   "interfaces or its firewall:");
	advise(&q->text, ADVICE_QDISC, asker);
	advise(&q->text, ADVICE_LINK_COUNTERS, asker);
	advise(&q->text, ADVICE_NFT, asker);
	if (!addr_is_loopback(&ip)) {
		advise_in_words(&q->text, "if it does not, where on the path:");
		advise(&q->text, ADVICE_MTR, asker, buf_cstr(&to));
	}
	return finding_text(q);
}

static void lossy_figures(struct inquiry *q, struct finding *f, const struct group *g,
			  const struct losses *x)
{
	bool twice = q->e->interval_ms;

	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "retransmitted_permille", permille(x->life), true);
	finding_figure(f, "bytes_sent", x->life.sent, true);
	finding_figure(f, "bytes_retrans", x->life.resent, true);
	finding_figure(f, "segments_retrans", x->life.segments, true);
	finding_figure(f, "segments_duplicate", x->duplicates, true);
	finding_figure(f, "retransmitted_permille_between_readings", permille(x->now),
		       twice);
	finding_figure(f, "bytes_sent_between_readings", x->now.sent, twice);
	finding_figure(f, "bytes_retrans_between_readings", x->now.resent, twice);
	finding_figure(f, "retransmitted_bytes_per_second",
		       finding_per_second(q, lost_bytes(x->now)), twice);
	finding_figure(f, "reordered", x->reordered, true);
	finding_figure(f, "rtt_us", g->oldest->rtt_us, true);
}

static void lossy_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_lossy_path, g);
	struct losses x = losses_of(g);
	bool always = is_lossy(x.life);

	if (permille(always ? x.life : x.now) < WARNING_PERCENT * 10 || is_over(&x) ||
	    may_be_late(&x))
		f->severity = SEVERITY_NOTE;
	put_share(q, x.life, always ? "" : " so far");
	put_interval(q, &x);
	put_way(q, g, &x);
	f->summary = finding_text(q);
	f->advice = lossy_advice(q, g);
	lossy_figures(q, f, g, &x);
}

static void judge_lossy(struct inquiry *q)
{
	static const struct grouping by = { .kind = lossy_kind,
					    .age = since_sent,
					    .most_places = MOST_PLACES,
					    .of_anyone = true,
					    .of_hosts = true,
					    .tell = lossy_finding };

	finding_judge_groups(q, &rule_lossy_path, &by);
}

/* Where the row has TCP_INFO already, it tells whether more is worth it; without, each
 * connection with data on the way may be one. */
static bool may_be_lossy(const struct sock *s)
{
	uint64_t sent, again;

	if (!s->inode)
		return false;
	if (!sock_info_u64(s, offsetof(struct tcpinfo, bytes_sent), &sent) ||
	    !sock_info_u64(s, offsetof(struct tcpinfo, bytes_retrans), &again))
		return s->send_queue && s->timer == TIMER_RETRANSMIT;
	return again && (s->send_queue || again >= sent / 100 * NOTE_PERCENT);
}

const struct rule rule_lossy_path = {
	.id = "lossy-path",
	.severity = SEVERITY_WARNING,
	.meaning =
		"Much of what this host sends does not arrive, or is not acknowledged, at the first "
		"attempt: the connection works, but slowly, and with pauses. Which of both "
		"directions loses packets, and where, this end cannot tell.",
	.advice =
		"See whether this host drops packets itself (tc -s qdisc, ip -s link, its firewall); "
		"then where on the path.",
	.threshold =
		"# of the bytes sent were retransmissions, # segments or more, over # round trips with "
		"data on the way and #, or over as many between two readings; a note from # on, or where "
		"the loss seems to be over. Segments that the peer reports as duplicates came late and "
		"do not count",
	.numbers = { PERCENT(WARNING_PERCENT), COUNT(LOST_LEAST), COUNT(ROUND_TRIPS),
		     MS(BUSY_LEAST_MS), PERCENT(NOTE_PERCENT) },
	.candidate = may_be_lossy,
	.rows = STATES_WITH_DATA,
	.queued = true,
	.most = MOST_READ,
	.look = LOOK_EACH,
	.suspect = suspect_lossy,
	.again = AGAIN_EACH,
	.judge = judge_lossy,
};
