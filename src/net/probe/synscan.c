#include "net/probe/synscan.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/mem.h"

enum {
	ROUNDS_LEAST = 2,
	ROUNDS_MOST = 10,
	BARREN_MOST = 3,    /* rounds without news, where packets are known to be lost */
	TICK_US = 4 * 1000, /* between two looks at the pace, */
	TICK_MOST_US = 100 * 1000, /* or a round trip, or so long at most */
	TICK_BLIND_US = 10 * 1000, /* nothing has answered yet */
	WARM_UP_US = 50 * 1000,	   /* for ARP, or neighbour discovery */
	START_RATE = 50000,
	LEAST_RATE = 5000,
	BLIND_RATE = 100000, /* nothing has answered yet: no loss would be noticed */
	MOST_RATE = 10 * 1000 * 1000,
	FEW = 64,			/* ports: each SYN by itself, for its time */
	BURST_US = 5 * 1000,		/* what a late timer may catch up with */
	BATCHES = 4,			/* between two turns of the loop */
	BLIND_PATIENCE_US = 500 * 1000, /* for a round of which nothing came */
	ROUND_PATIENCE_US = 100 * 1000, /* beyond three of the longest round trips */
	LAST_PATIENCE_US = 200 * 1000,	/* the same after the last round */
	LOST_US = 100 * 1000,		/* the same for the known port */
	FULL_US = 1000,			/* until the device takes more */
	QUEUEING_US = 30 * 1000,	/* slower than the fastest: queues fill up */
};

enum port_state { PORT_OUT, PORT_ASKED, PORT_DONE };

struct syn_port {
	uint8_t state, asked;	    /* asked: so many SYNs */
	uint16_t blur_us;	    /* the last one left within so long a time */
	uint32_t first_us, last_us; /* since totals.started_us; the last SYN's */
};

static uint32_t since_start(const struct syn_scan *s, uint64_t at_us)
{
	return at_us > s->totals.started_us ? (uint32_t)(at_us - s->totals.started_us)
					    : 0;
}

/* --- answers --- */

static void tell(struct syn_scan *s, uint16_t port, struct probe_result *r)
{
	struct syn_port *p = &s->ports[port];
	struct addr a = s->path.dst, own = s->path.src;

	a.port = port;
	own.port = s->path.sport;
	endpoint_from_addr(&r->peer, TARGET_TCP, &a);
	endpoint_from_addr(&r->local, TARGET_TCP, &own);
	r->half_open = true;
	r->mptcp = -1;
	if (p->asked)
		r->lost = p->asked - 1u;
	p->state = PORT_DONE;
	s->totals.counts[r->outcome]++;
	s->totals.done++;
	if (r->outcome != OUTCOME_REFUSED || s->with_refused)
		s->found(s, r);
}

/* Which SYN it answers, by its own word, or by what the path allows. */
static unsigned answered_round(const struct syn_scan *s, const struct syn_port *p,
			       const struct syn_answer *a, uint32_t at)
{
	if (a->round && a->round <= p->asked)
		return a->round;
	return at >= p->last_us && at - p->last_us >= s->rtt_us / 2 ? p->asked : 1;
}

static void learn_rtt(struct syn_scan *s, uint64_t rtt_us)
{
	if (!s->heard || rtt_us < s->rtt_us)
		s->rtt_us = rtt_us;
	if (!s->tick_rtt_us || rtt_us < s->tick_rtt_us)
		s->tick_rtt_us = MAX(rtt_us, (uint64_t)1);
	s->rtt_most_us = MAX(s->rtt_most_us, rtt_us);
	s->heard = true;
}

/* The port that is asked again all the time has answered. */
static void known_answered(struct syn_scan *s, uint64_t at_us)
{
	if (!s->asked_known)
		return;
	s->asked_known = false;
	if (at_us >= s->known_us)
		learn_rtt(s, at_us - s->known_us);
}

static void take_icmp(struct syn_scan *s, const struct syn_answer *a,
		      struct probe_result *r)
{
	r->icmp = a->icmp;
	probe_judge_facts(r);
	if (!a->icmp.own || !probe_may_be_neighbour(r))
		return;
	/* The neighbour is the same for all ports, and so is a rule. */
	if (s->no_neighbour.outcome == OUTCOME_UNREACHABLE) {
		r->outcome = OUTCOME_UNREACHABLE;
		r->silent_hop = s->no_neighbour.silent_hop;
	} else if (r->outcome == OUTCOME_UNREACHABLE || !s->asked_hop) {
		endpoint_from_addr(&r->peer, TARGET_TCP, &s->path.dst);
		probe_ask_neighbour(r, s->link.tx, s->how->attempt->neighbour);
		if (r->outcome == OUTCOME_UNREACHABLE)
			s->no_neighbour = *r;
		s->asked_hop = true;
	}
}

static void take(struct syn_scan *s, const struct syn_answer *a, uint64_t at_us)
{
	struct syn_port *p = &s->ports[a->port];
	struct probe_result r = { .ttl = a->kind == SYN_ICMP ? 0 : a->ttl };
	uint32_t at = since_start(s, at_us), sent;
	unsigned round;

	if (p->state == PORT_DONE && a->port == s->known)
		known_answered(s, at_us);
	if (p->state != PORT_ASKED || !p->asked)
		return;
	round = answered_round(s, p, a, at);
	sent = round == 1 ? p->first_us : p->last_us;
	r.connect_us = at > sent ? at - sent : 0;
	/* Quicker than its batch went out: no time can be told. */
	if (r.connect_us < p->blur_us)
		r.connect_us = 0;
	if (round == p->asked && a->kind != SYN_ICMP)
		learn_rtt(s, r.connect_us);
	if (round > 1)
		s->brought = true;
	if (a->kind == SYN_ICMP) {
		take_icmp(s, a, &r);
	} else {
		r.outcome = a->kind == SYN_ACCEPTED ? OUTCOME_OPEN : OUTCOME_REFUSED;
		if (a->kind == SYN_RESET)
			r.err = ECONNREFUSED;
		/* An answer to the first that came after the second was sent, by a
		 * path that is faster: the answer before it was lost. */
		if (p->asked > 1)
			r.loss = !a->round		       ? PROBE_LOSS_UNKNOWN
				 : a->round == p->asked	       ? PROBE_LOSS_SYN
				 : at > p->last_us + s->rtt_us ? PROBE_LOSS_SYN_ACK
							       : PROBE_LOSS_NONE;
		s->known = a->port;
	}
	tell(s, a->port, &r);
}

/* A ring full of them at most: what comes meanwhile, and may never end, is for the next
 * turn. */
static void drain(struct syn_scan *s)
{
	struct syn_answer a;
	const uint8_t *data;
	uint64_t at_us;
	unsigned i;
	size_t len;

	syn_link_look(&s->link);
	for (i = 0; i < s->link.frames && syn_link_next(&s->link, &data, &len, &at_us);
	     i++) {
		syn_read(&s->path, data, len, &a);
		syn_link_done(&s->link);
		if (a.kind != SYN_NOTHING)
			take(s, &a, at_us);
	}
}

/* --- the end --- */

static void tell_silent(struct syn_scan *s)
{
	struct probe_result silent = { .outcome = OUTCOME_FILTERED, .err = ETIMEDOUT };
	uint32_t now = since_start(s, clock_us());
	size_t i;

	if (s->no_neighbour.outcome == OUTCOME_UNREACHABLE)
		silent = s->no_neighbour;
	else
		endpoint_from_addr(&silent.peer, TARGET_TCP, &s->path.dst);
	silent.connect_us = now;
	if (!s->heard && !silent.silent_hop.family)
		probe_ask_neighbour(&silent, s->link.tx, s->how->attempt->neighbour);
	for (i = 0; i < s->n; i++) {
		const struct syn_port *p = &s->ports[s->list[i]];
		struct probe_result r = silent;

		if (p->state != PORT_ASKED)
			continue;
		r.connect_us = now - p->first_us;
		tell(s, s->list[i], &r);
	}
}

static void finish(struct syn_scan *s)
{
	timer_stop(s->l, &s->t);
	s->totals.took_us = clock_us() - s->totals.started_us;
	s->over(s);
}

/* How long the answers of a round are waited for. */
static uint64_t patience(const struct syn_scan *s)
{
	uint64_t wait = s->heard ? s->rtt_most_us * 3 + ROUND_PATIENCE_US
				 : (uint64_t)BLIND_PATIENCE_US;

	return MIN(wait, s->how->timeout_us / 2);
}

/* When the last ones end: with the time that a port has in all, or sooner, where answers
 * have come and nobody said how long. */
static uint64_t last_moment(const struct syn_scan *s, uint64_t now)
{
	uint64_t all = s->first_end_us + s->how->timeout_us;

	if (!s->heard || s->how->patient)
		return all;
	return MIN(all, now + s->rtt_most_us * 3 + LAST_PATIENCE_US);
}

static void round_over(struct syn_scan *s)
{
	uint64_t now = clock_us();
	size_t i, n = 0;

	s->lossy |= s->brought;
	s->barren = s->brought ? 0 : s->barren + 1;
	if (s->round >= ROUNDS_MOST ||
	    (s->round >= ROUNDS_LEAST && s->barren >= (s->lossy ? BARREN_MOST : 1))) {
		s->stage = SYN_LINGERING;
		timer_set(s->l, &s->t, MAX(last_moment(s, now), now));
		return;
	}
	for (i = 0; i < s->n; i++)
		if (s->ports[s->list[i]].state == PORT_ASKED)
			s->list[n++] = s->list[i];
	s->n = n;
	s->round++;
	s->next = 0;
	s->brought = false;
	s->stage = SYN_SENDING;
	s->filled_us = now;
	timer_set(s->l, &s->t, now);
}

/* True if there is nothing more to wait for. */
static bool check_over(struct syn_scan *s)
{
	if (s->totals.done < s->totals.ports && !s->no_neighbour.icmp.family)
		return false;
	tell_silent(s);
	finish(s);
	return true;
}

/* --- pace --- */

static void ask_known(struct syn_scan *s, uint64_t now)
{
	uint8_t packet[SYN_PACKET_MAX];

	if (!s->known)
		return;
	syn_template(packet, &s->path);
	syn_aim(packet, &s->path, s->known, SYN_ROUNDS_MOST);
	s->asked_known = syn_link_send(&s->link, packet, 0, s->packet_len, 1) == 1;
	s->known_us = now;
}

/* Looks back at the last few milliseconds. */
static void adapt(struct syn_scan *s, uint64_t now)
{
	bool lost = s->asked_known && now > s->known_us + s->rtt_us * 3 + LOST_US;

	if (syn_link_dropped(&s->link) || lost ||
	    s->tick_rtt_us > s->rtt_us + QUEUEING_US)
		s->trouble = true;
	if (s->trouble)
		s->rate = MAX(s->rate / 2, (double)LEAST_RATE);
	else
		s->rate = MIN(s->rate * 2, s->heard ? (double)MOST_RATE : BLIND_RATE);
	s->trouble = false;
	s->tick_rtt_us = 0;
	s->looked_us = now;
	if (lost || !s->asked_known)
		ask_known(s, now);
}

/* Twice as fast once the answers to the pace before are in, no sooner. */
static uint64_t tick_us(const struct syn_scan *s)
{
	return s->heard ? MIN(MAX((uint64_t)TICK_US, s->rtt_us), (uint64_t)TICK_MOST_US)
			: (uint64_t)TICK_BLIND_US;
}

static void fill_tokens(struct syn_scan *s, uint64_t now)
{
	double most;

	if (s->how->rate)
		s->rate = (double)s->how->rate;
	else if (now - s->looked_us >= tick_us(s))
		adapt(s, now);
	most = MAX(s->rate * BURST_US / 1e6, 1.0);
	s->tokens += s->rate * (double)(now - s->filled_us) / 1e6;
	s->tokens = MIN(s->tokens, most);
	s->filled_us = now;
}

/* --- sending --- */

static bool is_full(int err)
{
	return err == ENOBUFS || err == EAGAIN || err == ENOMEM;
}

/* The kernel would not send it: no route, or a firewall of our own. */
static void not_sent(struct syn_scan *s, uint16_t port, int err)
{
	struct probe_result r = { .err = err, .at_once = true };

	r.peer.proto = TARGET_TCP;
	probe_judge_facts(&r);
	tell(s, port, &r);
}

/* Where the clock stood when each of a batch left: between its begin and its end. */
static void note_sent(struct syn_scan *s, const uint16_t *ports, unsigned n,
		      uint64_t began, uint64_t ended)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		struct syn_port *p = &s->ports[ports[i]];
		uint32_t at = since_start(s, began + (ended - began) * i / n);

		if (!p->asked++)
			p->first_us = at;
		p->last_us = at;
		p->blur_us = (uint16_t)MIN(n > 1 ? ended - began : 0,
					   (uint64_t)UINT16_MAX);
	}
}

/* Sends to as many of ports as go; false if the device takes no more for now. */
static bool send_batch(struct syn_scan *s, const uint16_t *ports, unsigned n)
{
	unsigned i, gone = 0;

	for (i = 0; i < n; i++) {
		uint8_t *packet = s->packets[i];

		syn_aim(packet, &s->path, ports[i], s->ports[ports[i]].asked + 1u);
	}
	while (gone < n) {
		uint64_t began = clock_us();
		int r = syn_link_send(&s->link, s->packets[gone], SYN_PACKET_MAX,
				      s->packet_len, n - gone);

		if (r < 0 && is_full(-r)) {
			s->trouble = true;
			s->full_err = -r;
			if (!s->full_us)
				s->full_us = began;
			break;
		}
		s->full_us = 0;
		if (r < 0) {
			not_sent(s, ports[gone++], -r);
			continue;
		}
		note_sent(s, ports + gone, (unsigned)r, began, clock_us());
		gone += (unsigned)r;
	}
	/* Those that did not go come again. */
	s->next -= n - gone;
	s->tokens -= gone;
	return gone == n;
}

/* The next ports of the round: at most `most`, those that have answered meanwhile left
 * out. */
static unsigned collect(struct syn_scan *s, uint16_t *ports, unsigned most)
{
	unsigned n = 0;

	while (n < most && s->next < s->n) {
		uint16_t port = s->list[s->next];

		if (s->ports[port].state == PORT_ASKED)
			ports[n++] = port;
		else if (n)
			break; /* send_batch() steps back over neighbours only */
		s->next++;
	}
	return n;
}

static void round_sent(struct syn_scan *s)
{
	uint64_t now = clock_us();

	if (!s->first_end_us)
		s->first_end_us = now;
	s->stage = SYN_WAITING;
	timer_set(s->l, &s->t, now + patience(s));
}

/* For so long the device has taken nothing: those that nobody has asked are not asked,
 * the others have their time. */
static void give_up_sending(struct syn_scan *s, uint64_t now)
{
	for (; s->next < s->n; s->next++) {
		uint16_t port = s->list[s->next];
		struct probe_result r = { .connect_us = now - s->full_us };

		if (s->ports[port].state != PORT_ASKED || s->ports[port].asked)
			continue;
		probe_judge_unsent(&r, s->full_err);
		tell(s, port, &r);
	}
	s->round = ROUNDS_MOST;
	if (!check_over(s))
		round_sent(s);
}

static void send_some(struct syn_scan *s)
{
	unsigned batch = s->totals.ports <= FEW ? 1 : SYN_BATCH, i, n;
	uint16_t ports[SYN_BATCH];
	uint64_t now;
	bool full = false;

	for (i = 0; i < BATCHES && !full && s->next < s->n; i++) {
		fill_tokens(s, clock_us());
		if (s->tokens < 1)
			break;
		n = collect(s, ports, MIN(batch, (unsigned)s->tokens));
		full = n && !send_batch(s, ports, n);
		drain(s);
		if (check_over(s))
			return;
	}
	now = clock_us();
	if (s->next == s->n)
		round_sent(s);
	else if (s->full_us && now - s->full_us >= s->how->stall_us)
		give_up_sending(s, now);
	else if (full || s->tokens < 1)
		timer_set(s->l, &s->t,
			  clock_us() + (full ? FULL_US : (uint64_t)(1e6 / s->rate)));
	else
		timer_set(s->l, &s->t, loop_now(s->l));
}

/* One SYN goes ahead and resolves the neighbour, whose queue is short. */
static void warm_up(struct syn_scan *s)
{
	uint16_t port;

	if (!collect(s, &port, 1))
		return;
	send_batch(s, &port, 1);
	timer_set(s->l, &s->t, clock_us() + (s->totals.done ? 0 : WARM_UP_US));
}

static void start_sending(struct syn_scan *s)
{
	s->stage = SYN_SENDING;
	s->filled_us = s->looked_us = clock_us();
	timer_set(s->l, &s->t, s->filled_us);
}

/* --- the loop's calls --- */

static void due(struct loop *l, struct timer *t)
{
	struct syn_scan *s = LOOP_OWNER(t, struct syn_scan, t);

	(void)l;
	drain(s);
	if (check_over(s))
		return;
	switch (s->stage) {
	case SYN_STARTING:
		s->stage = SYN_WARMING;
		warm_up(s);
		break;
	case SYN_WARMING:
		start_sending(s);
		break;
	case SYN_SENDING:
		send_some(s);
		break;
	case SYN_WAITING:
		round_over(s);
		break;
	case SYN_LINGERING:
		tell_silent(s);
		finish(s);
		break;
	}
}

static void ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct syn_link *link = LOOP_OWNER(w, struct syn_link, w);
	struct syn_scan *s = LOOP_OWNER(link, struct syn_scan, link);
	int err;
	socklen_t len = sizeof(err);

	(void)l;
	/* The interface went down: said once, and the others still hear. */
	if (events & EPOLLERR)
		getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	drain(s);
	if (!check_over(s) && s->stage == SYN_WARMING && s->totals.done)
		start_sending(s);
}

static void list_ports(struct syn_scan *s, const struct port_set *ports)
{
	uint32_t p;
	size_t i;

	for (i = 0; i < ports->n; i++)
		for (p = ports->v[i].lo; p <= ports->v[i].hi; p++) {
			if (s->ports[p].state != PORT_OUT)
				continue;
			s->ports[p].state = PORT_ASKED;
			s->list[s->n++] = (uint16_t)p;
		}
	s->totals.ports = s->n;
}

static int make_packets(struct syn_scan *s, struct fault *f)
{
	size_t i;

	if (getrandom(&s->path.secret, sizeof(s->path.secret), 0) < 0)
		return fault(f, errno, "draw a secret");
	s->packet_len = syn_template(s->packets[0], &s->path);
	for (i = 1; i < SYN_BATCH; i++)
		memcpy(s->packets[i], s->packets[0], s->packet_len);
	return 0;
}

int syn_scan_start(struct syn_scan *s, struct loop *l, const struct endpoint *to,
		   const struct port_set *ports, const struct scan_how *how,
		   struct fault *f)
{
	bool unroutable;
	size_t i;
	int r;

	s->l = l;
	s->how = how;
	s->t = (struct timer){ .fn = due };
	s->totals = (struct scan_totals){ .started_us = clock_us() };
	s->ports = xcalloc(65536, sizeof(*s->ports));
	s->list = xcalloc(65536, sizeof(*s->list));
	list_ports(s, ports);
	s->round = 1;
	s->rate = START_RATE;
	r = syn_link_open(&s->link, &s->path, to, how->attempt, s->n, &unroutable, f);
	timer_set(l, &s->t, clock_us());
	if (r < 0 && unroutable) {
		for (i = 0; i < s->n; i++)
			not_sent(s, s->list[i], -r);
		return 0;
	}
	if (r == 0)
		r = make_packets(s, f);
	s->link.w.fn = ready;
	if (r == 0 && (r = watch_set(l, &s->link.w, EPOLLIN)) < 0)
		fault(f, -r, "watch the answers");
	if (r < 0)
		syn_scan_stop(s);
	return r;
}

void syn_scan_stop(struct syn_scan *s)
{
	timer_stop(s->l, &s->t);
	syn_link_close(&s->link, s->l);
	free(take_ptr(&s->ports));
	free(take_ptr(&s->list));
}
