/* Whether this host can send what a connection holds: whether its local address is here,
 * whether it has a route, and what becomes of the packets that this host makes. */
#include <errno.h>
#include <stdlib.h>

#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/presence_ask.h"
#include "kernel/netlink/route.h"

enum { MOST_ASKED = 256 };

static bool is_unsent(const struct suspects *list, const struct connection_facts *c)
{
	return list->rule && list->rule->unsent && c->suspect && c->read[0] &&
	       list->rule->unsent(c);
}

bool evidence_holds_back(const struct detect *d, const struct evidence *e)
{
	size_t i, k;

	for (i = 0; i < RULES_MOST; i++)
		for (k = 0; k < d->suspects[i].n; k++)
			if (is_unsent(&d->suspects[i], &e->connections[i][k]))
				return true;
	return false;
}

static int take_nothing(const struct nlmsghdr *h, void *ctx)
{
	(void)h;
	(void)ctx;
	return 0;
}

/* What the look-up says where no route may be used; anything else is no answer. */
static bool is_refusal(int err)
{
	return err == ENETUNREACH || err == EHOSTUNREACH || err == EACCES ||
	       err == EINVAL;
}

static int ask_route(const struct connection_facts *c)
{
	const struct sock *s = c->row;
	struct route_flow f = {
		.to = addr_unmapped(&s->peer),
		.from = addr_unmapped(&s->local),
		.oif = s->ifindex,
		.mark = c->mark,
		.uid = s->uid,
		.has_uid = s->has & SOCK_HAS_UID,
		.tos = s->tos,
		.protocol = IPPROTO_TCP,
	};
	struct nl nl;
	int r = nl_open_route(&nl);

	if (r < 0)
		return -1;
	if (!f.oif && addr_is_link_local(&f.to))
		f.oif = f.to.scope;
	/* It may send from any address, which a question may not. */
	if (sock_is_transparent(s))
		f.from.family = AF_UNSPEC;
	r = route_ask_flow(&nl, &f, take_nothing, NULL);
	nl_close(&nl);
	return r == 0 ? 0 : is_refusal(-r) ? -r : -1;
}

static enum presence ask_source(const struct sock *s)
{
	struct presence_of p = { .addr = s->local, .ifindex = s->ifindex };

	if (sock_is_transparent(s))
		return PRESENCE_UNKNOWN;
	presence_ask(&p, 1);
	return p.is;
}

static void ask_way_out(struct evidence *e, struct connection_facts *c)
{
	struct way_out *w = arena_zalloc(&e->arena, sizeof(*w));

	w->source = ask_source(c->row);
	w->route = ask_route(c);
	c->way_out = w;
}

/* What was forwarded is sent, too, and was not made here. */
static struct stopped_packets stopped(const struct counters *before,
				      const struct counters *now, const char *table,
				      const char *made, const char *sent,
				      const char *forwarded)
{
	uint64_t out, left, passed;
	struct stopped_packets p = {
		.known = counters_grown(before, now, table, made, &out) &&
			 counters_grown(before, now, table, sent, &left) &&
			 counters_grown(before, now, table, forwarded, &passed),
	};

	if (p.known && out + passed > left)
		p.n = out + passed - left;
	return p;
}

static void count_stopped(struct evidence *e)
{
	const struct counters *before = &e->texts[0], *now = &e->texts[1];

	e->stopped_v4 = stopped(before, now, "Ip", "OutRequests", "OutTransmits",
				"ForwDatagrams");
	e->stopped_v6 = stopped(before, now, "snmp6", "Ip6OutRequests", "Ip6OutTransmits",
				"Ip6OutForwDatagrams");
}

void evidence_ways_out(const struct detect *d, struct evidence *e)
{
	size_t i, k, asked = 0;

	count_stopped(e);
	for (i = 0; i < RULES_MOST; i++)
		for (k = 0; k < d->suspects[i].n && asked < MOST_ASKED; k++) {
			struct connection_facts *c = &e->connections[i][k];

			if (!is_unsent(&d->suspects[i], c))
				continue;
			ask_way_out(e, c);
			asked++;
		}
}
