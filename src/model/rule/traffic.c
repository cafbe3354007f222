/* Clients without an answer, or whose server is not where they connect to; ports that run
 * out, datagrams that are lost. */
#include "model/finding/inquiry.h"
#include "model/rule/rules_private.h"

enum {
	SYN_SENT_RETRANS = 1,	/* one SYN unanswered: at least a second */
	SLOW_RETRANS = 4,	/* no path is so slow that more are sent */
	SLOW_WATCH_MS = 1100,	/* no answer in another round trip of a second */
	TIME_WAIT_PERCENT = 90, /* of tcp_max_tw_buckets */
	UDP_PERCENT = 80,	/* of the receive buffer */
};

/* The answer may be on its way. */
static bool may_be_slow(const struct connection_facts *c)
{
	return c->row->retrans <= SLOW_RETRANS;
}

static bool is_still_unanswered(const struct connection_facts *c)
{
	return c->read[1];
}

static uint32_t watch_unanswered(const struct connection_facts *c)
{
	return may_be_slow(c) ? SLOW_WATCH_MS : 0;
}

/* At least: the SYN is sent again once a second at first, and then after twice the time.
 */
static uint64_t waited_us(const struct connection_facts *c)
{
	uint64_t n = MIN(c->retrans, 16u);

	return (n <= SLOW_RETRANS ? n : 3 + (UINT64_C(1) << (n - SLOW_RETRANS))) * 1000 *
	       1000;
}

/* What a listener of this host does not answer is told by its queue; what was answered
 * meanwhile, or given up, is over. */
static unsigned unanswered_kind(struct inquiry *q, const struct connection_facts *c)
{
	if (q->e->interval_ms && may_be_slow(c) && !is_still_unanswered(c))
		return 0;
	if (known_rtt_explains(&c->known, waited_us(c)))
		return 0;
	return !finding_full_listener(q, c->row);
}

/* The SYN is sent again after 1, 2, 4 ... seconds. */
static uint32_t syn_retrans(const struct connection_facts *c)
{
	return c->retrans;
}

static void unanswered_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_syn_sent_unanswered, g);
	const struct addr *peer = &g->places[0].addr;
	uint32_t most = g->oldest->retrans;
	_cleanup_buf_ struct buf to = { 0 };

	addr_put(&q->text, peer);
	say(q, ", asked by ");
	finding_put_holders(q, g->holders);
	f->where = finding_text(q);
	say(q,
	    "%zu connection%s no answer for at least %u s; the SYN was sent again "
	    "%u time%s.%s",
	    g->n, g->n == 1 ? " attempt has" : " attempts have", most, most,
	    most == 1 ? "" : "s",
	    most <= SLOW_RETRANS && !g->oldest->known.us
		    ? " A path whose round trip is longer than that looks the same."
		    : "");
	if (g->oldest->known.us) {
		buf_puts(&q->text, " A path that is so slow is unlikely: ");
		known_rtt_put(&q->text, &g->oldest->known);
		buf_putc(&q->text, '.');
	}
	f->summary = finding_text(q);
	addr_put(&to, peer);
	advise(&q->text, ADVICE_PROBE, (struct advised){ 0 }, buf_cstr(&to));
	f->advice = finding_text(q);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "syn_retrans", most, true);
}

/* One finding a destination: many clients of one dead server are one trouble. */
static void judge_syn_sent(struct inquiry *q)
{
	static const struct grouping by = { .kind = unanswered_kind,
					    .age = syn_retrans,
					    .of_anyone = true,
					    .tell = unanswered_finding };

	finding_judge_groups(q, &rule_syn_sent_unanswered, &by);
}

static bool is_unanswered(const struct sock *s)
{
	return s->retrans >= SYN_SENT_RETRANS;
}

const struct rule rule_syn_sent_unanswered = {
	.id = "syn-sent-unanswered",
	.severity = SEVERITY_WARNING,
	.meaning =
		"A connect() gets no answer at all: a firewall drops the packets, the host is down, "
		"or the server's accept queue is full.",
	.advice = "Probe the address: sockctl-probe(1) tells which.",
	.threshold =
		"SYN sent again # or more times: no answer for at least a second; up to # "
		"times, none # later either; not where accept-queue-full tells of the "
		"listener, nor where the round trip of another connection to the address is "
		"that long",
	.numbers = { COUNT(SYN_SENT_RETRANS), COUNT(SLOW_RETRANS), MS(SLOW_WATCH_MS) },
	.candidate = is_unanswered,
	.rows = BIT(STATE_SYN_SENT),
	.again = AGAIN_EACH,
	.worth_again = may_be_slow,
	.stands = is_still_unanswered,
	.watch = watch_unanswered,
	.known_rtt = true,
	.judge = judge_syn_sent,
};

/* Whether TIME_WAIT has no room: a second reading tells whether it is skipped. */
static bool suspect_time_wait(const struct inquiry *q)
{
	const struct net_limits *n = &q->e->limits;

	return q->d->time_wait && n->has_sockstat && n->has_tw_buckets && n->tw_buckets &&
	       n->time_wait * 100 >= n->tw_buckets * TIME_WAIT_PERCENT;
}

static void judge_time_wait(struct inquiry *q)
{
	const struct net_limits *n = &q->e->limits;
	const struct net_counters *c = q->e->counters;
	bool twice = c[0].known && c[1].known;
	uint64_t recent = twice ? c[1].tw_overflow - c[0].tw_overflow : 0;
	uint64_t skipped = c[twice ? 1 : 0].tw_overflow;
	struct finding *f;

	if (!recent && !suspect_time_wait(q))
		return;
	f = finding_add(q->fs, &rule_time_wait_overflow);
	f->where = "this network namespace";
	say(q,
	    "%ju sockets in TIME_WAIT, the kernel keeps at most %ju "
	    "(net.ipv4.tcp_max_tw_buckets). TIME_WAIT itself is normal: it lasts 60 s.",
	    (uintmax_t)n->time_wait, (uintmax_t)n->tw_buckets);
	if (c[0].known && skipped)
		say(q, "\n%ju connections skipped it so far (TCPTimeWaitOverflow)",
		    (uintmax_t)skipped);
	else if (c[0].known)
		say(q, "\nNo connection had to skip it yet (TCPTimeWaitOverflow)");
	if (recent)
		say(q, ", %ju of them in the last %u ms", (uintmax_t)recent,
		    q->e->interval_ms);
	if (c[0].known)
		buf_putc(&q->text, '.');
	f->summary = finding_text(q);
	finding_figure(f, "time_wait", n->time_wait, n->has_sockstat);
	finding_figure(f, "time_wait_limit", n->tw_buckets, n->has_tw_buckets);
	finding_figure(f, "overflows", skipped, c[0].known);
	finding_figure(f, "overflows_between_readings", recent, twice);
}

const struct rule rule_time_wait_overflow = {
	.id = "time-wait-overflow",
	.severity = SEVERITY_WARNING,
	.meaning =
		"TIME_WAIT is normal: it lasts 60 s and costs little. But the kernel's table for it is "
		"full, and connections skip it: late segments may reach a new connection.",
	.advice =
		"Let the clients close first, reuse connections, or raise net.ipv4.tcp_max_tw_buckets.",
	.threshold =
		"# of tcp_max_tw_buckets, or TCPTimeWaitOverflow rises between two readings",
	.numbers = { PERCENT(TIME_WAIT_PERCENT) },
	.suspect_host = suspect_time_wait,
	.judge = judge_time_wait,
};

static bool udp_full(const struct connection_facts *c)
{
	uint64_t least = (uint64_t)c->rcvbuf * UDP_PERCENT;

	return c->rcvbuf && c->rmem[0] * 100ull >= least &&
	       (!c->read[1] || c->rmem[1] * 100ull >= least);
}

/* Drops that are losses: a socket filter that refuses datagrams, as it should, is counted
 * with them, and in no counter of the namespace. */
static bool udp_loses(const struct inquiry *q, const struct connection_facts *c)
{
	const struct net_counters *n = q->e->counters;

	if (!c->read[1] || c->drops[1] <= c->drops[0])
		return false;
	return !n[0].known || !n[1].known || n[1].udp_full > n[0].udp_full ||
	       n[1].udp_memory > n[0].udp_memory;
}

static void judge_udp(struct inquiry *q, const struct connection_facts *c)
{
	const struct net_counters *n = q->e->counters;
	uint64_t drops = c->read[1] ? c->drops[1] : c->drops[0];
	uint64_t recent = c->read[1] ? c->drops[1] - c->drops[0] : 0;
	uint64_t rate = finding_per_second(q, recent);
	struct finding *f;

	if (!(udp_full(c) && c->drops[0]) && !udp_loses(q, c))
		return;
	f = finding_of_connection(q, &rule_udp_drops, c);
	say(q,
	    "%ju datagrams were dropped; %u of %u bytes of the receive buffer are in "
	    "use.",
	    (uintmax_t)drops, c->read[1] ? c->rmem[1] : c->rmem[0], c->rcvbuf);
	if (recent) {
		say(q, "\n%ju of them between two readings %u ms apart",
		    (uintmax_t)recent, q->e->interval_ms);
		finding_put_rate(q, recent);
		buf_putc(&q->text, '.');
	}
	if (!recent && c->read[1])
		say(q,
		    "\nNone of them between two readings %u ms apart: nothing comes "
		    "now, and nothing is read.",
		    q->e->interval_ms);
	if (recent && n[0].known && n[1].known)
		buf_puts(
			&q->text,
			n[1].udp_full > n[0].udp_full
				? " RcvbufErrors of this namespace rises with them."
			: n[1].udp_memory > n[0].udp_memory
				? " MemErrors of this namespace rises with them: UDP as a "
				  "whole has no more memory (net.ipv4.udp_mem)."
				: " RcvbufErrors did not rise: they have another cause "
				  "(checksums, a socket filter).");
	f->summary = finding_text(q);
	finding_figure(f, "drops", drops, true);
	finding_figure(f, "drops_between_readings", recent, c->read[1]);
	finding_figure(f, "drops_per_second", rate, c->read[1] && q->e->interval_ms);
	finding_figure(f, "receive_memory_bytes", c->read[1] ? c->rmem[1] : c->rmem[0],
		       c->has_mem);
	finding_figure(f, "receive_buffer_bytes", c->rcvbuf, c->has_mem);
}

static bool may_drop(const struct sock *s)
{
	uint32_t drops;

	return s->recv_queue || (sock_mem_u32(s, SOCK_MEM_DROPS, &drops) && drops);
}

static bool suspect_udp(const struct connection_facts *c)
{
	return c->drops[0] || c->rmem[0] * 100ull >= (uint64_t)c->rcvbuf * UDP_PERCENT;
}

const struct rule rule_udp_drops = {
	.id = "udp-drops",
	.severity = SEVERITY_WARNING,
	.meaning =
		"Datagrams arrive faster than the program reads them; the kernel drops what does not "
		"fit into the receive buffer.",
	.advice =
		"See what the program waits for; a larger SO_RCVBUF (net.core.rmem_max) helps only "
		"against bursts.",
	.threshold =
		"the receive buffer is # full and datagrams were dropped, or drops rise between two "
		"readings, and with them RcvbufErrors or MemErrors",
	.numbers = { PERCENT(UDP_PERCENT) },
	.candidate = may_drop,
	.rows = ROWS_UDP,
	.suspect = suspect_udp,
	.again = AGAIN_EACH,
	.judge_suspect = judge_udp,
};

static bool ends_here(const struct sock *s)
{
	return s->inode && sock_peer_is_here(s);
}

/* The first byte that a peer acknowledges is the SYN. */
static bool is_alone(const struct connection_facts *c, int turn)
{
	return c->read[turn] && c->alone[turn] && c->has_info && c->acked[turn] > 1;
}

static bool suspect_rewritten(const struct connection_facts *c)
{
	return is_alone(c, 0);
}

static unsigned rewritten_kind(struct inquiry *q, const struct connection_facts *c)
{
	return q->e->interval_ms && is_alone(c, 0) && is_alone(c, 1);
}

static uint32_t since_heard(const struct connection_facts *c)
{
	return c->age_ms;
}

static const char *rewritten_advice(struct inquiry *q, const struct group *g)
{
	struct advised asker = { .uid = q->e->asker };

	buf_puts(&q->text,
		 "which rules rewrite connections, and what they made of these:");
	advise(&q->text, ADVICE_NFT, asker);
	advise(&q->text, g->places[0].addr.family == AF_INET ? ADVICE_NAT : ADVICE_NAT_V6,
	       asker);
	advise(&q->text, ADVICE_CONNTRACK, asker);
	return finding_text(q);
}

/* Without traffic it may be that the other end has gone, and its last packet was dropped.
 */
static void rewritten_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_rewritten, g);
	uint64_t acked = 0;
	bool moves = true;
	size_t i;

	for (i = 0; i < g->n; i++) {
		const struct connection_facts *c = g->v[i];

		acked += c->acked[1] - 1;
		moves &= c->acked[1] > c->acked[0] || c->received[1] > c->received[0];
	}
	say(q,
	    "The peer's address is on this host, and %ju byte%s acknowledged, but no socket "
	    "is the other end, in any network namespace that could be read:\n%s rewritten on "
	    "the way (NAT), or %s in another namespace.%s",
	    (uintmax_t)acked, acked == 1 ? " was" : "s were",
	    g->n == 1 ? "the connection is" : "the connections are",
	    g->n == 1 ? "its other end is" : "their other ends are",
	    q->e->netns_hidden ? " Some namespaces could not be read." : "");
	if (!moves)
		say(q,
		    "\nNothing went through %s between two readings %u ms apart: the other "
		    "end may also be gone, and its last packet dropped by a filter.",
		    g->n == 1 ? "it" : "some of them", q->e->interval_ms);
	f->summary = finding_text(q);
	f->advice = rewritten_advice(q, g);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "bytes_acked", acked, true);
}

static void judge_rewritten(struct inquiry *q)
{
	static const struct grouping by = { .kind = rewritten_kind,
					    .age = since_heard,
					    .tell = rewritten_finding };

	finding_judge_groups(q, &rule_rewritten, &by);
}

const struct rule rule_rewritten = {
	.id = "rewritten-connection",
	.severity = SEVERITY_NOTE,
	.meaning =
		"A client connects to an address of this host, but no server here has that connection: "
		"a NAT rule rewrites it on the way, or the server is in another network namespace. "
		"Published ports of containers work like this; elsewhere the client may not talk to the "
		"program that listens at that address.",
	.advice =
		"List the rules that rewrite connections (nft list ruleset, iptables -t nat -S) and what "
		"became of them (conntrack -L).",
	.threshold =
		"an established connection from and to one address of this host, or to a loopback "
		"address, with data that the peer acknowledged; in two readings # apart no socket has "
		"its addresses and ports the other way round, in no state and in no network namespace "
		"that could be read. Not where a listener has its local port, or no other namespace may "
		"be entered",
	.numbers = { MS(READING_INTERVAL_MS) },
	.candidate = ends_here,
	.rows = BIT(STATE_ESTABLISHED),
	.for_notes = true,
	.look = LOOK_FAR_END,
	.suspect = suspect_rewritten,
	.again = AGAIN_EACH,
	.judge = judge_rewritten,
};
