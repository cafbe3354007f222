/* Why this host cannot send what a connection holds: the address it sends from, its
 * route, or what drops the packets on their way out. */
#include <errno.h>
#include <stdio.h>

#include "model/rule/standstill_private.h"

static bool is_ipv4(const struct connection_facts *c)
{
	return addr_unmapped(&c->row->local).family == AF_INET;
}

static const struct stopped_packets *stopped(const struct inquiry *q,
					     const struct connection_facts *c)
{
	return is_ipv4(c) ? &q->e->stopped_v4 : &q->e->stopped_v6;
}

/* What fails in this host counts as sent: by the timer, or by a program that sends more.
 */
static bool was_tried(const struct inquiry *q, const struct connection_facts *c)
{
	return c->sent_ms < q->e->interval_ms;
}

/* Packets of others may be dropped, too: only what was tried meanwhile is one of them. A
 * segment that was sent again may be lost on its way, whatever else is dropped here. */
static bool is_filtered(const struct inquiry *q, const struct connection_facts *c)
{
	return c->way_out && !c->way_out->route && c->has_mark && was_tried(q, c) &&
	       is_held_back(c) && stopped(q, c)->n;
}

enum unsent_by unsent_by(const struct inquiry *q, const struct connection_facts *c)
{
	const struct way_out *w = c->way_out;

	if (w && presence_is_lost(w->source))
		return UNSENT_SOURCE;
	if (w && w->route > 0 && c->has_mark)
		return UNSENT_ROUTE;
	return is_filtered(q, c) ? UNSENT_FILTER : UNSENT_UNKNOWN;
}

static const char *route_words(int err)
{
	switch (err) {
	case ENETUNREACH:
		return "there is no route";
	case EHOSTUNREACH:
		return "the route, or the rule that leads to it, is of type unreachable";
	case EACCES:
		return "the route, or the rule that leads to it, is of type prohibit";
	default:
		return "the route, or the rule that leads to it, is of type blackhole";
	}
}

static void put_flow(struct inquiry *q, const struct connection_facts *c)
{
	const struct sock *s = c->row;

	finding_put_ip(q, &s->local);
	buf_puts(&q->text, " to ");
	finding_put_ip(q, &s->peer);
	if ((s->has & SOCK_HAS_UID) && s->uid)
		say(q, " for uid %u", s->uid);
	if (c->mark)
		say(q, " with mark 0x%x", c->mark);
}

static void put_refusal(struct inquiry *q, const struct connection_facts *c)
{
	say(q, "%s from ", route_words(c->way_out->route));
	put_flow(q, c);
	say(q, " (%s)", strerrorname_np(c->way_out->route));
}

static void put_stopped(struct inquiry *q, const struct connection_facts *c)
{
	const struct stopped_packets *p = stopped(q, c);

	say(q,
	    "it made %ju %s packet%s between the readings and did not transmit %s "
	    "(OutRequests, OutTransmits)",
	    (uintmax_t)p->n, is_ipv4(c) ? "IPv4" : "IPv6", p->n == 1 ? "" : "s",
	    p->n == 1 ? "it" : "them");
}

#define BY_RULE "a firewall rule of this host (OUTPUT, POSTROUTING)"
#define BY_BPF	"a BPF program of the control group"

static bool has_source(const struct connection_facts *c)
{
	return c->way_out && c->way_out->source == PRESENCE_HERE;
}

static bool has_route(const struct connection_facts *c)
{
	return c->way_out && c->way_out->route == 0;
}

/* What the facts leave. */
static void put_what_is_left(struct inquiry *q, const struct connection_facts *c)
{
	bool route = !has_route(c) || !c->has_mark;

	if (c->way_out && c->way_out->route > 0) {
		buf_puts(&q->text, "for packets without a mark ");
		put_refusal(q, c);
		buf_puts(&q->text, "; only root is shown the mark of a socket, and with "
				   "one possible are ");
	} else if (has_source(c) && has_route(c)) {
		say(q, "its address is here and there is a route%s; possible are ",
		    c->has_mark ? "" : " for packets without a mark");
	} else {
		buf_puts(&q->text, "possible are ");
	}
	say(q, BY_RULE "%s" BY_BPF "%s%s", !route && has_source(c) ? " and " : ", ",
	    route ? ", a lost route" : "",
	    has_source(c) ? "" : ", a source address that is gone");
	if (c->way_out && !was_tried(q, c))
		buf_puts(&q->text, "; nothing was tried between the readings, so that "
				   "what held it back may be over");
}

void put_unsent(struct inquiry *q, const struct connection_facts *c)
{
	buf_puts(&q->text, "this host cannot send it: ");
	switch (unsent_by(q, c)) {
	case UNSENT_SOURCE:
		buf_puts(&q->text, "the local address is ");
		finding_put_ip(q, &c->row->local);
		presence_put_loss(&q->text, c->way_out->source, c->row->ifindex);
		break;
	case UNSENT_ROUTE:
		put_refusal(q, c);
		break;
	case UNSENT_FILTER:
		put_stopped(q, c);
		buf_puts(&q->text, ": " BY_RULE " or " BY_BPF " drops what it sends");
		break;
	case UNSENT_UNKNOWN:
		put_what_is_left(q, c);
		break;
	}
}

/* As the kernel looks it up: with all that a rule may ask for. */
static void advise_route(struct inquiry *q, const struct connection_facts *c)
{
	struct addr peer = addr_unmapped(&c->row->peer),
		    local = addr_unmapped(&c->row->local);
	_cleanup_buf_ struct buf to = { 0 }, from = { 0 };
	char mark[16];

	addr_put_ip(&to, &peer);
	addr_put_ip(&from, &local);
	advise_in_words(&q->text, "%s a route to the peer:",
			unsent_by(q, c) == UNSENT_ROUTE ? "once this shows"
							: "whether it has");
	advise(&q->text, ADVICE_ROUTE_FROM, (struct advised){ 0 }, buf_cstr(&to),
	       buf_cstr(&from));
	if (c->mark) {
		snprintf(mark, sizeof(mark), "0x%x", c->mark);
		advise_word(&q->text, "mark");
		advise_word(&q->text, mark);
	}
	if (c->row->has & SOCK_HAS_UID) {
		advise_word(&q->text, "uid");
		advise_number(&q->text, c->row->uid);
	}
	advise_word(&q->text, "ipproto");
	advise_word(&q->text, "tcp");
}

static void advise_filters(struct inquiry *q, const struct connection_facts *c)
{
	struct advised asker = { .uid = q->e->asker };

	advise_in_words(&q->text, "%s drops the packets (OUTPUT, POSTROUTING):",
			unsent_by(q, c) == UNSENT_FILTER ? "which rule"
							 : "whether its firewall");
	advise(&q->text, ADVICE_NFT, asker);
	advise(&q->text, is_ipv4(c) ? ADVICE_IPTABLES : ADVICE_IP6TABLES, asker);
	advise_in_words(&q->text, "whether a BPF program does:");
	advise(&q->text, ADVICE_CGROUP_BPF, asker);
}

static void advise_source(struct inquiry *q, const struct connection_facts *c)
{
	_cleanup_buf_ struct buf from = { 0 };
	struct addr local = addr_unmapped(&c->row->local);

	addr_put_ip(&from, &local);
	advise_in_words(&q->text, "whether this host still has the source address %s:",
			buf_cstr(&from));
	advise(&q->text, ADVICE_ADDRESSES, (struct advised){ .uid = q->e->asker });
}

void advise_unsent(struct inquiry *q, const struct connection_facts *c)
{
	enum unsent_by by = unsent_by(q, c);

	if (by == UNSENT_SOURCE || (by == UNSENT_UNKNOWN && !has_source(c)))
		advise_source(q, c);
	if (by == UNSENT_ROUTE ||
	    (by == UNSENT_UNKNOWN && !(has_route(c) && c->has_mark)))
		advise_route(q, c);
	if (by == UNSENT_ROUTE)
		advise(&q->text, is_ipv4(c) ? ADVICE_RULES : ADVICE_RULES_V6,
		       (struct advised){ .uid = q->e->asker });
	if (by == UNSENT_FILTER || by == UNSENT_UNKNOWN)
		advise_filters(q, c);
}

void unsent_figure(const struct inquiry *q, struct finding *f,
		   const struct connection_facts *c)
{
	const struct stopped_packets *p = stopped(q, c);

	finding_figure(f, "packets_not_transmitted", p->n, c->way_out && p->known);
}
