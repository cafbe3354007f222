/* Connections to an address of this host whose other end no socket is: looked for here,
 * in every state, and in each network namespace. */
#include <errno.h>
#include <stdlib.h>

#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/proc/netns_each.h"

enum { MOST_SOUGHT = 256 }; /* compared with each row of a table */

struct search {
	struct connection_facts **v; /* whose other end has not been found */
	size_t n;
	int turn;
	bool failed; /* a table could not be read: what is not found may be there */
};

static bool ask(struct nl *nl, const struct sock *row)
{
	struct addr local = addr_unmapped(&row->peer), peer = addr_unmapped(&row->local);
	struct sock answer;

	return inet_exact(nl, &local, &peer, row->ifindex, 0, 0, &answer) == 0 &&
	       sock_are_ends(row, &answer);
}

static int strike_out(const struct nlmsghdr *h, void *ctx)
{
	struct search *x = ctx;
	struct sock s;
	size_t i;

	if (!inet_parse(h, PROTO_TCP, &s))
		return 0;
	for (i = 0; i < x->n; i++)
		if (sock_are_ends(x->v[i]->row, &s))
			x->v[i]->alone[x->turn] = false;
	return 0;
}

/* Keeps those that are still without one. */
static void shrink(struct search *x)
{
	size_t n = 0, i;

	for (i = 0; i < x->n; i++)
		if (x->v[i]->alone[x->turn])
			x->v[n++] = x->v[i];
	x->n = n;
}

static void ask_each(struct search *x, struct nl *nl)
{
	size_t i;

	for (i = 0; i < x->n; i++)
		x->v[i]->alone[x->turn] = !ask(nl, x->v[i]->row);
	shrink(x);
}

/* One that is bound to a device is found by its index only, which its own row has; and a
 * dump may miss a row where others of its bucket go meanwhile. So both. */
static bool search_table(void *ctx, const struct netns_at *at)
{
	static const struct inet_query q = { .protocol = IPPROTO_TCP,
					     .states = STATES_ALL };
	struct search *x = ctx;
	struct nl nl;
	int err = nl_open(&nl, NULL);

	(void)at;
	if (err == 0) {
		ask_each(x, &nl);
		if (x->n)
			err = inet_dump(&nl, &q, strike_out, x);
		shrink(x);
	}
	nl_close(&nl);
	x->failed |= err < 0;
	return x->n && !x->failed;
}

/* Its state and what the peer acknowledged; after the search, for an end that closes says
 * so to the other before it is gone. */
static void read_own_ends(struct reader *r, struct search *x)
{
	size_t i;

	for (i = 0; i < x->n; i++) {
		struct connection_facts *c = x->v[i];

		evidence_connection(r, c, x->turn);
		c->alone[x->turn] = c->read[x->turn] && c->acked[x->turn] > 1;
	}
	shrink(x);
}

/* What a listener accepted is the other end itself. */
static void drop_accepted(struct reader *r, struct search *x)
{
	const struct sock *listener;
	uint32_t members;
	size_t i;

	for (i = 0; i < x->n; i++)
		x->v[i]->alone[x->turn] = !reader_listener_of(r, x->v[i]->row, &listener,
							      &members);
	shrink(x);
}

static void give_up(struct search *x)
{
	size_t i;

	for (i = 0; i < x->n; i++)
		x->v[i]->alone[x->turn] = false;
	x->n = 0;
}

/* Who may enter no other namespace cannot tell; where some are hidden, that is told. */
static void search_others(struct evidence *e, struct search *x)
{
	struct netns_search s = { .fn = search_table, .ctx = x };

	if (netns_search(&s) < 0 || (s.hidden && !s.searched))
		x->failed = true;
	e->netns_hidden |= s.hidden > 0;
}

void evidence_far_ends(struct reader *r, struct evidence *e, const struct suspects *list,
		       struct connection_facts *v, int turn)
{
	struct search x = { .turn = turn };
	size_t i;

	if (list->rule->look != LOOK_FAR_END)
		return;
	x.v = xcalloc(list->n + 1, sizeof(struct connection_facts *));
	for (i = 0; i < list->n; i++)
		if (turn == 0 || v[i].suspect) {
			v[i].alone[turn] = true;
			x.v[x.n++] = &v[i];
		}
	if (reader_side_socket(r) < 0)
		give_up(&x);
	ask_each(&x, &r->exact);
	/* More have no other end than are worth a name. */
	for (i = MOST_SOUGHT; i < x.n; i++)
		x.v[i]->alone[turn] = false;
	x.n = MIN(x.n, (size_t)MOST_SOUGHT);
	drop_accepted(r, &x);
	read_own_ends(r, &x);
	if (x.n && search_table(&x, NULL))
		search_others(e, &x);
	if (x.failed)
		give_up(&x);
	read_own_ends(r, &x);
	free(x.v);
}
