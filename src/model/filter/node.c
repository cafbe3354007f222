/* Nodes that are made without a text. */
#include "model/filter/filter.h"

const struct filter_node *filter_and(struct arena *a, const struct filter_node *left,
				     const struct filter_node *right)
{
	struct filter_node *n;

	if (!left || !right)
		return left ? left : right;
	n = arena_zalloc(a, sizeof(*n));
	n->op = FILTER_AND;
	n->left = left;
	n->right = right;
	return n;
}

const struct filter_node *filter_ports(struct arena *a, enum filter_side side,
				       const struct port_set *ports)
{
	struct filter_host *hosts = arena_zalloc(a, ports->n * sizeof(*hosts));
	struct filter_node *n = arena_zalloc(a, sizeof(*n));
	size_t i;

	for (i = 0; i < ports->n; i++)
		hosts[i] = (struct filter_host){ .port_lo = ports->v[i].lo,
						 .port_hi = ports->v[i].hi,
						 .has_port = true };
	n->op = FILTER_ADDR;
	n->side = side;
	n->hosts = hosts;
	n->n_hosts = ports->n;
	return n;
}

const struct filter_node *filter_states(struct arena *a, uint32_t states)
{
	struct filter_node *n = arena_zalloc(a, sizeof(*n));

	n->op = FILTER_STATE;
	n->states = states;
	return n;
}
