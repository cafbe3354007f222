/* Idle connections whose peer has stopped answering the kernel's probes. */
#include "model/rule/rules_private.h"
#include "model/rule/standstill_private.h"

enum {
	PROBES_LEAST = 2,
	ROUND_TRIPS = 2,	  /* the first probe has waited for so many */
	INTERVAL_LEAST_MS = 1000, /* TCP_KEEPINTVL is in seconds */
	MOST_PLACES = 3,	  /* of one process: with more the trouble is its own */
};

static bool knows(uint64_t option)
{
	return option != UINT64_MAX;
}

/* The timer is that of keepalive, and its probes are counted since the last answer. */
static bool may_be_unanswered(const struct sock *s)
{
	return s->timer == TIMER_KEEPALIVE && s->retrans >= PROBES_LEAST && s->inode;
}

static uint64_t interval_ms(const struct connection_facts *c)
{
	if (c->options && knows(c->options->keepintvl_ms))
		return MAX(c->options->keepintvl_ms, (uint64_t)INTERVAL_LEAST_MS);
	return INTERVAL_LEAST_MS;
}

/* On a long path the answers to several are on the way. */
static bool is_overdue(const struct connection_facts *c)
{
	return (c->probes - 1) * interval_ms(c) * 1000 >=
	       (uint64_t)c->rtt_us * ROUND_TRIPS;
}

static bool suspect_unanswered(const struct connection_facts *c)
{
	return c->read[0] && c->has_info && c->probes >= PROBES_LEAST && !c->send[0];
}

static unsigned unanswered_kind(struct inquiry *q, const struct connection_facts *c)
{
	return was_read_twice(c) && c->probes >= PROBES_LEAST && !c->send[1] &&
	       is_overdue(c) && !finding_lost_address(q, c->row);
}

static uint32_t since_heard(const struct connection_facts *c)
{
	return c->age_ms;
}

/* When the kernel gives up: at a probe that is due after all of TCP_KEEPCNT, or with
 * TCP_USER_TIMEOUT at the first after that time, however many they are. False if the
 * options do not tell. */
static bool gives_up(const struct connection_facts *c, uint64_t *in_ms)
{
	const struct sock_options *o = c->options;
	uint64_t left = 0, due;

	if (!o || !knows(o->keepintvl_ms) || !knows(o->keepcnt) ||
	    !knows(o->user_timeout_ms))
		return false;
	if (!o->user_timeout_ms) {
		left = o->keepcnt > c->probes ? o->keepcnt - c->probes : 0;
	} else {
		due = (uint64_t)c->age_ms + c->row->expires_ms;
		if (o->user_timeout_ms > due)
			left = (o->user_timeout_ms - due + interval_ms(c) - 1) /
			       interval_ms(c);
	}
	*in_ms = c->row->expires_ms + left * interval_ms(c);
	return true;
}

static void put_end(struct inquiry *q, const struct connection_facts *c)
{
	const struct sock_options *o = c->options;
	uint64_t in_ms;

	if (!gives_up(c, &in_ms)) {
		buf_puts(&q->text,
			 "When the kernel gives up is not known: TCP_KEEPCNT and "
			 "TCP_USER_TIMEOUT of the socket could not be read.");
		return;
	}
	buf_puts(&q->text, "The kernel gives up in about ");
	buf_put_duration(&q->text, in_ms);
	if (o->user_timeout_ms) {
		buf_puts(&q->text, " (TCP_USER_TIMEOUT ");
		buf_put_duration(&q->text, o->user_timeout_ms);
		buf_puts(&q->text, ").");
	} else {
		say(q, " (TCP_KEEPCNT %ju).", (uintmax_t)o->keepcnt);
	}
}

static const char *unanswered_advice(struct inquiry *q, const struct group *g)
{
	struct advised asker = { .uid = q->e->asker };

	buf_puts(&q->text, "whether the peer answers at all:");
	finding_advise_peer(q, &g->places[0].addr, false);
	advise_in_words(&q->text,
			"if it does, a firewall or NAT on the way has forgotten "
			"the connection: a keepalive time\nshorter than its "
			"timeout keeps it (TCP_KEEPIDLE, "
			"net.ipv4.tcp_keepalive_time)");
	advise_in_words(&q->text, "whether this host's own firewall drops the probes or "
				  "the answers:");
	advise(&q->text, ADVICE_NFT, asker);
	advise(&q->text, ADVICE_IPTABLES, asker);
	return finding_text(q);
}

static void unanswered_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_keepalive_unanswered, g);
	const struct connection_facts *c = g->oldest;
	bool known;
	uint64_t in_ms = 0;

	/* A server's clients vanish every day. */
	if (g->listener)
		f->severity = SEVERITY_NOTE;
	if (g->n > 1)
		say(q,
		    "Keepalive probes have no answer; of the oldest %u in a row, whose "
		    "peer was last heard ",
		    c->probes);
	else
		say(q,
		    "%u keepalive probes in a row have no answer; the peer was last heard ",
		    c->probes);
	buf_put_duration(&q->text, c->age_ms);
	buf_puts(&q->text, " ago.\n");
	put_end(q, c);
	buf_puts(
		&q->text,
		"\nA peer that is up answers the probes itself, whatever its program does: "
		"its host is down, the path is broken,\na firewall or NAT on the way has "
		"forgotten the connection, or this host's own firewall drops the packets.");
	f->summary = finding_text(q);
	f->advice = unanswered_advice(q, g);
	known = gives_up(c, &in_ms);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "probes", c->probes, true);
	finding_figure(f, "last_heard_ms", c->age_ms, true);
	finding_figure(f, "timer_expires_ms", c->row->expires_ms, true);
	finding_figure(f, "gives_up_ms", in_ms, known);
	finding_figure(f, "keepcnt", known ? c->options->keepcnt : 0, known);
	finding_figure(f, "user_timeout_ms", known ? c->options->user_timeout_ms : 0,
		       known);
}

static void judge_unanswered(struct inquiry *q)
{
	static const struct grouping by = { .kind = unanswered_kind,
					    .age = since_heard,
					    .most_places = MOST_PLACES,
					    .tell = unanswered_finding };

	finding_judge_groups(q, &rule_keepalive_unanswered, &by);
}

const struct rule rule_keepalive_unanswered = {
	.id = "keepalive-unanswered",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The peer of an idle connection does not answer keepalive probes: its host is down, "
		"the path is broken, or a firewall or NAT on the way has forgotten the connection. The "
		"program learns of it only when the kernel gives up, or when it sends.",
	.advice =
		"See whether the peer answers a new connection; if it does, use a keepalive time that "
		"is shorter than the timeout of the firewall or NAT.",
	.threshold =
		"# keepalive probes without an answer in both of two readings, the first for longer "
		"than # round trips; a note where a listener accepted the connection; not where the "
		"local address is gone",
	.numbers = { COUNT(PROBES_LEAST), COUNT(ROUND_TRIPS) },
	.candidate = may_be_unanswered,
	.rows = BIT(STATE_ESTABLISHED) | BIT(STATE_CLOSE_WAIT),
	.queued = true,
	.look = LOOK_EACH,
	.options = true,
	.suspect = suspect_unanswered,
	.again = AGAIN_EACH,
	.judge = judge_unanswered,
};
