/* Connections that a window or a buffer keeps slower than the path would let them be. */
#include "model/finding/looks.h"
#include "model/rule/limited_private.h"
#include "model/rule/rules_private.h"
#include "model/rule/standstill_private.h"

/*
 * What is on the way is window / round trip a second, whatever sets the window: where the
 * path is the bottleneck, a queue before it makes the round trip longer, and a larger
 * window only that queue. So the round trip must be near the least one. The time that the
 * window was full is counted in full by reno and cubic (95 % and more); bbr paces, and
 * has 40 %.
 */
enum {
	SHARE_PERCENT = 25,  /* of the time between the readings */
	RTT_LEAST_US = 1000, /* below, what processors do takes as long */
	QUEUE_PERCENT = 50,  /* more of the least round trip is a queue */
	ROUND_TRIPS = 3,     /* between the readings */
	LOOKS_LEAST = 5,
	STEADY_PART = 8, /* of the window may come and go */
	GROWN_TIMES = 4,
	GROWN_SEGMENTS = 20, /* twice what a connection begins with */
	SCALED_FROM = 32768, /* without scaling 65535 is the most, and half of it usual */
	MOST_PLACES = 3,
	MOST_READ = 256,    /* one by one */
	USEFUL_MBITS = 100, /* to show what window that takes */
};

bool may_be_sending(const struct sock *s)
{
	return s->inode && s->send_queue && s->timer == TIMER_RETRANSMIT && !s->retrans;
}

uint32_t watch_looks(const struct connection_facts *c)
{
	return MIN(MAX((uint32_t)SAMPLED_MS, c->rtt_us / 1000 * (ROUND_TRIPS + 1)),
		   (uint32_t)WATCH_MS);
}

bool wants_looks(const struct connection_facts *c)
{
	return c->read[1] && (c->looks.n - 1) * LOOK_EVERY_MS < watch_looks(c);
}

static bool is_path_idle(const struct connection_facts *c)
{
	return c->rtt_us >= RTT_LEAST_US && c->rtt_least_us &&
	       c->rtt_us <=
		       c->rtt_least_us + (uint64_t)c->rtt_least_us * QUEUE_PERCENT / 100;
}

static bool is_sampled(const struct inquiry *q, const struct connection_facts *c)
{
	return was_read_twice(c) && c->has_sent && c->looks.n >= LOOKS_LEAST &&
	       q->e->interval_ms * 1000ull >= (uint64_t)c->rtt_us * ROUND_TRIPS &&
	       is_path_idle(c);
}

/* Of the time between the readings, in percent. */
static uint64_t share(const struct inquiry *q, uint64_t before, uint64_t after)
{
	return after > before && q->e->interval_ms
		       ? (after - before) / 10 / q->e->interval_ms
		       : 0;
}

static uint64_t window_share(const struct inquiry *q, const struct connection_facts *c)
{
	return share(q, c->held[0].window_us, c->held[1].window_us);
}

static uint64_t buffer_share(const struct inquiry *q, const struct connection_facts *c)
{
	return share(q, c->held[0].buffer_us, c->held[1].buffer_us);
}

/* A window each round trip, a second: the most there can be. */
static uint64_t possible(const struct connection_facts *c)
{
	return c->snd_wnd * 1000000ull / MAX(c->rtt_least_us, 1u);
}

static uint64_t gets(const struct inquiry *q, const struct connection_facts *c)
{
	return finding_per_second(q, c->acked[1] - c->acked[0]);
}

static uint64_t congestion_window(const struct connection_facts *c)
{
	return (uint64_t)c->cwnd * c->mss;
}

static bool suspect_window(const struct connection_facts *c)
{
	return c->read[0] && c->has_sent && c->looks.filled && is_path_idle(c);
}

/* A program that reads slowly, in bursts, has a window that comes and goes. One that
 * reads evenly has one that stays; then the congestion window may still tell that the
 * peer's was larger: it grows to twice of what is on the way (bbr: 2.9 times), and no
 * further. */
static bool is_slow_reader(const struct connection_facts *c)
{
	const struct looks *l = &c->looks;

	return l->window_most - l->window_least > l->window_most / STEADY_PART ||
	       (c->cwnd > GROWN_SEGMENTS &&
		congestion_window(c) > (uint64_t)c->snd_wnd * GROWN_TIMES);
}

enum { KIND_NONE, KIND_BUFFER, KIND_UNSCALED };

static unsigned window_kind(struct inquiry *q, const struct connection_facts *c)
{
	const struct looks *l = &c->looks;

	if (!is_sampled(q, c) || window_share(q, c) < SHARE_PERCENT ||
	    l->filled * 2 < l->n || is_slow_reader(c) || gets(q, c) < possible(c) / 2)
		return KIND_NONE;
	return !c->scales && c->snd_wnd >= SCALED_FROM ? KIND_UNSCALED : KIND_BUFFER;
}

static uint32_t window_ms(const struct connection_facts *c)
{
	return (uint32_t)MIN(c->held[1].window_us / 1000, (uint64_t)UINT32_MAX);
}

static uint32_t buffer_ms(const struct connection_facts *c)
{
	return (uint32_t)MIN(c->held[1].buffer_us / 1000, (uint64_t)UINT32_MAX);
}

static void put_gets(struct inquiry *q, const struct connection_facts *c)
{
	say(q, "\n%ju bytes a second were acknowledged between two readings %u ms apart",
	    (uintmax_t)gets(q, c), q->e->interval_ms);
}

/* What the round trip needs, so that a size can be chosen. */
static void put_useful(struct inquiry *q, const struct connection_facts *c)
{
	say(q, "%ju bytes for each %d Mbit/s at this round trip",
	    (uintmax_t)((uint64_t)USEFUL_MBITS * c->rtt_least_us / 8), USEFUL_MBITS);
}

static const char *window_advice(struct inquiry *q, const struct group *g)
{
	buf_puts(&q->text, "at the other end (");
	finding_put_places(q, g);
	if (g->kind == KIND_UNSCALED) {
		buf_puts(
			&q->text,
			") and at this one: net.ipv4.tcp_window_scaling must be 1 when the "
			"connection begins;\nif it is at both, a device on the path removes "
			"the option");
		return finding_text(q);
	}
	buf_puts(
		&q->text,
		"): if RECV-Q of this connection stays full there, the program reads slowly.\n"
		"If not, the buffer is small: where the program sets SO_RCVBUF, leave it unset, or "
		"set more before the connection begins;\nwhere it does not, raise the third number "
		"of net.ipv4.tcp_rmem. The window needs ");
	put_useful(q, g->oldest);
	return finding_text(q);
}

static void window_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_window_limited, g);
	const struct connection_facts *c = g->oldest;

	say(q, "%she peer's receive window limits the rate: %u bytes each round trip of ",
	    g->n > 1 ? "Of the one that has waited longest t" : "T", c->snd_wnd);
	buf_put_time(&q->text, c->rtt_least_us);
	say(q, " are at most %ju bytes a second.", (uintmax_t)possible(c));
	put_gets(q, c);
	say(q,
	    "; the window was full in %u of %u looks (%ju %% of the time), while the "
	    "congestion window allows %ju bytes.",
	    c->looks.filled, c->looks.n, (uintmax_t)window_share(q, c),
	    (uintmax_t)congestion_window(c));
	if (g->kind == KIND_UNSCALED)
		buf_puts(
			&q->text,
			"\nWindow scaling is off on this connection: the window cannot be "
			"larger than 65535 bytes.");
	else
		buf_puts(
			&q->text,
			"\nEither the peer's receive buffer is that small, or its program reads no "
			"faster than this.");
	f->summary = finding_text(q);
	f->advice = window_advice(q, g);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "send_window_bytes", c->snd_wnd, true);
	finding_figure(f, "min_rtt_us", c->rtt_least_us, true);
	finding_figure(f, "possible_bytes_per_second", possible(c), true);
	finding_figure(f, "acked_bytes_per_second", gets(q, c), true);
	finding_figure(f, "limited_percent", window_share(q, c), true);
	finding_figure(f, "congestion_window_bytes", congestion_window(c), true);
}

static void judge_windows(struct inquiry *q)
{
	static const struct grouping by = { .kind = window_kind,
					    .age = window_ms,
					    .most_places = MOST_PLACES,
					    .tell = window_finding };

	finding_judge_groups(q, &rule_window_limited, &by);
}

const struct rule rule_window_limited = {
	.id = "window-limited",
	.severity = SEVERITY_NOTE,
	.meaning =
		"The peer's receive window keeps the connection slower than the path: no more than one "
		"window can be on the way each round trip. Its receive buffer is small, its program "
		"reads no faster, or window scaling is off.",
	.advice =
		"At the other end see whether the program reads slowly; if not, leave SO_RCVBUF unset, "
		"or raise net.ipv4.tcp_rmem. Where window scaling is off, turn it on at both ends.",
	.threshold =
		"a full window for # of the time between two readings, over # round trips or more, in "
		"half of the looks between them, while the congestion window has room; a round trip of "
		"# or more, at most # above the least one; not where the window comes and goes by more "
		"than an eighth, or was # times as large before: there the program reads slowly; looked for with --findings=all only",
	.numbers = { PERCENT(SHARE_PERCENT), COUNT(ROUND_TRIPS), MS(RTT_LEAST_US / 1000),
		     PERCENT(QUEUE_PERCENT), COUNT(GROWN_TIMES) },
	.candidate = may_be_sending,
	.rows = STATES_WITH_DATA,
	.queued = true,
	.for_notes = true,
	.most = MOST_READ,
	.look = LOOK_EACH,
	.suspect = suspect_window,
	.again = AGAIN_EACH,
	.stands = wants_looks,
	.watch = watch_looks,
	.samples = true,
	.judge = judge_windows,
};

static bool suspect_buffer(const struct connection_facts *c)
{
	return c->read[0] && c->has_sent && c->looks.all_in && c->choked &&
	       is_path_idle(c);
}

/* A buffer that nobody has set grows with the congestion window: there such time is no
 * sign of trouble. */
static bool is_set(const struct connection_facts *c)
{
	const struct sock_options *o = c->options;

	return o && o->buffers_set != UINT64_MAX && (o->buffers_set & BUFFER_SEND);
}

/* The kernel counts this time only where it came to look for more to send: with bbr 40 %,
 * with reno and cubic next to nothing. There the buffer is full in each look: nobody
 * writes a message that happens to fill it, each time. */
static bool waits_for_room(const struct inquiry *q, const struct connection_facts *c)
{
	return buffer_share(q, c) >= SHARE_PERCENT || c->looks.full * 4 >= c->looks.n * 3;
}

static unsigned buffer_kind(struct inquiry *q, const struct connection_facts *c)
{
	return is_sampled(q, c) && is_set(c) && waits_for_room(q, c) &&
	       c->looks.all_in * 2 >= c->looks.n;
}

static void buffer_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_sndbuf_limited, g);
	const struct connection_facts *c = g->oldest;

	say(q,
	    "%she send buffer limits the rate: the program has set SO_SNDBUF (%u bytes of "
	    "memory), and all that it takes is on the way for a round trip of ",
	    g->n > 1 ? "Of the one that has waited longest t" : "T", c->sndbuf);
	buf_put_time(&q->text, c->rtt_least_us);
	buf_putc(&q->text, '.');
	put_gets(q, c);
	say(q,
	    "; all of it had room in the peer's window (%u bytes) and the congestion window "
	    "(%ju bytes) in %u of %u looks.",
	    c->snd_wnd, (uintmax_t)congestion_window(c), c->looks.all_in, c->looks.n);
	f->summary = finding_text(q);
	say(q,
	    "leave SO_SNDBUF unset in the program: the kernel then makes the buffer as large "
	    "as the path needs, up to the third number of net.ipv4.tcp_wmem;\nif it must be "
	    "set, the path needs ");
	put_useful(q, c);
	f->advice = finding_text(q);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "send_buffer_bytes", c->sndbuf, true);
	finding_figure(f, "min_rtt_us", c->rtt_least_us, true);
	finding_figure(f, "acked_bytes_per_second", gets(q, c), true);
	finding_figure(f, "send_window_bytes", c->snd_wnd, true);
	finding_figure(f, "congestion_window_bytes", congestion_window(c), true);
}

static void judge_buffers(struct inquiry *q)
{
	static const struct grouping by = { .kind = buffer_kind,
					    .age = buffer_ms,
					    .most_places = MOST_PLACES,
					    .tell = buffer_finding };

	finding_judge_groups(q, &rule_sndbuf_limited, &by);
}

const struct rule rule_sndbuf_limited = {
	.id = "sndbuf-limited",
	.severity = SEVERITY_NOTE,
	.meaning =
		"The program has set a send buffer that is too small for the path: all of it is on the "
		"way, and the program waits although more could be sent.",
	.advice =
		"Leave SO_SNDBUF unset, or set it to bandwidth times round trip or more.",
	.threshold =
		"SO_SNDBUF was set by the program, which waited for room # of the time between two "
		"readings, over # round trips or more, or had none in three of four looks between them; in half "
		"of them all that the buffer held had room in both windows; a round trip of # or more, at most # above the "
		"least one; looked for with --findings=all only",
	.numbers = { PERCENT(SHARE_PERCENT), COUNT(ROUND_TRIPS), MS(RTT_LEAST_US / 1000),
		     PERCENT(QUEUE_PERCENT) },
	.candidate = may_be_sending,
	.rows = STATES_WITH_DATA,
	.queued = true,
	.for_notes = true,
	.most = MOST_READ,
	.look = LOOK_EACH,
	.options = true,
	.suspect = suspect_buffer,
	.again = AGAIN_EACH,
	.stands = wants_looks,
	.watch = watch_looks,
	.samples = true,
	.judge = judge_buffers,
};
