/* What other connections tell of the path of those that are not answered. */
#include "kernel/evidence/evidence_private.h"
#include "kernel/netlink/known_rtt_ask.h"
#include "model/rule/rules.h"

enum { ASKED_MOST = 16 };

/* Meanwhile; what was not worth a second reading is still to be told. */
static bool is_answered(const struct rule *rule, const struct connection_facts *c)
{
	return !c->read[1] && (!rule->worth_again || rule->worth_again(c));
}

void evidence_known_rtts(const struct detect *d, struct evidence *e)
{
	const struct connection_facts *last = NULL;
	size_t i, k, asked = 0;

	for (i = 0; i < RULES_MOST; i++)
		for (k = 0; k < d->suspects[i].n && d->suspects[i].rule->known_rtt; k++) {
			struct connection_facts *c = &e->connections[i][k];

			if (is_answered(d->suspects[i].rule, c))
				continue;
			if (last && addr_same_ip(&last->row->peer, &c->row->peer))
				c->known = last->known;
			else if (asked++ < ASKED_MOST)
				known_rtt_ask(&c->row->peer, &c->known);
			last = c;
		}
}
