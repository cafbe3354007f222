/* The options of sockets that are suspect: only their owners' descriptors tell them. */
#include "kernel/evidence/evidence_private.h"
#include "kernel/proc/fdsteal.h"

enum { MOST_OPTIONS = 64 }; /* of one rule */

static const struct sock_options *options_of(struct evidence *e, const struct sock *row,
					     const struct holder *holders)
{
	struct sock s = *row;
	struct sock_options o, *copy;

	s.holders = holders;
	if (!holders || fdsteal_options_of(&s, &o) < 0)
		return NULL;
	copy = arena_alloc(&e->arena, sizeof(*copy));
	*copy = o;
	return copy;
}

void evidence_options(const struct detect *d, struct evidence *e)
{
	size_t i, k, n;

	for (i = 0; i < RULES_MOST; i++) {
		const struct suspects *list = &d->suspects[i];

		if (!list->rule || !list->rule->options || !e->connections[i])
			continue;
		for (k = n = 0; k < list->n && n < MOST_OPTIONS; k++) {
			struct connection_facts *c = &e->connections[i][k];

			if (!c->suspect)
				continue;
			c->options = options_of(e, c->row, c->holders);
			n++;
		}
	}
}
