#include "net/scan/syn_answers.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"

static bool is_rewritten(const struct syn_scan *syn, uint16_t port)
{
	return syn->path.rewritten && syn->path.rewritten[port].seen;
}

/* What NAT of this host made of the SYN for this port. */
static void put_rewritten(const struct syn_scan *syn, uint16_t port,
			  struct probe_result *r)
{
	const struct syn_ends *e;

	if (!is_rewritten(syn, port))
		return;
	e = &syn->path.rewritten[port];
	r->sent_from = (struct addr){ .family = syn->path.src.family, .port = e->sport };
	r->sent_to = (struct addr){ .family = syn->path.dst.family, .port = e->dport };
	memcpy(r->sent_from.ip, e->src, sizeof(e->src));
	memcpy(r->sent_to.ip, e->dst, sizeof(e->dst));
	r->sent_back = e->lo && !addr_same_ip(&syn->path.src, &syn->path.dst);
}

void syn_tell(struct syn_scan *syn, uint16_t port)
{
	struct syn_port *p = &syn->ports[port];
	struct probe_result *r = &syn->s.r;
	struct addr own = syn->path.src;

	own.port = syn->path.sport;
	endpoint_from_addr(&r->local, TARGET_TCP, &own);
	scan_set_port(&r->peer, port);
	r->half_open = true;
	put_rewritten(syn, port, r);
	r->lost = p->asked ? p->asked - 1u : 0;
	p->state = SYN_PORT_DONE;
	scan_tell(&syn->s);
}

/* Which SYN it answers, by its own word, or by what the path allows. */
static unsigned answered_round(const struct syn_scan *syn, const struct syn_port *p,
			       const struct syn_answer *a, uint32_t at)
{
	if (a->round && a->round <= p->asked)
		return a->round;
	return at >= p->last_us && at - p->last_us >= syn->rtt_us / 2 ? p->asked : 1;
}

static void learn_rtt(struct syn_scan *syn, uint64_t rtt_us)
{
	if (!syn->heard || rtt_us < syn->rtt_us)
		syn->rtt_us = rtt_us;
	if (!syn->tick_rtt_us || rtt_us < syn->tick_rtt_us)
		syn->tick_rtt_us = MAX(rtt_us, (uint64_t)1);
	syn->rtt_most_us = MAX(syn->rtt_most_us, rtt_us);
	syn->heard = true;
}

/* The port that is asked again all the time has answered. */
static void known_answered(struct syn_scan *syn, uint64_t at_us)
{
	if (!syn->asked_known)
		return;
	syn->asked_known = false;
	if (at_us >= syn->known_us)
		learn_rtt(syn, at_us - syn->known_us);
}

static void take_icmp(struct syn_scan *syn, const struct syn_answer *a, bool lo,
		      struct probe_result *r)
{
	bool nat = false;

	r->icmp = a->icmp;
	/* Only NAT of this host can write the target's address into its own message. */
	if (lo && addr_same_ip(&a->icmp.from, &syn->path.dst) &&
	    !addr_same_ip(&syn->path.src, &syn->path.dst))
		nat = r->icmp.own = true;
	probe_judge_facts(r);
	if (nat && icmp_says_no_host(&r->icmp)) {
		r->outcome = OUTCOME_UNREACHABLE;
		snprintf(r->told, sizeof(r->told), "%s",
			 "NAT of this host sends it to an address for which no neighbour "
			 "answers (see 'ip neigh')");
		return;
	}
	/* NAT may send each port by another hop. */
	if (is_rewritten(syn, a->port) || !a->icmp.own || !probe_may_be_neighbour(r))
		return;
	/* The neighbour is the same for all ports, and so is a rule. */
	if (syn->no_neighbour.outcome == OUTCOME_UNREACHABLE) {
		r->outcome = OUTCOME_UNREACHABLE;
		r->silent_hop = syn->no_neighbour.silent_hop;
	} else if (r->outcome == OUTCOME_UNREACHABLE || !syn->asked_hop) {
		probe_ask_neighbour(r, syn->link.tx, syn->s.how->attempt->neighbour);
		if (r->outcome == OUTCOME_UNREACHABLE)
			syn->no_neighbour = *r;
		syn->asked_hop = true;
	}
}

/* An answer to a SYN that was seen in a later round only: it was not lost before. */
static void forgive(struct syn_port *p)
{
	if (!p->doubted)
		return;
	p->first_us = p->last_us;
	p->asked = 1;
}

static void take_answer(struct syn_scan *syn, const struct syn_answer *a,
			const struct syn_seen *seen)
{
	struct syn_port *p = &syn->ports[a->port];
	uint32_t at = syn_since_start(syn, seen->at_us), sent;
	struct probe_result *r;
	unsigned round;

	if (p->state == SYN_PORT_DONE && a->port == syn->known)
		known_answered(syn, seen->at_us);
	if (p->state != SYN_PORT_ASKED || !p->asked)
		return;
	if (a->kind != SYN_ICMP)
		forgive(p);
	r = scan_result(&syn->s, a->port);
	r->ttl = a->kind == SYN_ICMP ? 0 : a->ttl;
	round = answered_round(syn, p, a, at);
	sent = round == 1 ? p->first_us : p->last_us;
	r->connect_us = at > sent ? at - sent : 0;
	/* Quicker than its batch went out: no time can be told. */
	if (r->connect_us < p->blur_us)
		r->connect_us = 0;
	if (round == p->asked && a->kind != SYN_ICMP)
		learn_rtt(syn, r->connect_us);
	if (round > 1)
		syn->brought = true;
	if (a->kind == SYN_ICMP) {
		take_icmp(syn, a, seen->lo, r);
	} else {
		r->outcome = a->kind == SYN_ACCEPTED ? OUTCOME_OPEN : OUTCOME_REFUSED;
		if (a->kind == SYN_RESET)
			r->err = ECONNREFUSED;
		/* An answer to the first that came after the second was sent, by a
		 * path that is faster: the answer before it was lost. */
		if (p->asked > 1)
			r->loss = !a->round			  ? PROBE_LOSS_UNKNOWN
				  : a->round == p->asked	  ? PROBE_LOSS_SYN
				  : at > p->last_us + syn->rtt_us ? PROBE_LOSS_SYN_ACK
								  : PROBE_LOSS_NONE;
		syn->known = a->port;
	}
	syn_tell(syn, a->port);
}

static void keep_rewritten(struct syn_scan *syn, uint16_t port,
			   const struct syn_ends *ends)
{
	if (!syn->path.rewritten)
		syn->path.rewritten = xcalloc(65536, sizeof(*syn->path.rewritten));
	syn->path.rewritten[port] = *ends;
}

/* It has left: with other ends than we wrote the answer comes from there. */
static void note_sent_off(struct syn_scan *syn, const struct syn_seen *seen)
{
	struct syn_ends ends;
	uint16_t port;

	if (!syn_read_sent(&syn->path, seen->data, seen->len, &port, &ends))
		return;
	ends.lo = seen->lo;
	if (ends.seen)
		keep_rewritten(syn, port, &ends);
	else
		syn->ports[port].left = true;
}

/* An answer of these ports and addresses is none that is known, but NAT may have made it
 * one: the SYN is asked again, and seen. */
static void note_elsewhere(struct syn_scan *syn, uint16_t port)
{
	struct syn_port *p = &syn->ports[port];

	if (!syn->blind || p->state != SYN_PORT_ASKED || !p->asked)
		return;
	p->doubted = true;
	syn->blind = !syn_link_watch_own(&syn->link, true);
}

/* A ring full of them at most: what comes meanwhile, and may never end, is for the next
 * turn. */
void syn_take_answers(struct syn_scan *syn)
{
	struct syn_answer a;
	struct syn_seen seen;
	unsigned i;

	syn_link_look(&syn->link);
	for (i = 0; i < syn->link.frames && syn_link_next(&syn->link, &seen); i++) {
		if (seen.leaves)
			note_sent_off(syn, &seen);
		else
			syn_read(&syn->path, seen.data, seen.len, &a);
		syn_link_done(&syn->link);
		if (seen.leaves)
			continue;
		if (a.elsewhere)
			note_elsewhere(syn, a.port);
		if (a.kind == SYN_ICMP && a.rewritten.seen)
			keep_rewritten(syn, a.port, &a.rewritten);
		if (a.kind != SYN_NOTHING)
			take_answer(syn, &a, &seen);
	}
}

/* A silence of the port, not of the next hop. */
static void put_silence(struct probe_result *r, enum outcome o)
{
	r->outcome = o;
	r->err = ETIMEDOUT;
}

/* Whether what was not seen to leave has not left. */
static bool is_watched(struct syn_scan *syn)
{
	return syn->watched && !syn_link_dropped(&syn->link) && !syn->link.missed;
}

void syn_tell_silent(struct syn_scan *syn)
{
	struct probe_result *r = scan_result(&syn->s, 0), all;
	uint32_t now = syn_since_start(syn, clock_us());
	bool watched = is_watched(syn);
	size_t i;

	if (syn->no_neighbour.outcome == OUTCOME_UNREACHABLE)
		*r = syn->no_neighbour;
	else
		put_silence(r, OUTCOME_FILTERED);
	r->connect_us = now;
	if (!syn->heard && !r->silent_hop.addr.family && !syn->path.rewritten)
		probe_ask_neighbour(r, syn->link.tx, syn->s.how->attempt->neighbour);
	all = *r;
	for (i = 0; i < syn->s.n; i++) {
		uint16_t port = syn->s.list[i];
		const struct syn_port *p = &syn->ports[port];

		if (p->state != SYN_PORT_ASKED)
			continue;
		if (is_rewritten(syn, port) || (all.outcome == OUTCOME_FILTERED &&
						watched && p->asked > 1 && !p->left))
			put_silence(scan_result(&syn->s, port), OUTCOME_TRANSLATED);
		else
			*r = all;
		r->connect_us = now - p->first_us;
		syn_tell(syn, port);
	}
}
