/* Handshakes that stay half-open because the way back is broken. */
#include "model/cause/listener_match.h"
#include "model/rule/rules_private.h"
#include "model/rule/standstill_private.h"

enum {
	HALF_OPEN_LEAST = 8, /* of one listener */
	SYN_ACKS = 3,	     /* sent to each of them */
	PER_HOST = 4,	     /* with fewer from each host it is a flood */
	MOST_READ = 256,     /* one by one */
};

static bool may_lack_answer(const struct sock *s)
{
	return !(s->has & SOCK_IS_FULL) && s->retrans + 1 >= SYN_ACKS;
}

/* The half-open connections of one listener that do not answer. */
struct half_open {
	size_t n, hosts;
	const struct sock *oldest; /* as far as the timer tells */
};

static bool is_behind(const struct listener_facts *l, const struct sock *s)
{
	return s->local.port == l->row->local.port && listener_took(l->row, s);
}

static size_t candidates_of(const struct inquiry *q, const struct listener_facts *l)
{
	const struct suspects *list = q->d->suspects;
	size_t n = 0, i;

	while (list->rule != &rule_syn_ack_unanswered)
		list++;
	for (i = 0; list->n >= HALF_OPEN_LEAST && i < list->n; i++)
		n += is_behind(l, list->v[i]);
	return n;
}

static bool may_be_dropping(const struct inquiry *q, const struct listener_facts *l)
{
	return q->e->asked && l->has_drops && l->drops[0];
}

static bool suspect_handshakes(const struct inquiry *q, const struct listener_facts *l)
{
	return sock_has_accept_queue(l->row) && !sock_is_unix(l->row) &&
	       (candidates_of(q, l) >= HALF_OPEN_LEAST || may_be_dropping(q, l));
}

static bool is_new_host(const struct candidates *all, const struct listener_facts *l,
			size_t at)
{
	size_t i;

	for (i = 0; i < at; i++)
		if (is_behind(l, all->v[i].row) &&
		    addr_same_ip(&all->v[i].row->peer, &all->v[at].row->peer))
			return false;
	return true;
}

static struct half_open half_open_of(const struct inquiry *q,
				     const struct listener_facts *l)
{
	struct candidates all = finding_candidates(q, &rule_syn_ack_unanswered);
	struct half_open h = { 0 };
	size_t i;

	for (i = 0; i < all.n; i++) {
		const struct connection_facts *c = &all.v[i];

		if (!was_read_twice(c) || !is_behind(l, c->row))
			continue;
		h.n++;
		h.hosts += is_new_host(&all, l, i);
		if (!h.oldest || c->row->retrans > h.oldest->retrans)
			h.oldest = c->row;
	}
	return h;
}

/* SYNs that were dropped, though no queue was full, and packets without a route: as many
 * at least, of one family. 0 = it is not so. */
static uint64_t dropped_without_route(const struct inquiry *q,
				      const struct listener_facts *l, bool *v6)
{
	const struct net_counters *c = q->e->counters;
	uint64_t drops = l->drops[1] - l->drops[0];
	size_t i;

	if (!finding_read_twice(q, l) || !l->has_drops || l->drops[1] <= l->drops[0] ||
	    !c[0].known || !c[1].known || finding_overflows(q) ||
	    c[1].reqq_full != c[0].reqq_full)
		return 0;
	for (i = 0; i < 2; i++)
		if (c[1].no_routes[i] - c[0].no_routes[i] >= drops) {
			*v6 = i == 1;
			return drops;
		}
	return 0;
}

/* The queue behind it takes no more, and the last ACKs are dropped; or the queue of
 * half-open ones itself is told. */
static bool is_told(const struct inquiry *q, const struct listener_facts *l)
{
	size_t i;

	if (finding_full_in(l, 0) || (l->read[1] && finding_full_in(l, 1)))
		return true;
	for (i = 0; i < q->fs->n; i++)
		if (q->fs->v[i]->rule == &rule_syn_queue_pressure &&
		    q->fs->v[i]->cookies[0] == l->row->cookie)
			return true;
	return false;
}

static void advise_way_back(struct inquiry *q, const struct sock *s)
{
	struct advised asker = { .uid = q->e->asker };
	struct addr peer = addr_unmapped(&s->peer), local = addr_unmapped(&s->local);
	_cleanup_buf_ struct buf to = { 0 }, from = { 0 };

	addr_put_ip(&to, &peer);
	addr_put_ip(&from, &local);
	buf_puts(&q->text, "whether this host has a route back to the client:");
	advise(&q->text, ADVICE_ROUTE_FROM, asker, buf_cstr(&to), buf_cstr(&from));
}

static void advise_firewall(struct inquiry *q, const char *words)
{
	struct advised asker = { .uid = q->e->asker };

	advise_in_words(&q->text, "%s:", words);
	advise(&q->text, ADVICE_NFT, asker);
	advise(&q->text, ADVICE_IPTABLES, asker);
}

static void tell_unanswered(struct inquiry *q, struct finding *f,
			    const struct half_open *h)
{
	struct addr ip = addr_unmapped(&h->oldest->peer);

	ip.port = 0;
	say(q, "%zu handshakes are half-open: each was sent %u SYN-ACKs or more, and ",
	    h->n, SYN_ACKS);
	buf_puts(&q->text, "answered none. They come from ");
	if (h->hosts == 1)
		finding_put_ip(q, &ip);
	else
		say(q, "%zu hosts", h->hosts);
	buf_puts(
		&q->text,
		".\nThe SYN-ACKs do not arrive (another way back, a firewall that sees one "
		"direction only), the ACKs do not come back,\nor whoever sent the SYNs "
		"never answers: a scan, forged addresses.");
	/* Its own drops are also SYNs that came again. */
	if (q->e->counters[0].listen_overflows)
		buf_puts(
			&q->text,
			"\nAccept queues of this host have overflowed before: while one is "
			"full, the ACKs are dropped, too.");
	f->summary = finding_text(q);
	advise_way_back(q, h->oldest);
	advise_in_words(&q->text, "whether the client answers at all:");
	finding_advise_peer(q, &ip, false);
	advise_firewall(q, "whether this host's own firewall drops the ACKs (INPUT)");
	f->advice = finding_text(q);
}

static void tell_no_route(struct inquiry *q, struct finding *f, uint64_t drops, bool v6)
{
	struct advised asker = { .uid = q->e->asker };

	say(q,
	    "%ju SYNs were dropped between two readings %u ms apart though no queue is full, and "
	    "as many packets had no route (OutNoRoutes):\nthis host has no way back to those "
	    "who ask.",
	    (uintmax_t)drops, q->e->interval_ms);
	f->summary = finding_text(q);
	buf_puts(&q->text, "which addresses this host has a route to:");
	advise(&q->text, v6 ? ADVICE_ROUTES_V6 : ADVICE_ROUTES, asker);
	advise(&q->text, v6 ? ADVICE_RULES_V6 : ADVICE_RULES, asker);
	f->advice = finding_text(q);
}

static void judge_handshakes(struct inquiry *q, const struct listener_facts *l)
{
	struct half_open h = { 0 };
	bool few, v6 = false;
	uint64_t drops;
	struct finding *f;

	if (!l->suspect || sock_is_unix(l->row) || is_told(q, l) ||
	    (l->members > 1 && !finding_is_first(q, l)))
		return;
	h = half_open_of(q, l);
	few = h.n >= HALF_OPEN_LEAST && h.hosts * PER_HOST <= h.n;
	drops = dropped_without_route(q, l, &v6);
	if (!few && !drops)
		return;
	f = finding_of_listener(q, &rule_syn_ack_unanswered, l);
	if (few)
		tell_unanswered(q, f, &h);
	else
		tell_no_route(q, f, drops, v6);
	finding_figure(f, "unanswered", h.n, true);
	finding_figure(f, "hosts", h.hosts, true);
	finding_figure(f, "syns_without_route", drops, q->e->interval_ms);
}

const struct rule rule_syn_ack_unanswered = {
	.id = "syn-ack-unanswered",
	.severity = SEVERITY_WARNING,
	.meaning =
		"Handshakes with a listener stay half-open because the way back is broken: its SYN-ACKs "
		"are not answered, or this host has no route for them. Its clients see a timeout, and "
		"the server nothing.",
	.advice =
		"See whether this host has a route back to the clients, and whether its firewall "
		"drops the ACK that should follow.",
	.threshold =
		"# half-open connections, # SYN-ACKs sent to each and none answered in both of two "
		"readings, from no more than one host for each # of them; or SYNs that a listener drops "
		"between two readings, and as many packets without a route (OutNoRoutes)",
	.numbers = { COUNT(HALF_OPEN_LEAST), COUNT(SYN_ACKS), COUNT(PER_HOST) },
	.candidate = may_lack_answer,
	.rows = BIT(STATE_SYN_RECV),
	.most = MOST_READ,
	.least = HALF_OPEN_LEAST,
	.look = LOOK_EACH,
	.again = AGAIN_EACH,
	.suspect_listener = suspect_handshakes,
	.judge_listener = judge_handshakes,
};
