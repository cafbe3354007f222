/*
 * Half-open probes of many TCP ports of one address: SYNs by a raw socket, no connection
 * and nothing remembered at the target. Every port is asked in rounds: the silent ones
 * once more, and again as long as that brings anything new.
 *
 *	starting -> warming (the first port alone: it resolves the neighbour) -> sending
 *	sending -> waiting, when every port of the round is asked
 *	waiting -> sending the next round, or lingering, when no more will be asked
 *	any -> over, when all have answered or there was no neighbour; lingering -> over
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/scan/syn_answers.h"
#include "net/scan/syn_pace.h"

enum {
	ROUNDS_LEAST = 2,
	ROUNDS_MOST = 10,
	BARREN_MOST = 3, /* rounds without news, where packets are known to be lost */
	WARM_UP_US = 50 * 1000, /* for ARP, or neighbour discovery */
	FEW = 64,		/* ports: each SYN by itself, for its time */
	MANY = 1024,		/* ports: time counts */
	BATCHES = 4,		/* between two turns of the loop */
	FULL_US = 1000,		/* until the device takes more */
};

static void scan_ended(struct syn_scan *syn)
{
	timer_stop(syn->s.l, &syn->t);
	scan_over(&syn->s);
}

static void round_over(struct syn_scan *syn)
{
	uint64_t now = clock_us();
	size_t i, n = 0;

	syn->lossy |= syn->brought;
	syn->barren = syn->brought ? 0 : syn->barren + 1;
	if (syn->round >= ROUNDS_MOST ||
	    (syn->round >= ROUNDS_LEAST &&
	     syn->barren >= (syn->lossy ? BARREN_MOST : 1))) {
		syn->stage = SYN_LINGERING;
		timer_set(syn->s.l, &syn->t, MAX(syn_last_moment(syn, now), now));
		return;
	}
	for (i = 0; i < syn->s.n; i++)
		if (syn->ports[syn->s.list[i]].state == SYN_PORT_ASKED)
			syn->s.list[n++] = syn->s.list[i];
	syn->s.n = n;
	syn->round++;
	syn->s.next = 0;
	/* What is silent may have gone elsewhere, or nowhere. */
	if (!syn->watched)
		syn->watched = syn_link_watch_all(&syn->link, &syn->path);
	syn->blind = false;
	syn->brought = false;
	syn->stage = SYN_SENDING;
	syn->filled_us = now;
	timer_set(syn->s.l, &syn->t, now);
}

/* True if there is nothing more to wait for. */
static bool syn_check_over(struct syn_scan *syn)
{
	if (syn->s.totals.done < syn->s.totals.ports && !syn->no_neighbour.icmp.family)
		return false;
	syn_tell_silent(syn);
	scan_ended(syn);
	return true;
}

/* --- sending --- */

/* The kernel would not send it: no route, or a firewall of our own. */
static void syn_not_sent(struct syn_scan *syn, uint16_t port, int err)
{
	struct probe_result *r = scan_result(&syn->s, port);

	r->err = err;
	r->at_once = true;
	probe_judge_facts(r);
	syn_tell(syn, port);
}

/* Where the clock stood when each of a batch left: between its begin and its end. */
static void note_sent(struct syn_scan *syn, const uint16_t *ports, unsigned n,
		      uint64_t began, uint64_t ended)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		struct syn_port *p = &syn->ports[ports[i]];
		uint32_t at = syn_since_start(syn, began + (ended - began) * i / n);

		if (!p->asked++)
			p->first_us = at;
		p->last_us = at;
		p->blur_us = (uint16_t)MIN(n > 1 ? ended - began : 0,
					   (uint64_t)UINT16_MAX);
	}
}

/* Sends to as many of ports as go; false if the device takes no more for now. */
static bool send_batch(struct syn_scan *syn, const uint16_t *ports, unsigned n)
{
	unsigned i, gone = 0;

	for (i = 0; i < n; i++) {
		uint8_t *packet = syn->packets[i];

		syn_aim(packet, &syn->path, ports[i], syn->ports[ports[i]].asked + 1u);
	}
	while (gone < n) {
		uint64_t began = clock_us();
		int r = syn_link_send(&syn->link, syn->packets[gone], SYN_PACKET_MAX,
				      syn->packet_len, n - gone);

		if (r < 0 && scan_is_full(-r)) {
			syn->trouble = true;
			syn->full_err = -r;
			if (!syn->full_us)
				syn->full_us = began;
			break;
		}
		syn->full_us = 0;
		if (r < 0) {
			syn_not_sent(syn, ports[gone++], -r);
			continue;
		}
		note_sent(syn, ports + gone, (unsigned)r, began, clock_us());
		gone += (unsigned)r;
	}
	/* Those that did not go come again. */
	syn->s.next -= n - gone;
	syn->tokens -= gone;
	return gone == n;
}

/* The next ports of the round: at most `most`, those that have answered meanwhile left
 * out. */
static unsigned collect(struct syn_scan *syn, uint16_t *ports, unsigned most)
{
	unsigned n = 0;

	while (n < most && syn->s.next < syn->s.n) {
		uint16_t port = syn->s.list[syn->s.next];

		if (syn->ports[port].state == SYN_PORT_ASKED)
			ports[n++] = port;
		else if (n)
			break; /* send_batch() steps back over neighbours only */
		syn->s.next++;
	}
	return n;
}

static void round_sent(struct syn_scan *syn)
{
	uint64_t now = clock_us();

	if (!syn->first_end_us)
		syn->first_end_us = now;
	syn->stage = SYN_WAITING;
	timer_set(syn->s.l, &syn->t, now + syn_patience(syn));
}

/* For so long the device has taken nothing: those that nobody has asked are not asked,
 * the others have their time. */
static void give_up_sending(struct syn_scan *syn, uint64_t now)
{
	struct probe_result *r = scan_result(&syn->s, 0);

	r->connect_us = now - syn->full_us;
	probe_judge_unsent(r, syn->full_err);
	for (; syn->s.next < syn->s.n; syn->s.next++) {
		uint16_t port = syn->s.list[syn->s.next];

		if (syn->ports[port].state == SYN_PORT_ASKED && !syn->ports[port].asked)
			syn_tell(syn, port);
	}
	syn->round = ROUNDS_MOST;
	if (!syn_check_over(syn))
		round_sent(syn);
}

static void syn_send_some(struct syn_scan *syn)
{
	unsigned batch = syn->s.totals.ports <= FEW ? 1 : SYN_BATCH, i, n;
	uint16_t ports[SYN_BATCH];
	uint64_t now;
	bool full = false;

	if (syn->s.paused) {
		syn->full_us = 0;
		timer_set(syn->s.l, &syn->t, clock_us() + SCAN_PAUSE_US);
		return;
	}
	for (i = 0; i < BATCHES && !full && syn->s.next < syn->s.n; i++) {
		syn_fill_tokens(syn, clock_us());
		if (syn->tokens < 1)
			break;
		n = collect(syn, ports, MIN(batch, (unsigned)syn->tokens));
		full = n && !send_batch(syn, ports, n);
		syn_take_answers(syn);
		if (syn_check_over(syn))
			return;
	}
	now = clock_us();
	if (syn->s.next == syn->s.n)
		round_sent(syn);
	else if (syn->full_us && now - syn->full_us >= syn->s.how->stall_us)
		give_up_sending(syn, now);
	else if (full || syn->tokens < 1)
		timer_set(syn->s.l, &syn->t,
			  clock_us() + (full ? FULL_US : (uint64_t)(1e6 / syn->rate)));
	else
		timer_set(syn->s.l, &syn->t, loop_now(syn->s.l));
}

/* One SYN goes ahead and resolves the neighbour, whose queue is short. */
static void syn_warm_up(struct syn_scan *syn)
{
	uint16_t port;

	if (!collect(syn, &port, 1))
		return;
	send_batch(syn, &port, 1);
	timer_set(syn->s.l, &syn->t, clock_us() + (syn->s.totals.done ? 0 : WARM_UP_US));
}

static void start_sending(struct syn_scan *syn)
{
	syn->stage = SYN_SENDING;
	/* Of many ports: seen again once an answer, or the lack of one, wants it. */
	if (syn->s.totals.ports > MANY && !syn->path.rewritten)
		syn->blind = syn_link_watch_own(&syn->link, false);
	syn->filled_us = syn->looked_us = clock_us();
	timer_set(syn->s.l, &syn->t, syn->filled_us);
}

/* --- the loop's calls --- */

static void syn_due(struct loop *l, struct timer *t)
{
	struct syn_scan *syn = LOOP_OWNER(t, struct syn_scan, t);

	(void)l;
	syn_take_answers(syn);
	if (syn_check_over(syn))
		return;
	switch (syn->stage) {
	case SYN_STARTING:
		syn->stage = SYN_WARMING;
		syn_warm_up(syn);
		break;
	case SYN_WARMING:
		start_sending(syn);
		break;
	case SYN_SENDING:
		syn_send_some(syn);
		break;
	case SYN_WAITING:
		round_over(syn);
		break;
	case SYN_LINGERING:
		syn_tell_silent(syn);
		scan_ended(syn);
		break;
	}
}

static void syn_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct syn_link *link = LOOP_OWNER(w, struct syn_link, w);
	struct syn_scan *syn = LOOP_OWNER(link, struct syn_scan, link);
	int err;
	socklen_t len = sizeof(err);

	(void)l;
	/* The interface went down: said once, and the others still hear. */
	if (events & EPOLLERR)
		getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	syn_take_answers(syn);
	if (!syn_check_over(syn) && syn->stage == SYN_WARMING && syn->s.totals.done)
		start_sending(syn);
}

static void make_packets(struct syn_scan *syn)
{
	size_t i;

	syn->packet_len = syn_template(syn->packets[0], &syn->path);
	for (i = 1; i < SYN_BATCH; i++)
		memcpy(syn->packets[i], syn->packets[0], syn->packet_len);
}

static int syn_start(struct scan *s, struct fault *f)
{
	struct syn_scan *syn = LOOP_OWNER(s, struct syn_scan, s);
	bool unroutable;
	size_t i;
	int r;

	syn->t = (struct timer){ .fn = syn_due };
	syn->ports = xcalloc(65536, sizeof(*syn->ports));
	for (i = 0; i < s->n; i++)
		syn->ports[s->list[i]].state = SYN_PORT_ASKED;
	syn->round = 1;
	syn->rate = (double)SYN_START_RATE / (double)s->how->share;
	r = syn_link_open(&syn->link, &syn->path, &s->to, s->how->attempt, s->n,
			  &unroutable, f);
	endpoint_from_addr(&s->to, TARGET_TCP, &syn->path.dst);
	timer_set(s->l, &syn->t, clock_us());
	if (r < 0 && unroutable) {
		for (i = 0; i < s->n; i++)
			syn_not_sent(syn, s->list[i], -r);
		return 0;
	}
	if (r == 0)
		make_packets(syn);
	syn->link.w.fn = syn_ready;
	if (r == 0 && (r = watch_set(s->l, &syn->link.w, EPOLLIN)) < 0)
		fault(f, -r, "watch the answers");
	return r;
}

static void syn_stop(struct scan *s)
{
	struct syn_scan *syn = LOOP_OWNER(s, struct syn_scan, s);

	timer_stop(s->l, &syn->t);
	syn_link_close(&syn->link, s->l);
	free(take_ptr(&syn->ports));
	free(take_ptr(&syn->path.rewritten));
}

const struct scan_ops scan_by_syn = {
	.size = sizeof(struct syn_scan),
	.side_by_side = 16,
	.timeout_us = SCAN_TIMEOUT_US,
	.start = syn_start,
	.stop = syn_stop,
};
