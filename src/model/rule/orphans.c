/* Connections that the peer does not let end: those that no program owns any more, and
 * those that a program has ended in its own direction. */
#include <stdlib.h>

#include "model/finding/inquiry.h"
#include "model/rule/rules_private.h"
#include "model/rule/standstill_private.h"

enum {
	MOST_ORPHANS = 65536, /* they are counted */
	ORPHAN_RETRANS = 2,   /* transmissions without an answer */
	ORPHAN_AGE_MS = 1000, /* a closed window is normal for a moment */
	CROWD_LEAST = 64,     /* of one local port: fewer clients vanish every day */
	CROWD_PERCENT = 20,   /* of the port's connections */
	ORPHANS_PERCENT = 80, /* of tcp_max_orphans */
};

/* Those of one local port, or those of all ports that are not worth more than a note. */
struct orphans {
	uint64_t unsent;
	uint32_t total, n[STATE_COUNT];
	uint64_t *cookies;
	const struct connection_facts *oldest; /* without an answer for longest */
};

static void count_orphan(struct orphans *o, const struct connection_facts *c)
{
	o->cookies[o->total++] = c->row->cookie;
	o->unsent += sock_send_bytes(c->row);
	o->n[c->row->state]++;
	if (!o->oldest || c->sent_ms > o->oldest->sent_ms)
		o->oldest = c;
}

static int by_port(const void *a, const void *b)
{
	const struct connection_facts *x = *(const struct connection_facts *const *)a,
				      *y = *(const struct connection_facts *const *)b;

	return (int)x->row->local.port - (int)y->row->local.port;
}

/* All connections of a local port, these included; 0 = not all of them were seen. */
static uint32_t connections_of(const struct inquiry *q, uint16_t port)
{
	return q->d->whole_ports ? q->d->local_ports[port].n : 0;
}

static bool is_crowd(const struct inquiry *q, uint32_t n, uint16_t port)
{
	uint64_t all = connections_of(q, port);

	return n >= CROWD_LEAST && all && n * 100ull >= all * CROWD_PERCENT;
}

static void put_states(struct inquiry *q, const struct orphans *o)
{
	static const struct {
		enum sock_state state;
		const char *text;
	} states[] = {
		{ STATE_FIN_WAIT1,
		  "in FIN_WAIT1 (closed here, the peer has not confirmed)" },
		{ STATE_CLOSING,
		  "in CLOSING (closed on both sides, ours is not confirmed)" },
		{ STATE_LAST_ACK,
		  "in LAST_ACK (the peer's last acknowledgment does not come)" },
	};
	bool first = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		if (!o->n[states[i].state])
			continue;
		say(q, "%s%u %s", first ? "" : ", ", o->n[states[i].state],
		    states[i].text);
		first = false;
	}
}

/* Whether this host or the peer is why the oldest waits. */
static void put_orphan_why(struct inquiry *q, const struct connection_facts *c)
{
	if (!is_probing(c))
		say(q, " and was tried again %u times", c->row->retrans);
	else if (is_held_back(c)) {
		buf_puts(&q->text, "; the peer's window is open, and ");
		put_unsent(q, c);
	} else if (c->has_send_window && !window_is_open(c))
		buf_puts(&q->text,
			 "; the peer's window is closed: its program does not read");
	else if (!c->has_send_window)
		buf_puts(&q->text,
			 "; this host cannot send, or the peer's window is closed");
}

static void put_orphans(struct inquiry *q, const struct orphans *o)
{
	struct candidates all = finding_candidates(q, &rule_orphans);
	const struct sock *s = o->oldest->row;

	say(q,
	    "%s%u connection%s without an owner %s %ju bytes that are not acknowledged: ",
	    all.seen > all.n ? "At least " : "", o->total, o->total == 1 ? "" : "s",
	    o->total == 1 ? "holds" : "hold", (uintmax_t)o->unsent);
	put_states(q, o);
	say(q, ".\nThe oldest last sent data ");
	buf_put_duration(&q->text, o->oldest->sent_ms);
	say(q, " ago");
	put_orphan_why(q, o->oldest);
	say(q, "; the next try is due in %u ms (rto %u ms).", s->expires_ms,
	    o->oldest->rto_us / 1000);
}

/* The kernel resets orphans from this on. */
static bool is_host_crowded(const struct inquiry *q)
{
	const struct net_limits *n = &q->e->limits;

	return q->d->whole_tcp && n->has_sockstat && n->has_max_orphans &&
	       n->max_orphans && n->orphans * 100 >= n->max_orphans * ORPHANS_PERCENT;
}

static void put_host(struct inquiry *q)
{
	const struct net_limits *n = &q->e->limits;

	if (!n->has_sockstat)
		return;
	say(q, "The host has %ju orphans", (uintmax_t)n->orphans);
	if (n->has_max_orphans)
		say(q, " of at most %ju (net.ipv4.tcp_max_orphans)",
		    (uintmax_t)n->max_orphans);
	buf_puts(&q->text, is_host_crowded(q) ? ": beyond it they are reset." : ".");
}

/* "127.0.0.1:80 to 10.0.0.9:4711 and 69 more" */
static void put_where(struct inquiry *q, const struct orphans *o)
{
	addr_put(&q->text, &o->oldest->row->local);
	say(q, " to ");
	addr_put(&q->text, &o->oldest->row->peer);
	if (o->total > 1)
		say(q, " and %u more", o->total - 1);
}

static void orphan_figures(struct inquiry *q, struct finding *f, const struct orphans *o,
			   uint32_t connections)
{
	const struct net_limits *n = &q->e->limits;

	finding_figure(f, "sockets", o->total, true);
	finding_figure(f, "of_connections", connections, connections);
	finding_figure(f, "unsent_bytes", o->unsent, true);
	finding_figure(f, "fin_wait1", o->n[STATE_FIN_WAIT1], true);
	finding_figure(f, "closing", o->n[STATE_CLOSING], true);
	finding_figure(f, "last_ack", o->n[STATE_LAST_ACK], true);
	finding_figure(f, "retrans", o->total ? o->oldest->retrans : 0, o->total);
	finding_figure(f, "last_sent_ms", o->total ? o->oldest->sent_ms : 0,
		       o->total && o->oldest->has_info);
	if (o->total)
		unsent_figure(q, f, o->oldest);
	finding_figure(f, "orphans", n->orphans, n->has_sockstat);
	finding_figure(f, "max_orphans", n->max_orphans, n->has_max_orphans);
}

/* connections: of the port that they crowd; 0 = they are of several ports, or few. */
static void orphan_finding(struct inquiry *q, const struct orphans *o,
			   enum severity severity, uint32_t connections)
{
	struct finding *f = finding_add(q->fs, &rule_orphans);

	f->severity = severity;
	f->cookies = o->cookies;
	f->n_cookies = o->total;
	f->where = "this host";
	if (o->total) {
		put_where(q, o);
		f->where = finding_text(q);
		put_orphans(q, o);
		buf_putc(&q->text, '\n');
	}
	if (connections)
		say(q, "They are %u %% of the %u connections of local port %u. ",
		    o->total * 100 / connections, connections,
		    o->oldest->row->local.port);
	put_host(q);
	f->summary = finding_text(q);
	if (o->total && is_held_back(o->oldest)) {
		advise_unsent(q, o->oldest);
		f->advice = finding_text(q);
	}
	orphan_figures(q, f, o, connections);
}

/* The suspects, those of one local port side by side. */
static size_t sort_suspects(struct inquiry *q, const struct connection_facts ***sorted)
{
	struct candidates all = finding_candidates(q, &rule_orphans);
	const struct connection_facts **v = arena_alloc(&q->fs->arena,
							(all.n + 1) * sizeof(*v));
	size_t n = 0, i;

	for (i = 0; i < all.n; i++)
		if (all.v[i].suspect)
			v[n++] = &all.v[i];
	qsort(v, n, sizeof(*v), by_port);
	*sorted = v;
	return n;
}

/* A port whose clients vanish in crowds is a finding of its own; single clients that
 * vanish are normal, and one note. */
static void judge_orphans(struct inquiry *q)
{
	const struct connection_facts **v;
	size_t n = sort_suspects(q, &v), i, end;
	bool crowded = is_host_crowded(q);
	uint64_t *cookies = arena_alloc(&q->fs->arena, (2 * n + 1) * sizeof(*cookies));
	struct orphans few = { .cookies = cookies };

	cookies += n;
	for (i = 0; i < n; i = end) {
		uint16_t port = v[i]->row->local.port;
		struct orphans of_port = { .cookies = cookies };

		for (end = i; end < n && v[end]->row->local.port == port; end++)
			count_orphan(&of_port, v[end]);
		cookies += of_port.total;
		if (is_crowd(q, of_port.total, port))
			orphan_finding(q, &of_port, SEVERITY_WARNING,
				       connections_of(q, port));
		else
			for (; i < end; i++)
				count_orphan(&few, v[i]);
	}
	if (few.total || crowded)
		orphan_finding(q, &few, crowded ? SEVERITY_WARNING : SEVERITY_NOTE, 0);
}

static bool may_be_orphan(const struct sock *s)
{
	return !s->inode &&
	       (s->timer == TIMER_WINDOW_PROBE ||
		(s->timer == TIMER_RETRANSMIT && s->retrans >= ORPHAN_RETRANS));
}

/* A closed window is normal for a moment here too; what this host cannot send counts as
 * sent with each try. */
static bool suspect_orphan(const struct connection_facts *c)
{
	return c->read[0] &&
	       (c->row->timer == TIMER_RETRANSMIT || c->row->retrans >= ORPHAN_RETRANS ||
		c->sent_ms >= ORPHAN_AGE_MS || is_held_back(c));
}

/* What this host cannot send is watched for as long as that of a program. */
static uint32_t watch_orphan(const struct connection_facts *c)
{
	return is_held_back(c) ? WATCH_MS : 0;
}

const struct rule rule_orphans = {
	.id = "orphans",
	.severity = SEVERITY_WARNING,
	.meaning =
		"Connections that no program owns any more still hold data that the peer does not take "
		"or this host cannot send, or wait for an acknowledgment that does not come. Single clients that vanish leave such "
		"connections every day; many at once on one port point to the path or to a peer.",
	.advice =
		"The kernel gives up by itself (net.ipv4.tcp_orphan_retries); look at the peers if "
		"they are many.",
	.threshold =
		"# ownerless FIN_WAIT1, CLOSING or LAST_ACK of one local port that are # of its "
		"connections, each after # retransmissions or with a window closed for #; or # of "
		"tcp_max_orphans. Fewer are a note",
	.numbers = { COUNT(CROWD_LEAST), PERCENT(CROWD_PERCENT), COUNT(ORPHAN_RETRANS),
		     MS(ORPHAN_AGE_MS), PERCENT(ORPHANS_PERCENT) },
	.candidate = may_be_orphan,
	.rows = BIT(STATE_FIN_WAIT1) | BIT(STATE_CLOSING) | BIT(STATE_LAST_ACK),
	.most = MOST_ORPHANS,
	.look = LOOK_STATE,
	.suspect = suspect_orphan,
	.again = AGAIN_EACH,
	.worth_again = is_held_back,
	.stands = sends_nothing,
	.watch = watch_orphan,
	.unsent = is_held_back,
	.judge = judge_orphans,
};

enum {
	MOST_HALF_CLOSED = 65536,
	HALF_CLOSED_LEAST = 16,	     /* of one process to one remote end */
	HALF_CLOSED_AGE_MS = 300000, /* without a byte from the peer */
	LIMIT_PERCENT = 10,	     /* of the descriptors that the process may have */
};

static unsigned half_closed_kind(struct inquiry *q, const struct connection_facts *c)
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

static const char *half_closed_advice(struct inquiry *q, const struct group *g)
{
	const struct addr *to = &g->places[0].addr;

	buf_puts(&q->text, "find out why ");
	finding_put_places(q, g);
	buf_puts(&q->text, " neither answers nor closes; whether it is there:");
	finding_advise_peer(q, to, false);
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
	f->advice = half_closed_advice(q, g);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "oldest_ms", g->oldest->received_ms, true);
	finding_figure(f, "descriptor_limit", p ? p->fd_limit : 0, p);
}

static void judge_half_closed(struct inquiry *q)
{
	static const struct grouping by = { .kind = half_closed_kind,
					    .age = since_received,
					    .least = HALF_CLOSED_LEAST,
					    .tell = half_closed_finding };

	finding_judge_groups(q, &rule_fin_wait_silent, &by);
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
