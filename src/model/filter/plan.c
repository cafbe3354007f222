/* What a filter says before any row is seen: needs, states, an exact connection. */
#include "model/filter/filter.h"

uint32_t filter_needs(const struct filter_node *n)
{
	uint32_t needs = 0;
	size_t i;

	if (!n)
		return 0;
	if (n->field)
		needs |= n->field->needs;
	if (n->op == FILTER_ADDR && (n->side & SIDE_PEER))
		for (i = 0; i < n->n_hosts; i++)
			if (n->hosts[i].path)
				needs |= NEED_UNIX_PEER;
	return needs | filter_needs(n->left) | filter_needs(n->right);
}

bool filter_asks_for(const struct filter_node *n, const char *field)
{
	return n && ((n->field && streq(n->field->name, field)) ||
		     filter_asks_for(n->left, field) || filter_asks_for(n->right, field));
}

bool filter_is_fixed(const struct filter_node *n)
{
	static const char *const fixed[] = { "proto",	   "family",	"local_addr",
					     "local_port", "peer_addr", "peer_port",
					     "cookie" };
	size_t i;

	if (!n || n->op == FILTER_ALL)
		return true;
	if (n->op == FILTER_AND || n->op == FILTER_OR || n->op == FILTER_NOT)
		return filter_is_fixed(n->left) && filter_is_fixed(n->right);
	if (n->op == FILTER_ADDR)
		return true;
	for (i = 0; n->field && i < ARRAY_SIZE(fixed); i++)
		if (streq(n->field->name, fixed[i]))
			return true;
	return false;
}

/* Whether a row whose peer is all zeros cannot match. */
static bool wants_peer(const struct filter_host *h)
{
	const struct addr none = { .family = h->prefix.family };

	if (h->path)
		return false;
	return (h->has_port && h->port_lo) ||
	       (h->prefix.family && !addr_in_prefix(&none, &h->prefix));
}

/* A listener has no peer address and no peer port. */
static uint32_t states_of_addr(const struct filter_node *n)
{
	size_t i;

	if (n->field)
		return STATES_CONNECTED | STATES_SYN_RECV;
	if (n->side != SIDE_PEER)
		return STATES_ALL;
	for (i = 0; i < n->n_hosts; i++)
		if (!wants_peer(&n->hosts[i]))
			return STATES_ALL;
	return STATES_ALL & ~(1u << STATE_LISTEN);
}

/* Fields that only rows of some states have: absent is NO in every comparison. */
static uint32_t states_of_field(const struct field *f)
{
	static const struct {
		const char *name;
		uint32_t states;
	} rows[] = {
		{ "unaccepted",
		  STATES_SYN_RECV | 1 << STATE_ESTABLISHED | 1 << STATE_CLOSE_WAIT },
		{ "wait",
		  STATES_SYN_RECV | 1 << STATE_ESTABLISHED | 1 << STATE_CLOSE_WAIT },
		{ "close_wait", 1 << STATE_CLOSE_WAIT },
		{ "idle", 1 << STATE_ESTABLISHED },
		{ "queue", 1 << STATE_LISTEN },
		{ "fill", 1 << STATE_LISTEN },
		{ "accept_queue", 1 << STATE_LISTEN },
		{ "accept_queue_limit", 1 << STATE_LISTEN },
		{ "accept_queue_full", 1 << STATE_LISTEN },
	};
	size_t i;

	if (f->needs & (NEED_WAITERS | NEED_UNIX_CLIENTS))
		return 1u << STATE_LISTEN;
	/* A listener's tcp_info is not shown, the others have none. */
	if (f->source == FROM_INFO)
		return STATES_ALL & ~(1u << STATE_LISTEN | 1u << STATE_TIME_WAIT |
				      1u << STATE_BOUND_INACTIVE);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (streq(rows[i].name, f->name))
			return rows[i].states;
	return STATES_ALL;
}

static bool is_yes(const struct filter_node *n)
{
	size_t i;

	if (n->op == FILTER_TRUE)
		return true;
	if (n->op != FILTER_EQ && n->op != FILTER_IN)
		return false;
	for (i = 0; i < n->n_literals; i++)
		if (!n->literals[i].lo)
			return false;
	return true;
}

static uint32_t states_of_leaf(const struct filter_node *n)
{
	if (n->op == FILTER_ADDR)
		return states_of_addr(n);
	if (!n->field)
		return STATES_ALL;
	/* "unaccepted = no" is true of every other row. */
	if (streq(n->field->name, "unaccepted") && !is_yes(n))
		return STATES_ALL;
	return states_of_field(n->field);
}

static uint32_t state_mask(const struct filter_node *n, bool negated)
{
	switch (n->op) {
	case FILTER_AND:
	case FILTER_OR: {
		uint32_t left = state_mask(n->left, negated);
		uint32_t right = state_mask(n->right, negated);

		return (n->op == FILTER_AND) != negated ? left & right : left | right;
	}
	case FILTER_NOT:
		return state_mask(n->left, !negated);
	case FILTER_STATE:
		return negated ? STATES_ALL & ~n->states : n->states;
	case FILTER_ALL:
		return negated ? 0 : STATES_ALL;
	case FILTER_EQ:
	case FILTER_NE:
	case FILTER_LT:
	case FILTER_LE:
	case FILTER_GT:
	case FILTER_GE:
	case FILTER_GLOB:
	case FILTER_IN:
	case FILTER_TRUE:
	case FILTER_ADDR:
		break;
	}
	return negated ? STATES_ALL : states_of_leaf(n);
}

uint32_t filter_state_mask(const struct filter_node *n)
{
	return n ? state_mask(n, false) : STATES_ALL;
}

uint32_t filter_named_states(const struct filter_node *n)
{
	if (!n || n->op == FILTER_NOT)
		return 0;
	if (n->op == FILTER_STATE)
		return n->states;
	return filter_named_states(n->left) | filter_named_states(n->right);
}

/* What the terms that "and" joins have said of both ends so far. */
struct ends {
	struct addr addr[2];
	uint16_t port[2];
	bool conflict;
};

static void add_end(struct ends *e, unsigned end, const struct filter_host *h)
{
	if (h->prefix.family &&
	    h->prefix.prefix == (h->prefix.family == AF_INET ? 32 : 128)) {
		if (e->addr[end].family && !addr_same_ip(&e->addr[end], &h->prefix))
			e->conflict = true;
		e->addr[end] = h->prefix;
	}
	if (h->has_port && h->port_lo == h->port_hi) {
		if (e->port[end] && e->port[end] != h->port_lo)
			e->conflict = true;
		e->port[end] = h->port_lo;
	}
}

static void add_ends(struct ends *e, const struct filter_node *n)
{
	if (n->op == FILTER_AND) {
		add_ends(e, n->left);
		add_ends(e, n->right);
	} else if (n->op == FILTER_ADDR && !n->field && n->n_hosts == 1 &&
		   !n->hosts[0].path && n->side != SIDE_EITHER) {
		add_end(e, n->side == SIDE_PEER, n->hosts);
	}
}

bool filter_exact(const struct filter_node *n, struct addr *local, struct addr *peer)
{
	struct ends e = { 0 };
	unsigned i;

	if (!n)
		return false;
	add_ends(&e, n);
	for (i = 0; i < 2; i++) {
		if (!e.addr[i].family || !e.port[i] || addr_is_any(&e.addr[i]))
			return false;
		e.addr[i].port = e.port[i];
		e.addr[i].prefix = 0;
	}
	if (e.conflict || e.addr[0].family != e.addr[1].family)
		return false;
	*local = e.addr[0];
	*peer = e.addr[1];
	return true;
}

void filter_only_ports(const struct filter_node *n, uint16_t *local, uint16_t *peer)
{
	struct ends e = { 0 };

	if (n)
		add_ends(&e, n);
	*local = e.conflict ? 0 : e.port[0];
	*peer = e.conflict ? 0 : e.port[1];
}
