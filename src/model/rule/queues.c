/* Accept queues and SYN queues. */
#include "model/finding/inquiry.h"
#include "model/rule/rules_private.h"

enum {
	FILLING_PERCENT = 80,	/* of the accept queue's capacity, in both readings */
	SYN_QUEUE_PERCENT = 80, /* of what the SYN queue holds */
	SYN_QUEUE_LEAST = 8,	/* half-open connections below this are no pressure */
};

uint64_t finding_overflows(const struct inquiry *q)
{
	const struct net_counters *c = q->e->counters;

	return c[0].known && c[1].known ? c[1].listen_overflows - c[0].listen_overflows
					: 0;
}

static void put_drops(struct inquiry *q, const struct listener_facts *l)
{
	const struct net_counters *c = q->e->counters;
	uint64_t drops = l->drops[l->read[1] ? 1 : 0], recent;

	if (!l->has_drops)
		return;
	say(q, "\n%ju packet%s dropped since listen()", (uintmax_t)drops,
	    drops == 1 ? "" : "s");
	recent = finding_read_twice(q, l) ? l->drops[1] - l->drops[0] : 0;
	if (recent)
		say(q, ", %ju of them in the last %u ms", (uintmax_t)recent,
		    q->e->interval_ms);
	finding_put_rate(q, recent);
	buf_putc(&q->text, '.');
	if (finding_overflows(q) && recent)
		say(q, " ListenOverflows of this namespace rises with them.");
	else if (recent && c[1].known)
		say(q, " ListenOverflows did not rise: they have another cause "
		       "(SYN queue, duplicates).");
	else if (c[0].known && c[0].listen_overflows)
		say(q, " ListenOverflows of this namespace stands at %ju.",
		    (uintmax_t)c[0].listen_overflows);
	else if (c[0].known && drops)
		say(q, " ListenOverflows of this namespace is 0: they have another cause "
		       "(SYN queue, duplicates).");
}

/* What the program passed to listen() is kept nowhere: a limit below somaxconn may be its
 * argument or an earlier somaxconn, one that equals it may have been cut. */
static void put_cap(struct inquiry *q, const struct listener_facts *l)
{
	const struct net_limits *n = &q->e->limits;

	if (l->row->proto == PROTO_TCP && n->has_somaxconn && l->limit == n->somaxconn)
		say(q,
		    "\nThe limit equals net.core.somaxconn (%ju): the program may have "
		    "asked for more.",
		    (uintmax_t)n->somaxconn);
}

static void put_resets(struct inquiry *q, const struct listener_facts *l)
{
	if (q->e->limits.abort_on_overflow && !sock_is_unix(l->row))
		say(q,
		    "\ntcp_abort_on_overflow is on: new connections are dropped all the "
		    "same, but a client whose handshake ends at the full queue gets a "
		    "reset.");
}

/* Where those that wait come from, the most of them first. */
static void put_hosts(struct inquiry *q, const struct accept_stats *s)
{
	bool told[ACCEPT_HOSTS] = { false };
	size_t i, k;

	for (k = 0; k < ACCEPT_HOSTS; k++) {
		size_t best = ACCEPT_HOSTS;

		for (i = 0; i < ACCEPT_HOSTS; i++)
			if (!told[i] && s->hosts[i].n &&
			    (best == ACCEPT_HOSTS || s->hosts[i].n > s->hosts[best].n))
				best = i;
		if (best == ACCEPT_HOSTS)
			break;
		told[best] = true;
		buf_puts(&q->text, k ? ", " : "\nThey come from ");
		finding_put_ip(q, &s->hosts[best].addr);
		say(q, " (%u)", s->hosts[best].n);
	}
	if (s->other_hosts)
		say(q, " and other hosts (%u)", s->other_hosts);
	if (k)
		buf_putc(&q->text, '.');
}

static const struct accept_stats *last_stats(const struct listener_facts *l)
{
	return &l->stats[l->read[1] ? 1 : 0];
}

static uint32_t last_queued(const struct listener_facts *l)
{
	return l->queued[l->read[1] ? 1 : 0];
}

/* "9 connections wait for accept() ...": who, how long, what became of them. */
static void put_waiting(struct inquiry *q, const struct listener_facts *l)
{
	const struct accept_stats *s = last_stats(l);
	uint32_t queued = last_queued(l);

	say(q, "%u connection%s for accept(), the limit is %u", queued,
	    queued == 1 ? " waits" : "s wait", l->limit);
	if (s->attributable && s->has_wait && s->waiting) {
		say(q, "; the longest has waited ");
		buf_put_duration(&q->text, s->longest_wait_ms);
		if (s->oldest.family) {
			say(q, " (");
			addr_put(&q->text, &s->oldest);
			buf_putc(&q->text, ')');
		}
	}
	if (s->attributable && s->stable && s->gave_up)
		say(q, "; %u client%s gave up", s->gave_up, s->gave_up == 1 ? "" : "s");
	if (s->attributable && s->closed)
		say(q, "; %u %s closed by the client meanwhile", s->closed,
		    s->closed == 1 ? "was" : "were");
	buf_putc(&q->text, '.');
	if (l->members > 1)
		say(q,
		    " One of %u listeners of a SO_REUSEPORT group: which clients are its own "
		    "cannot be told.",
		    l->members);
	finding_put_pace(q, l);
	if (s->attributable)
		put_hosts(q, s);
	if (l->client_holders) {
		buf_puts(&q->text, "\nThe clients: ");
		finding_put_processes(q, l->client_holders);
		buf_putc(&q->text, '.');
	}
	if (sock_is_unix(l->row) && accept_queue_is_full(queued, l->limit))
		buf_puts(&q->text, " A blocking connect() waits until there is room, any "
				   "other fails with EAGAIN.");
}

/* Its owner has no descriptor for the next connection. */
static void put_no_descriptor(struct inquiry *q, const struct listener_facts *l)
{
	const struct process_facts *p = l->holders
						? evidence_process(q->e, l->holders->pid)
						: NULL;

	if (p && p->known && p->fds >= p->fd_limit)
		say(q,
		    "\naccept() must be failing with EMFILE: %ju of %ju "
		    "descriptors are in use.",
		    (uintmax_t)p->fds, (uintmax_t)p->fd_limit);
}

static uint32_t unanswered(const struct inquiry *q, const struct listener_facts *l)
{
	struct candidates clients = finding_candidates(q, &rule_syn_sent_unanswered);
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < clients.n; i++)
		n += finding_full_listener(q, clients.v[i].row) == l;
	return n;
}

static void queue_figures(struct inquiry *q, const struct listener_facts *l,
			  struct finding *f)
{
	const struct accept_stats *s = last_stats(l);
	bool own = s->attributable, two = finding_read_twice(q, l);
	bool counted = q->e->counters[0].known && q->e->counters[1].known;
	uint64_t recent = l->drops[1] - l->drops[0];
	enum pace pace = finding_pace(q, l);

	finding_figure(f, "accept_queue", last_queued(l), true);
	finding_figure(f, "accept_queue_limit", l->limit, true);
	finding_figure(f, "longest_wait_ms", s->longest_wait_ms, own && s->has_wait);
	finding_figure(f, "waiting", s->waiting, own);
	finding_figure(f, "gave_up", s->gave_up, own && s->stable);
	finding_figure(f, "closed", s->closed, own);
	finding_figure(f, "accepts", pace == PACE_MOVES, pace != PACE_UNKNOWN);
	finding_figure(f, "accepted", finding_accepted(q, l), pace != PACE_UNKNOWN);
	finding_figure(f, "drops", l->drops[l->read[1] ? 1 : 0], l->has_drops);
	finding_figure(f, "drops_between_readings", recent, l->has_drops && two);
	finding_figure(f, "drops_per_second", finding_per_second(q, recent),
		       l->has_drops && two);
	finding_figure(f, "overflows_between_readings", finding_overflows(q),
		       counted && two && !sock_is_unix(l->row));
	finding_figure(f, "members", l->members, true);
	finding_figure(f, "acceptors", finding_count_actors(q, l, false), l->n_acceptors);
	finding_figure(f, "stopped", finding_count_actors(q, l, true), l->n_acceptors);
}

struct finding *finding_of_queue(struct inquiry *q, const struct listener_facts *l,
				 const struct rule *rule)
{
	struct finding *f = finding_of_listener(q, rule, l);
	uint32_t clients = unanswered(q, l);

	finding_put_all_halted(q, l);
	put_waiting(q, l);
	finding_put_acceptors(q, l);
	put_drops(q, l);
	if (clients)
		say(q,
		    clients == 1 ? "\nA connect() on this host gets no answer from it."
				 : "\n%u connect() calls on this host get no answer "
				   "from it.",
		    clients);
	put_no_descriptor(q, l);
	if (finding_is_full(q, l) || finding_is_filling(q, l))
		put_cap(q, l);
	put_resets(q, l);
	f->summary = finding_text(q);
	finding_not_accepted(q, f, l);
	queue_figures(q, l, f);
	finding_figure(f, "unanswered", clients, true);
	return f;
}

static bool is_nearly_full(uint32_t queued, uint32_t limit)
{
	return queued > 1 && accept_queue_percent(queued, limit) >= FILLING_PERCENT;
}

bool finding_is_filling(const struct inquiry *q, const struct listener_facts *l)
{
	return finding_read_twice(q, l) &&
	       is_nearly_full(MIN(l->queued[0], l->queued[1]), l->limit);
}

static bool suspect_full(const struct inquiry *q, const struct listener_facts *l)
{
	(void)q;
	return sock_is_queue_full(l->row);
}

static void judge_full(struct inquiry *q, const struct listener_facts *l)
{
	if (finding_is_full(q, l))
		finding_of_queue(q, l, &rule_accept_queue_full);
}

const struct rule rule_accept_queue_full = {
	.id = "accept-queue-full",
	.severity = SEVERITY_CRITICAL,
	.meaning =
		"More connections wait for accept() than the limit of the queue. The kernel drops "
		"further SYNs and the last ACK of handshakes: clients see timeouts, or believe in connections "
		"that the server does not have. On a unix socket connect() waits, or fails with "
		"EAGAIN.",
	.advice =
		"Find out what the program does instead of accept(); a larger backlog only hides it "
		"for a while, unless the load comes in bursts.",
	.threshold = "queued > limit (a backlog of N holds N + 1)",
	.suspect_listener = suspect_full,
	.judge_listener = judge_full,
};

static bool suspect_filling(const struct inquiry *q, const struct listener_facts *l)
{
	(void)q;
	return sock_has_accept_queue(l->row) &&
	       is_nearly_full(l->row->recv_queue, l->row->send_queue);
}

static void judge_filling(struct inquiry *q, const struct listener_facts *l)
{
	if (!finding_is_full(q, l) && finding_is_filling(q, l))
		finding_of_queue(q, l, &rule_accept_queue_filling);
}

const struct rule rule_accept_queue_filling = {
	.id = "accept-queue-filling",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The accept queue is nearly full and stays so: the program accepts more slowly than "
		"clients arrive.",
	.advice =
		"See what the accepting thread waits for; raise the backlog if load comes in bursts.",
	.threshold = "at least # of the capacity in both of two readings # apart",
	.numbers = { PERCENT(FILLING_PERCENT), MS(READING_INTERVAL_MS) },
	.suspect_listener = suspect_filling,
	.judge_listener = judge_filling,
};

struct syn_pressure {
	uint64_t half_open, retrans, capacity;
};

static bool is_pressure(uint64_t half_open, uint64_t capacity)
{
	return half_open >= SYN_QUEUE_LEAST &&
	       half_open * 100 >= capacity * SYN_QUEUE_PERCENT;
}

/* Half-open requests and room for them: its own, or those of its whole group. */
static bool under_syn_pressure(const struct inquiry *q, const struct listener_facts *l,
			       struct syn_pressure *p)
{
	const struct accept_stats *s = last_stats(l);
	uint16_t port = l->row->local.port;

	*p = (struct syn_pressure){
		.capacity = evidence_syn_capacity(&q->e->limits, l->limit) * l->members,
	};
	if (l->read[0] && s->attributable) {
		p->half_open = s->syn_queue;
		p->retrans = s->syn_retrans;
	} else if (q->d->half_open) {
		p->half_open = q->d->half_open[port];
		p->retrans = q->d->half_open_retrans[port];
	}
	return is_pressure(p->half_open, p->capacity);
}

static void put_cookies(struct inquiry *q)
{
	const struct net_counters *c = q->e->counters;

	if (!q->e->limits.syncookies)
		say(q, "\nnet.ipv4.tcp_syncookies is off: what does not fit "
		       "is dropped.");
	else if (c[0].known && c[1].known && c[1].syncookies_sent > c[0].syncookies_sent)
		say(q, "\nThe kernel answers with SYN cookies: %ju in the last %u ms.",
		    (uintmax_t)(c[1].syncookies_sent - c[0].syncookies_sent),
		    q->e->interval_ms);
	else if (c[0].known)
		say(q, "\n%ju SYN cookies were sent in this namespace so far.",
		    (uintmax_t)c[0].syncookies_sent);
}

static void put_syn_cap(struct inquiry *q, const struct listener_facts *l)
{
	const struct net_limits *n = &q->e->limits;

	if (evidence_syn_capacity(n, l->limit) <= l->limit)
		say(q,
		    "\nWithout SYN cookies net.ipv4.tcp_max_syn_backlog (%ju) caps "
		    "it, at three quarters.",
		    (uintmax_t)n->syn_backlog);
	else
		say(q, "\nThe limit of the accept queue (%u) caps it.", l->limit);
}

static void judge_syn_queue(struct inquiry *q, const struct listener_facts *l)
{
	const struct net_counters *c = q->e->counters;
	struct syn_pressure p;
	struct finding *f;

	if (!under_syn_pressure(q, l, &p) || (l->members > 1 && !finding_is_first(q, l)))
		return;
	f = finding_of_listener(q, &rule_syn_queue_pressure, l);
	say(q, "%ju handshakes are half-open, the SYN queue holds %ju; ",
	    (uintmax_t)p.half_open, (uintmax_t)p.capacity);
	if (p.retrans)
		say(q, "SYN-ACKs were sent again %ju times.", (uintmax_t)p.retrans);
	else
		say(q, "no SYN-ACK was sent again: the clients may be connected and "
		       "silent (TCP_DEFER_ACCEPT).");
	if (l->members > 1)
		say(q, " The figures are those of %u listeners of a SO_REUSEPORT group.",
		    l->members);
	put_cookies(q);
	if (accept_queue_is_full(last_queued(l), l->limit))
		say(q, "\nThe accept queue behind it is full: last ACKs are dropped.");
	put_syn_cap(q, l);
	f->summary = finding_text(q);
	finding_figure(f, "syn_queue", p.half_open, true);
	finding_figure(f, "syn_queue_limit", p.capacity, true);
	finding_figure(f, "syn_retrans", p.retrans, true);
	finding_figure(f, "syncookies_sent",
		       c[1].known ? c[1].syncookies_sent : c[0].syncookies_sent,
		       c[0].known);
	finding_figure(f, "syncookies_between_readings",
		       c[1].syncookies_sent - c[0].syncookies_sent,
		       c[0].known && c[1].known);
	finding_figure(f, "members", l->members, true);
}

/* Whether the half-open connections of its port come near what one SYN queue holds. */
static bool suspect_syn_queue(const struct inquiry *q, const struct listener_facts *l)
{
	return q->d->half_open &&
	       is_pressure(q->d->half_open[l->row->local.port],
			   evidence_syn_capacity(&q->e->limits, l->row->send_queue));
}

const struct rule rule_syn_queue_pressure = {
	.id = "syn-queue-pressure",
	.severity = SEVERITY_WARNING,
	.meaning =
		"Many handshakes stay half-open: clients do not answer the SYN-ACK, or the accept "
		"queue behind it is full.",
	.advice =
		"Look at where the SYNs come from; if they are real clients, raise the backlog "
		"(it caps the SYN queue too) and net.ipv4.tcp_max_syn_backlog.",
	.threshold = "half-open connections at # of what the SYN queue holds, at least #",
	.numbers = { PERCENT(SYN_QUEUE_PERCENT), COUNT(SYN_QUEUE_LEAST) },
	.suspect_listener = suspect_syn_queue,
	.judge_listener = judge_syn_queue,
};

/* Queues that overflow in bursts, and are empty whenever one looks. */
enum { OVERFLOW_WATCH_MS = 1000 };

/* An old drop is none: it delays only those who asked for findings. */
static bool suspect_overflow(const struct inquiry *q, const struct listener_facts *l)
{
	return l->drops[0] && l->has_drops && (q->e->asked || finding_overflows(q));
}

static uint32_t overflow_patience(const struct inquiry *q, const struct listener_facts *l)
{
	return q->e->asked && !finding_full_in(l, 0) ? OVERFLOW_WATCH_MS : 0;
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
	.numbers = { MS(OVERFLOW_WATCH_MS) },
	.suspect_listener = suspect_overflow,
	.patience = overflow_patience,
	.judge_listener = judge_overflow,
};
