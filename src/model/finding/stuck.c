/* Connections that do not move, for want of the peer or of the program. */
#include "model/finding/inquiry_private.h"
#include "model/finding/rules_private.h"

enum {
	STUCK_RETRANS = 2,   /* retransmissions or probes without an answer */
	STUCK_AGE_MS = 1000, /* a closed window is normal for a moment */
	READER_PERCENT = 80, /* of the receive buffer */
	READER_LEAST_BYTES = 1024,
};

/* A timer that has fired in vain, or a window that is closed: a peer that lives answers
 * each probe, so that these are not counted. */
static bool timer_in_vain(const struct sock *s)
{
	return s->timer == TIMER_WINDOW_PROBE ||
	       (s->timer == TIMER_RETRANSMIT && s->retrans >= STUCK_RETRANS);
}

static bool reader_stands(const struct connection_facts *c)
{
	return c->suspect && c->read[0] && c->read[1] && c->recv[1] >= c->recv[0] &&
	       c->recv[1] - c->recv[0] == c->received[1] - c->received[0];
}

static bool sender_stands(const struct connection_facts *c)
{
	return c->suspect && c->read[0] && c->read[1] && c->send[0] &&
	       c->send[1] >= c->send[0] && c->acked[0] == c->acked[1];
}

static bool other_ends(const struct sock *a, const struct sock *b)
{
	return a->local.port == b->peer.port && a->peer.port == b->local.port &&
	       addr_same_end(&a->local, &b->peer) && addr_same_end(&a->peer, &b->local);
}

/* Those in which a program may have data to send or to read. */
enum {
	STATES_WITH_DATA = BIT(STATE_ESTABLISHED) | BIT(STATE_FIN_WAIT1) |
			   BIT(STATE_FIN_WAIT2) | BIT(STATE_CLOSE_WAIT) |
			   BIT(STATE_CLOSING) | BIT(STATE_LAST_ACK),
};

/* The other end on this host, of those that do not read, or do not send; or NULL. */
static const struct connection_facts *
other_end(const struct connection_facts *c, const struct candidates *all,
	  bool (*stands)(const struct connection_facts *))
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (stands(&all->v[i]) && other_ends(c->row, all->v[i].row))
			return &all->v[i];
	return NULL;
}

enum { KIND_NONE, KIND_CLOSED_WINDOW, KIND_UNANSWERED };

/* A program of this host that does not read is told, and who waits for it. */
static unsigned sender_kind(struct inquiry *q, const struct connection_facts *c)
{
	struct candidates readers = finding_candidates(q, &rule_stuck_reader);

	if (!sender_stands(c) || other_end(c, &readers, reader_stands))
		return KIND_NONE;
	return c->row->timer == TIMER_WINDOW_PROBE ? KIND_CLOSED_WINDOW : KIND_UNANSWERED;
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

static void put_closed_window(struct inquiry *q, const struct group *g)
{
	const struct connection_facts *c = g->oldest;

	say(q,
	    "\nThe peer's window is closed: its program does not read. The %sprobe "
	    "timer was doubled %u time%s; data was last sent ",
	    of_oldest(g), c->backoff, c->backoff == 1 ? "" : "s");
	buf_put_duration(&q->text, c->sent_ms);
	say(q, " ago");
	put_timer(q, c);
}

static void put_retransmission(struct inquiry *q, const struct group *g)
{
	const struct connection_facts *c = g->oldest;

	say(q, "\nThe %ssegment was retransmitted %u times without an answer",
	    of_oldest(g), c->retrans);
	if (c->has_windows)
		say(q, ", the peer's window is open (%u bytes)", c->snd_wnd);
	put_timer(q, c);
}

/* Where to look, with the address: a port that the peer's kernel drew answers nothing. */
static const char *sender_advice(struct inquiry *q, const struct group *g)
{
	const struct place *first = &g->places[0];

	if (g->kind == KIND_CLOSED_WINDOW) {
		buf_puts(&q->text, "look at the program at the other end (");
		finding_put_places(q, g);
		buf_puts(&q->text, "): what does it do instead of reading?");
	} else if (first->addr.port) {
		buf_puts(&q->text, "the peer or the path to it is gone: sockctl probe ");
		addr_put(&q->text, &first->addr);
		buf_puts(&q->text, " tells whether it answers at all");
	} else {
		buf_puts(&q->text, "the peer or the path to it is gone: ping ");
		finding_put_ip(q, &first->addr);
		buf_puts(&q->text, " tells whether it answers at all");
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
	if (closed)
		put_closed_window(q, g);
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
	finding_figure(f, "send_window_bytes", c->snd_wnd, c->has_windows);
	finding_figure(f, "zero_window", closed, true);
	finding_figure(f, "last_sent_ms", c->sent_ms, c->has_info);
}

enum { MOST_PLACES = 3 }; /* of one process: with more the trouble is its own */

static void judge_senders(struct inquiry *q)
{
	static const struct grouping by = { .kind = sender_kind,
					    .age = since_sent,
					    .most_places = MOST_PLACES };
	struct groups all = finding_groups(q, &rule_stuck_sender, &by);
	size_t i;

	for (i = 0; i < all.n; i++)
		sender_finding(q, &all.v[i]);
}

static bool may_be_stuck_sending(const struct sock *s)
{
	return s->send_queue && s->inode && timer_in_vain(s);
}

static bool suspect_sender(const struct connection_facts *c)
{
	return c->read[0] && c->send[0] &&
	       (c->retrans >= STUCK_RETRANS || c->sent_ms >= STUCK_AGE_MS);
}

const struct rule rule_stuck_sender = {
	.id = "stuck-sender",
	.severity = SEVERITY_WARNING,
	.meaning =
		"Data waits to be sent and nothing is acknowledged: the peer's window is closed "
		"because its program does not read, or segments are retransmitted without an answer.",
	.advice =
		"With a closed window look at the program at the other end; with retransmissions at "
		"the path to it.",
	.threshold =
		"SEND-Q unchanged over two readings, with # retransmissions, or a window closed for #; "
		"not where the program that does not read is on this host and told itself",
	.numbers = { COUNT(STUCK_RETRANS), MS(STUCK_AGE_MS) },
	.candidate = may_be_stuck_sending,
	.rows = STATES_WITH_DATA,
	.queued = true,
	.look = LOOK_EACH,
	.suspect = suspect_sender,
	.again = AGAIN_EACH,
	.judge = judge_senders,
};

static unsigned reader_kind(struct inquiry *q, const struct connection_facts *c)
{
	(void)q;
	return reader_stands(c);
}

static uint32_t since_received(const struct connection_facts *c)
{
	return c->received_ms;
}

/* The sender on this host that waits for the longest of them, if there is one. */
static const struct connection_facts *sender_to(const struct inquiry *q,
						const struct group *g)
{
	struct candidates senders = finding_candidates(q, &rule_stuck_sender);
	const struct connection_facts *s = other_end(g->oldest, &senders, sender_stands);
	size_t i;

	for (i = 0; i < g->n && !s; i++)
		s = other_end(g->v[i], &senders, sender_stands);
	return s;
}

static uint64_t unread_bytes(const struct group *g)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < g->n; i++)
		bytes += g->v[i]->recv[1];
	return bytes;
}

static void put_unread(struct inquiry *q, const struct group *g)
{
	const struct connection_facts *c = g->oldest;

	say(q,
	    "%ju bytes wait in RECV-Q and the program read none between two readings %u "
	    "ms apart; ",
	    (uintmax_t)unread_bytes(g), q->e->interval_ms);
	if (g->n > 1)
		buf_puts(&q->text, "of the oldest ");
	say(q, "%u of %u bytes of its receive buffer are in use. Data last came ",
	    c->rmem[1], c->rcvbuf);
	buf_put_duration(&q->text, c->received_ms);
	say(q, " ago.");
	if (c->has_windows && !c->rcv_wnd)
		say(q, "\nThe window is closed: the peer cannot send.");
}

static void reader_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_stuck_reader, g);
	const struct connection_facts *c = g->oldest, *sender = sender_to(q, g);
	const struct holder *h = g->holders;

	put_unread(q, g);
	if (sender) {
		say(q, "\n%u bytes wait for it in the SEND-Q of ", sender->send[1]);
		finding_put_holders(q, sender->holders);
		buf_putc(&q->text, '.');
	}
	f->summary = finding_text(q);
	if (h) {
		say(q, "see what ");
		buf_put_escaped(&q->text, h->command, strlen(h->command));
		say(q, "[%d] does instead of reading: cat /proc/%d/wchan", h->pid,
		    h->pid);
		f->advice = finding_text(q);
	}
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "recv_queue_bytes", unread_bytes(g), true);
	finding_figure(f, "receive_buffer_bytes", c->rcvbuf, c->has_mem);
	finding_figure(f, "receive_memory_bytes", c->rmem[1], c->has_mem);
	finding_figure(f, "receive_window_bytes", c->rcv_wnd, c->has_windows);
	finding_figure(f, "last_received_ms", c->received_ms, c->has_info);
	finding_figure(f, "peer_send_queue_bytes", sender ? sender->send[1] : 0, sender);
}

static void judge_readers(struct inquiry *q)
{
	static const struct grouping by = { .kind = reader_kind,
					    .age = since_received,
					    .most_places = MOST_PLACES };
	struct groups all = finding_groups(q, &rule_stuck_reader, &by);
	size_t i;

	for (i = 0; i < all.n; i++)
		reader_finding(q, &all.v[i]);
}

static bool may_be_stuck_reading(const struct sock *s)
{
	return s->recv_queue >= READER_LEAST_BYTES && s->inode;
}

static bool suspect_reader(const struct connection_facts *c)
{
	uint64_t least = (uint64_t)c->rcvbuf * READER_PERCENT;

	return c->read[0] && c->received_ms >= STUCK_AGE_MS &&
	       ((c->has_mem && c->rmem[0] * 100ull >= least) ||
		(c->has_windows && !c->rcv_wnd));
}

const struct rule rule_stuck_reader = {
	.id = "stuck-reader",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The receive buffer is full and the program does not read: the window is closed, the "
		"peer cannot send.",
	.advice = "See what the program waits for instead of reading.",
	.threshold =
		"# of the receive buffer or a closed window, at least # bytes, nothing read between "
		"two readings, no data for #",
	.numbers = { PERCENT(READER_PERCENT), COUNT(READER_LEAST_BYTES),
		     MS(STUCK_AGE_MS) },
	.candidate = may_be_stuck_reading,
	.rows = STATES_WITH_DATA,
	.queued = true,
	.look = LOOK_EACH,
	.suspect = suspect_reader,
	.again = AGAIN_EACH,
	.judge = judge_readers,
};
