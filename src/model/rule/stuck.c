/* Connections that do not move, for want of the peer or of the program. */
#include "model/answer/stall.h"
#include "model/rule/rules_private.h"
#include "model/rule/standstill_private.h"

enum {
	STUCK_RETRANS = 2, /* retransmissions or probes without an answer */
};

/* A timer that has fired in vain, or a window that is closed: a peer that lives answers
 * each probe, so that these are not counted. */
static bool timer_in_vain(const struct sock *s)
{
	return s->timer == TIMER_WINDOW_PROBE ||
	       (s->timer == TIMER_RETRANSMIT && s->retrans >= STUCK_RETRANS);
}

static bool is_closed(const struct connection_facts *c)
{
	return is_probing(c) && !window_is_open(c);
}

/* A peer that has taken much may read slowly; one whose program reads at a limited rate
 * takes nothing for long. */
static bool may_be_slow(const struct connection_facts *c)
{
	return is_closed(c) && c->acked[1] > TAKER_BYTES && c->sent_ms < PAUSE_MS;
}

static bool is_full(const struct connection_facts *c)
{
	return c->suspect && was_read_twice(c);
}

/* A program of this host that does not read, or reads slowly, is told itself. */
static bool reader_is_here(struct inquiry *q, const struct connection_facts *c)
{
	struct candidates readers = all_readers(q);

	return other_end(c, &readers, is_closed(c) ? NULL : is_full);
}

/* What this host cannot send is of as many kinds as there are reasons. */
enum {
	KIND_NONE,
	KIND_CLOSED_WINDOW,
	KIND_UNANSWERED,
	KIND_GAP,
	KIND_SHUT_OUT,
	KIND_NOT_SENT
};
enum { REASON_SHIFT = 4, ERROR_SHIFT = 8 };

static unsigned not_sent_kind(const struct inquiry *q, const struct connection_facts *c)
{
	unsigned err = c->way_out && c->way_out->route > 0 ? (unsigned)c->way_out->route
							   : 0;

	return KIND_NOT_SENT | unsent_by(q, c) << REASON_SHIFT | err << ERROR_SHIFT;
}

static bool is_unsent(const struct group *g)
{
	return g->kind >= KIND_NOT_SENT;
}

/* What was sent again did not leave this host either. */
static bool is_not_resent(const struct inquiry *q, const struct connection_facts *c)
{
	enum unsent_by by = unsent_by(q, c);

	return may_be_unsent(c) && (by == UNSENT_SOURCE || by == UNSENT_ROUTE);
}

static bool is_not_sent(const struct inquiry *q, const struct connection_facts *c)
{
	return is_held_back(c) && q->e->interval_ms >= STUCK_AGE_MS;
}

/* Large segments do not arrive, though the peer has the end of the handshake. */
static bool is_shut_out(const struct inquiry *q, const struct connection_facts *c)
{
	struct stall_look l = { .acked = c->acked[1],
				.received = c->received[1],
				.answers = c->answers,
				.unacked = c->send[1],
				.retransmits = c->retrans,
				.mss = c->mss };

	return c->has_info && stall_is_shut_out(&l) && !finding_was_accepted(q, c->row);
}

static unsigned sender_kind(struct inquiry *q, const struct connection_facts *c)
{
	if (!sends_nothing(c) || may_be_slow(c) || reader_is_here(q, c) ||
	    finding_lost_address(q, c->row))
		return KIND_NONE;
	if (is_closed(c))
		return KIND_CLOSED_WINDOW;
	if (is_probing(c))
		return is_not_sent(q, c) ? not_sent_kind(q, c) : KIND_NONE;
	if (is_not_resent(q, c))
		return not_sent_kind(q, c);
	if (c->sacked)
		return KIND_GAP;
	return is_shut_out(q, c) ? KIND_SHUT_OUT : KIND_UNANSWERED;
}

static uint32_t since_sent(const struct connection_facts *c)
{
	return c->sent_ms;
}

static void put_timer(struct inquiry *q, const struct connection_facts *c)
{
	say(q, "; the next try is due in %u ms (rto %u ms).", c->row->expires_ms,
	    c->rto_us / 1000);
}

static const char *of_oldest(const struct group *g)
{
	return g->n > 1 ? "oldest's " : "";
}

/* The timer runs where nothing is on the way and the next segment could not go. */
static void put_probing(struct inquiry *q, const struct group *g)
{
	const struct connection_facts *c = g->oldest;

	if (is_unsent(g)) {
		say(q,
		    "\nThe peer's window is open (%u bytes) and nothing is on the way: ",
		    c->snd_wnd);
		put_unsent(q, c);
		buf_putc(&q->text, '.');
	} else if (c->has_send_window)
		say(q, "\nThe peer's window is closed: its program does not read.");
	else
		say(q,
		    "\nThis host cannot send (a rule of its firewall, the route, the source "
		    "address), or the peer's window is closed: this kernel does not tell "
		    "which.");
	/* A try that fails in this host counts as sent. */
	say(q, "%sThe %sprobe timer was doubled %u time%s; data was last %s ",
	    is_unsent(g) ? "\n" : " ", of_oldest(g), c->backoff,
	    c->backoff == 1 ? "" : "s", is_unsent(g) ? "tried" : "sent");
	buf_put_duration(&q->text, c->sent_ms);
	say(q, " ago");
	put_timer(q, c);
}

/* Nothing but our SYN was ever acknowledged, and nothing came: the server may not have
 * the connection at all. Of one that was accepted here, the end of the handshake came. */
static bool is_unheard(const struct connection_facts *c)
{
	return c->has_info && c->acked[1] <= 1 && !c->received[1];
}

static size_t count_unheard(const struct group *g)
{
	size_t i, n = 0;

	for (i = 0; i < g->n && g->places[0].addr.port; i++)
		n += is_unheard(g->v[i]);
	return n;
}

/* Each fact allows both: a queue that is full drops the end of a handshake, too. */
static void put_unheard(struct inquiry *q, const struct group *g)
{
	size_t n = count_unheard(g);

	if (!n || g->kind != KIND_UNANSWERED)
		return;
	if (n == g->n)
		say(q, "\nNothing was ever acknowledged on %s: ",
		    n == 1 ? "this connection" : "these connections");
	else
		say(q, "\nNothing was ever acknowledged on %zu of them: ", n);
	say(q,
	    "what this host sends does not arrive (a firewall that sees one direction only, "
	    "for instance), or the server's accept queue was full when it connected.");
}

static void put_retransmission(struct inquiry *q, const struct group *g)
{
	const struct connection_facts *c = g->oldest;

	if (is_unsent(g)) {
		buf_puts(&q->text, "\nNone of its segments can leave: ");
		put_unsent(q, c);
		say(q, ".\nThe %ssegment was tried again %u times", of_oldest(g),
		    c->retrans);
		put_timer(q, c);
		return;
	}

	say(q, "\nThe %ssegment was retransmitted %u times %s", of_oldest(g), c->retrans,
	    g->kind == KIND_UNANSWERED ? "without an answer" : "and did not arrive");
	if (g->kind == KIND_SHUT_OUT)
		say(q,
		    ", though the peer has the end of the handshake (its SYN-ACK is not sent "
		    "again): segments of up to %u bytes do not arrive",
		    c->mss);
	if (g->kind == KIND_GAP)
		say(q,
		    ", though the peer has confirmed %u behind it: larger ones (up to %u "
		    "bytes) do not arrive, possibly the path's MTU is below %u",
		    c->sacked, c->mss, c->pmtu);
	if (c->has_send_window)
		say(q, ", the peer's window is open (%u bytes)", c->snd_wnd);
	put_timer(q, c);
	put_unheard(q, g);
	if (g->kind == KIND_SHUT_OUT)
		say(q, "\nPossible are %s.", stall_reasons(STALL_TOWARDS_PEER, false));
}

/* Where to look, with the address: a port that the peer's kernel drew answers nothing. */
static const char *sender_advice(struct inquiry *q, const struct group *g)
{
	const struct place *first = &g->places[0];

	if (is_unsent(g)) {
		advise_unsent(q, g->oldest);
	} else if (g->kind == KIND_CLOSED_WINDOW && !g->oldest->has_send_window) {
		advise_unsent(q, g->oldest);
		advise_in_words(&q->text,
				"if nothing holds it back, look at the program at "
				"the other end");
	} else if (g->kind == KIND_CLOSED_WINDOW) {
		buf_puts(&q->text, "look at the program at the other end (");
		finding_put_places(q, g);
		buf_puts(&q->text, "): what does it do instead of reading?");
	} else if ((g->kind == KIND_GAP || g->kind == KIND_SHUT_OUT) && g->oldest->pmtu) {
		stall_put_advice(&q->text, &g->oldest->row->peer, g->oldest->pmtu,
				 !finding_was_accepted(q, g->oldest->row));
	} else {
		buf_puts(
			&q->text,
			"the peer or the path to it is gone; whether it answers at all:");
		finding_advise_peer(q, &first->addr, count_unheard(g));
	}
	return finding_text(q);
}

static uint64_t unsent_bytes(const struct group *g)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < g->n; i++)
		bytes += g->v[i]->send[1];
	return bytes;
}

static void sender_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_stuck_sender, g);
	bool closed = g->kind == KIND_CLOSED_WINDOW;
	const struct connection_facts *c = g->oldest;

	say(q,
	    "%ju bytes wait in SEND-Q and none was acknowledged between two readings "
	    "%u ms apart.",
	    (uintmax_t)unsent_bytes(g), q->e->interval_ms);
	if (is_probing(c))
		put_probing(q, g);
	else
		put_retransmission(q, g);
	f->summary = finding_text(q);
	f->advice = sender_advice(q, g);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "send_queue_bytes", unsent_bytes(g), true);
	finding_figure(f, "retrans", c->retrans, true);
	finding_figure(f, "backoff", c->backoff, c->has_info);
	finding_figure(f, "rto_us", c->rto_us, c->has_info);
	finding_figure(f, "timer_expires_ms", c->row->expires_ms, true);
	finding_figure(f, "send_window_bytes", c->snd_wnd, c->has_send_window);
	finding_figure(f, "zero_window", closed, !closed || c->has_send_window);
	finding_figure(f, "last_sent_ms", c->sent_ms, c->has_info);
	unsent_figure(q, f, c);
}

enum { MOST_PLACES = 3 }; /* of one process: with more the trouble is its own */

static void judge_senders(struct inquiry *q)
{
	static const struct grouping by = { .kind = sender_kind,
					    .age = since_sent,
					    .most_places = MOST_PLACES,
					    .tell = sender_finding };

	finding_judge_groups(q, &rule_stuck_sender, &by);
}

static bool may_be_stuck_sending(const struct sock *s)
{
	return s->send_queue && s->inode && timer_in_vain(s);
}

static bool suspect_sender(const struct connection_facts *c)
{
	return c->read[0] && c->send[0] &&
	       (c->retrans >= STUCK_RETRANS || c->sent_ms >= STUCK_AGE_MS ||
		is_held_back(c));
}

/* What gets no answer at all has no window that could open. */
static uint32_t watch_sender(const struct connection_facts *c)
{
	return is_probing(c) ? WATCH_MS : 0;
}

const struct rule rule_stuck_sender = {
	.id = "stuck-sender",
	.severity = SEVERITY_WARNING,
	.meaning =
		"Data waits to be sent and nothing is acknowledged: the peer's window is closed "
		"because its program does not read, this host cannot send (its firewall, the route, "
		"the source address), or segments are retransmitted without an answer.",
	.advice =
		"With a closed window look at the program at the other end; where this host does not "
		"send, at its own firewall, route and address; with retransmissions at the path.",
	.threshold =
		"nothing acknowledged between two readings, with # retransmissions, or a window closed "
		"for # and watched for #, or for # where the peer has taken much before; or with an "
		"open window and nothing on the way; not where the program that should read is on this "
		"host, nor where the local address is gone",
	.numbers = { COUNT(STUCK_RETRANS), MS(STUCK_AGE_MS), MS(WATCH_MS), MS(PAUSE_MS) },
	.candidate = may_be_stuck_sending,
	.rows = STATES_WITH_DATA,
	.queued = true,
	.look = LOOK_EACH,
	.suspect = suspect_sender,
	.again = AGAIN_EACH,
	.stands = sends_nothing,
	.watch = watch_sender,
	.unsent = may_be_unsent,
	.judge = judge_senders,
};

enum { SENDER_NONE, SENDER_MOVES, SENDER_WAITS };

/* A program of this host is judged itself: what it had to read, it may have read a
 * moment ago. */
static unsigned slow_kind(struct inquiry *q, const struct connection_facts *c)
{
	if (!was_read_twice(c) || !is_closed(c) || sock_peer_is_here(c->row) ||
	    reader_is_here(q, c))
		return SENDER_NONE;
	if (!sends_nothing(c))
		return SENDER_MOVES;
	return may_be_slow(c) ? SENDER_WAITS : SENDER_NONE;
}

static void slow_peer_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_slow_peer, g);
	uint64_t acked = 0;
	size_t i;

	for (i = 0; i < g->n; i++)
		acked += g->v[i]->acked[1] - g->v[i]->acked[0];
	say(q, "%ju bytes wait in SEND-Q and ", (uintmax_t)unsent_bytes(g));
	if (g->kind == SENDER_MOVES) {
		say(q, "%ju were acknowledged in %u ms", (uintmax_t)acked,
		    q->e->interval_ms);
		finding_put_rate(q, acked);
	} else {
		buf_puts(&q->text, "data was last sent ");
		buf_put_duration(&q->text, g->oldest->sent_ms);
		buf_puts(&q->text, " ago");
	}
	buf_puts(&q->text, ": the peer's window is closed most of the time.");
	f->summary = finding_text(q);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "send_queue_bytes", unsent_bytes(g), true);
	finding_figure(f, "bytes_per_second", finding_per_second(q, acked), true);
	finding_figure(f, "last_sent_ms", g->oldest->sent_ms, g->oldest->has_info);
}

static void judge_slow_peers(struct inquiry *q)
{
	static const struct grouping by = { .kind = slow_kind,
					    .age = since_sent,
					    .most_places = MOST_PLACES,
					    .tell = slow_peer_finding };

	finding_judge_groups(q, &rule_stuck_sender, &by);
}

const struct rule rule_slow_peer = {
	.id = "slow-peer",
	.severity = SEVERITY_NOTE,
	.meaning =
		"Data waits to be sent because the program at the other end reads slowly, at a "
		"limited rate perhaps: its window is closed most of the time.",
	.advice = "Look at the program at the other end if that is too slow.",
	.threshold =
		"a window closed for #, and something is acknowledged within #, or the peer has taken "
		"much and nothing for less than #; not where the peer is on this host",
	.numbers = { MS(STUCK_AGE_MS), MS(WATCH_MS), MS(PAUSE_MS) },
	.judge = judge_slow_peers,
};
