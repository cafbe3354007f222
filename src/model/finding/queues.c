/* Accept queues and SYN queues. */
#include "model/finding/judge_private.h"

static bool full_in(const struct listener_facts *l, int turn)
{
	return l->read[turn] && accept_queue_is_full(l->queued[turn], l->limit);
}

/* Whether the owner took a connection off the queue between the two readings. */
enum pace { PACE_UNKNOWN, PACE_STANDS, PACE_MOVES };

static enum pace pace_of(const struct judge *j, const struct listener_facts *l)
{
	const struct accept_stats *a = &l->stats[0], *b = &l->stats[1];
	enum { SLACK_MS = 50 };

	if (!l->read[0] || !l->read[1] || !j->e->interval_ms || l->members > 1 ||
	    !a->has_wait || !b->has_wait || !a->waiting)
		return PACE_UNKNOWN;
	/* The queue is first in, first out: if its oldest is still there, nobody was
	 * accepted. If it is gone, it was accepted, or reset by its client. Another of
	 * about the same age tells nothing: which of the two is older is a matter of
	 * rounding. */
	if (b->waiting && !addr_compare(&a->oldest, &b->oldest))
		return PACE_STANDS;
	if (b->waiting &&
	    b->longest_wait_ms + SLACK_MS >= a->longest_wait_ms + j->e->interval_ms)
		return PACE_UNKNOWN;
	if (b->stable)
		return b->gave_up > a->gave_up ? PACE_UNKNOWN : PACE_MOVES;
	/* A full queue changes its length only if something is taken off. */
	return full_in(l, 0) && full_in(l, 1) ? PACE_MOVES : PACE_UNKNOWN;
}

static void put_pace(struct judge *j, const struct listener_facts *l)
{
	switch (pace_of(j, l)) {
	case PACE_UNKNOWN:
		return;
	case PACE_STANDS:
		buf_printf(&j->text,
			   " None was accepted between two readings %u ms apart.",
			   j->e->interval_ms);
		return;
	case PACE_MOVES:
		buf_printf(
			&j->text,
			" Some were accepted between two readings %u ms apart: the program is "
			"slow, not stopped.",
			j->e->interval_ms);
		return;
	}
}

static uint64_t overflows_between(const struct judge *j)
{
	const struct net_counters *c = j->e->counters;

	return c[0].known && c[1].known ? c[1].listen_overflows - c[0].listen_overflows
					: 0;
}

static void put_drops(struct judge *j, const struct listener_facts *l)
{
	const struct net_counters *c = j->e->counters;
	uint64_t drops = l->drops[l->read[1] ? 1 : 0], recent;

	if (!l->has_drops)
		return;
	buf_printf(&j->text, "\n%llu packet%s dropped since listen()",
		   (unsigned long long)drops, drops == 1 ? "" : "s");
	recent = judge_read_twice(j, l) ? l->drops[1] - l->drops[0] : 0;
	if (recent)
		buf_printf(&j->text, ", %llu of them in the last %u ms",
			   (unsigned long long)recent, j->e->interval_ms);
	judge_put_rate(j, recent);
	buf_putc(&j->text, '.');
	if (overflows_between(j) && recent)
		buf_puts(&j->text, " ListenOverflows of this namespace rises with them.");
	else if (recent && c[1].known)
		buf_puts(&j->text,
			 " ListenOverflows did not rise: they have another cause "
			 "(SYN queue, duplicates).");
	else if (c[0].known && c[0].listen_overflows)
		buf_printf(&j->text, " ListenOverflows of this namespace stands at %llu.",
			   (unsigned long long)c[0].listen_overflows);
	else if (c[0].known && drops)
		buf_puts(
			&j->text,
			" ListenOverflows of this namespace is 0: they have another cause "
			"(SYN queue, duplicates).");
}

static void put_cap(struct judge *j, const struct listener_facts *l)
{
	const struct net_limits *n = &j->e->limits;

	if (n->has_somaxconn && l->limit == n->somaxconn)
		buf_printf(
			&j->text,
			"\nThe limit is net.core.somaxconn (%llu), which caps listen().",
			(unsigned long long)n->somaxconn);
	else if (n->has_somaxconn)
		buf_printf(
			&j->text,
			"\nThe limit is listen()'s own argument (somaxconn is %llu now).",
			(unsigned long long)n->somaxconn);
	if (n->abort_on_overflow)
		buf_puts(&j->text, " tcp_abort_on_overflow is on: clients get a reset.");
}

/* Where those that wait come from, the most of them first. */
static void put_hosts(struct judge *j, const struct accept_stats *s)
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
		buf_puts(&j->text, k ? ", " : "\nThey come from ");
		judge_put_ip(j, &s->hosts[best].addr);
		buf_printf(&j->text, " (%u)", s->hosts[best].n);
	}
	if (s->other_hosts)
		buf_printf(&j->text, " and other hosts (%u)", s->other_hosts);
	if (k)
		buf_putc(&j->text, '.');
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
static void put_waiting(struct judge *j, const struct listener_facts *l)
{
	const struct accept_stats *s = last_stats(l);
	uint32_t queued = last_queued(l);

	buf_printf(&j->text, "%u connection%s for accept(), the limit is %u", queued,
		   queued == 1 ? " waits" : "s wait", l->limit);
	if (s->attributable && s->has_wait && s->waiting) {
		buf_puts(&j->text, "; the longest has waited ");
		buf_put_duration(&j->text, s->longest_wait_ms);
		if (s->oldest.family) {
			buf_puts(&j->text, " (");
			judge_put_addr(j, &s->oldest);
			buf_putc(&j->text, ')');
		}
	}
	if (s->attributable && s->stable && s->gave_up)
		buf_printf(&j->text, "; %u client%s gave up", s->gave_up,
			   s->gave_up == 1 ? "" : "s");
	if (s->attributable && s->closed)
		buf_printf(&j->text, "; %u %s closed by the client meanwhile", s->closed,
			   s->closed == 1 ? "was" : "were");
	buf_putc(&j->text, '.');
	if (l->members > 1)
		buf_printf(
			&j->text,
			" One of %u listeners of a SO_REUSEPORT group: which clients are its own "
			"cannot be told.",
			l->members);
	put_pace(j, l);
	if (s->attributable)
		put_hosts(j, s);
}

/* Its owner has no descriptor for the next connection. */
static void put_no_descriptor(struct judge *j, const struct listener_facts *l)
{
	const struct process_facts *p = l->holders
						? evidence_process(j->e, l->holders->pid)
						: NULL;

	if (p && p->known && p->fds >= p->fd_limit)
		buf_printf(&j->text,
			   "\naccept() must be failing with EMFILE: %llu of %llu "
			   "descriptors are in use.",
			   (unsigned long long)p->fds, (unsigned long long)p->fd_limit);
}

static uint32_t unanswered(const struct judge *j, const struct listener_facts *l)
{
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < j->d->syn_sent.n; i++)
		n += judge_full_listener(j, j->e->syn_sent[i].row) == l;
	return n;
}

static void queue_figures(struct judge *j, const struct listener_facts *l,
			  struct finding *f)
{
	const struct accept_stats *s = last_stats(l);
	bool own = s->attributable, two = judge_read_twice(j, l);
	bool counted = j->e->counters[0].known && j->e->counters[1].known;
	uint64_t recent = l->drops[1] - l->drops[0];
	enum pace pace = pace_of(j, l);

	finding_figure(f, "accept_queue", last_queued(l), true);
	finding_figure(f, "accept_queue_limit", l->limit, true);
	finding_figure(f, "longest_wait_ms", s->longest_wait_ms, own && s->has_wait);
	finding_figure(f, "waiting", s->waiting, own);
	finding_figure(f, "gave_up", s->gave_up, own && s->stable);
	finding_figure(f, "closed", s->closed, own);
	finding_figure(f, "accepts", pace == PACE_MOVES, pace != PACE_UNKNOWN);
	finding_figure(f, "drops", l->drops[l->read[1] ? 1 : 0], l->has_drops);
	finding_figure(f, "drops_between_readings", recent, l->has_drops && two);
	finding_figure(f, "drops_per_second", judge_per_second(j, recent),
		       l->has_drops && two);
	finding_figure(f, "overflows_between_readings", overflows_between(j),
		       counted && two);
	finding_figure(f, "members", l->members, true);
}

static void queue_finding(struct judge *j, const struct listener_facts *l,
			  enum rule_id rule)
{
	struct finding *f = finding_add(j->fs, rule);
	uint32_t clients = unanswered(j, l);
	const char *next;

	judge_put_listener(j, l);
	f->where = judge_text(j);
	put_waiting(j, l);
	put_drops(j, l);
	if (clients)
		buf_printf(&j->text,
			   clients == 1
				   ? "\nA connect() on this host gets no answer from it."
				   : "\n%u connect() calls on this host get no answer "
				     "from it.",
			   clients);
	put_no_descriptor(j, l);
	put_cap(j, l);
	f->summary = judge_text(j);
	next = judge_listener_next(j, l);
	if (next)
		f->advice = next;
	judge_of_listener(j, f, l);
	queue_figures(j, l, f);
	finding_figure(f, "unanswered", clients, true);
}

/* Where the second look failed the row itself is what is known. */
static bool is_full(const struct judge *j, const struct listener_facts *l)
{
	if (!l->read[0])
		return j->e->unread && accept_queue_is_full(l->queued[0], l->limit);
	return full_in(l, 0) && (full_in(l, 1) || !l->read[1]);
}

static bool is_filling(const struct judge *j, const struct listener_facts *l)
{
	uint32_t least = MIN(l->queued[0], l->queued[1]);

	return judge_read_twice(j, l) && least > 1 &&
	       accept_queue_percent(least, l->limit) >= FILLING_PERCENT;
}

const struct listener_facts *judge_full_listener(const struct judge *j,
						 const struct sock *client)
{
	size_t i;

	for (i = 0; i < j->e->n_listeners; i++) {
		const struct listener_facts *l = &j->e->listeners[i];
		const struct addr *a = &l->row->local;

		if (a->port != client->peer.port || !is_full(j, l))
			continue;
		/* A wildcard is meant if the client's peer is this host. */
		if (judge_same_end(a, &client->peer) ||
		    (addr_is_any(a) && (addr_is_loopback(&client->peer) ||
					addr_same_ip(&client->local, &client->peer))))
			return l;
	}
	return NULL;
}

struct syn_pressure {
	uint64_t half_open, retrans, capacity;
};

/* Half-open requests and room for them: its own, or those of its whole group. */
static bool under_syn_pressure(const struct judge *j, const struct listener_facts *l,
			       struct syn_pressure *p)
{
	const struct accept_stats *s = last_stats(l);
	uint16_t port = l->row->local.port;

	*p = (struct syn_pressure){
		.capacity = evidence_syn_capacity(&j->e->limits, l->limit) * l->members,
	};
	if (l->read[0] && s->attributable) {
		p->half_open = s->syn_queue;
		p->retrans = s->syn_retrans;
	} else if (j->d->half_open) {
		p->half_open = j->d->half_open[port];
		p->retrans = j->d->half_open_retrans[port];
	}
	return p->half_open >= SYN_QUEUE_LEAST &&
	       p->half_open * 100 >= p->capacity * SYN_QUEUE_PERCENT;
}

static void put_cookies(struct judge *j)
{
	const struct net_counters *c = j->e->counters;

	if (!j->e->limits.syncookies)
		buf_puts(&j->text, "\nnet.ipv4.tcp_syncookies is off: what does not fit "
				   "is dropped.");
	else if (c[0].known && c[1].known && c[1].syncookies_sent > c[0].syncookies_sent)
		buf_printf(
			&j->text,
			"\nThe kernel answers with SYN cookies: %llu in the last %u ms.",
			(unsigned long long)(c[1].syncookies_sent - c[0].syncookies_sent),
			j->e->interval_ms);
	else if (c[0].known)
		buf_printf(&j->text,
			   "\n%llu SYN cookies were sent in this namespace so far.",
			   (unsigned long long)c[0].syncookies_sent);
}

static void put_syn_cap(struct judge *j, const struct listener_facts *l)
{
	const struct net_limits *n = &j->e->limits;

	if (evidence_syn_capacity(n, l->limit) <= l->limit)
		buf_printf(
			&j->text,
			"\nWithout SYN cookies net.ipv4.tcp_max_syn_backlog (%llu) caps "
			"it, at three quarters.",
			(unsigned long long)n->syn_backlog);
	else if (n->has_somaxconn && l->limit == n->somaxconn)
		buf_printf(
			&j->text,
			"\nlisten()'s backlog caps it, which net.core.somaxconn (%llu) "
			"has capped.",
			(unsigned long long)n->somaxconn);
	else
		buf_printf(&j->text, "\nlisten()'s backlog (%u) caps it.", l->limit);
}

static void syn_finding(struct judge *j, const struct listener_facts *l,
			const struct syn_pressure *p)
{
	const struct net_counters *c = j->e->counters;
	struct finding *f = finding_add(j->fs, RULE_SYN_QUEUE_PRESSURE);

	judge_put_listener(j, l);
	f->where = judge_text(j);
	buf_printf(&j->text, "%llu handshakes are half-open, the SYN queue holds %llu; ",
		   (unsigned long long)p->half_open, (unsigned long long)p->capacity);
	if (p->retrans)
		buf_printf(&j->text, "SYN-ACKs were sent again %llu times.",
			   (unsigned long long)p->retrans);
	else
		buf_puts(&j->text,
			 "no SYN-ACK was sent again: the clients may be connected and "
			 "silent (TCP_DEFER_ACCEPT).");
	if (l->members > 1)
		buf_printf(
			&j->text,
			" The figures are those of %u listeners of a SO_REUSEPORT group.",
			l->members);
	put_cookies(j);
	if (accept_queue_is_full(last_queued(l), l->limit))
		buf_puts(&j->text,
			 "\nThe accept queue behind it is full: last ACKs are dropped.");
	put_syn_cap(j, l);
	f->summary = judge_text(j);
	judge_of_listener(j, f, l);
	finding_figure(f, "syn_queue", p->half_open, true);
	finding_figure(f, "syn_queue_limit", p->capacity, true);
	finding_figure(f, "syn_retrans", p->retrans, true);
	finding_figure(f, "syncookies_sent",
		       c[1].known ? c[1].syncookies_sent : c[0].syncookies_sent,
		       c[0].known);
	finding_figure(f, "syncookies_between_readings",
		       c[1].syncookies_sent - c[0].syncookies_sent,
		       c[0].known && c[1].known);
	finding_figure(f, "members", l->members, true);
}

void judge_queues(struct judge *j)
{
	struct syn_pressure pressure;
	size_t i;

	for (i = 0; i < j->e->n_listeners; i++) {
		const struct listener_facts *l = &j->e->listeners[i];

		if (is_full(j, l))
			queue_finding(j, l, RULE_ACCEPT_QUEUE_FULL);
		else if (is_filling(j, l))
			queue_finding(j, l, RULE_ACCEPT_QUEUE_FILLING);
		else
			judge_member(j, l);
		if (under_syn_pressure(j, l, &pressure) &&
		    (l->members < 2 || judge_is_first(j, i)))
			syn_finding(j, l, &pressure);
	}
}
