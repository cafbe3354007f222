/* The list of rules, and what walks it. */
#include "model/rule/rules.h"

#include "model/finding/inquiry.h"
#include "model/rule/rules_private.h"

#define RULE_ADDRESS(name) &rule_##name,
static const struct rule *const rules[] = { RULES(RULE_ADDRESS) };

_Static_assert(ARRAY_SIZE(rules) <= RULES_MOST, "struct detect has room for each");

const struct rule *const *rules_list(size_t *n)
{
	*n = ARRAY_SIZE(rules);
	return rules;
}

void rules_begin(struct detect *d)
{
	detect_begin(d, rules, ARRAY_SIZE(rules));
}

bool rules_suspect_listener(const struct detect *d, const struct evidence *e,
			    const struct listener_facts *l)
{
	const struct inquiry q = { .d = d, .e = e };
	size_t i;

	/* A host may have thousands; nothing is in the queues of most. */
	if (!l->row->recv_queue && !d->half_open && !l->drops[0])
		return false;
	for (i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i]->suspect_listener && rules[i]->suspect_listener(&q, l))
			return true;
	return false;
}

uint32_t rules_patience(const struct detect *d, const struct evidence *e,
			const struct listener_facts *l)
{
	const struct inquiry q = { .d = d, .e = e };
	uint32_t most = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct rule *r = rules[i];

		if (r->suspect_listener && r->suspect_listener(&q, l))
			most = MAX(most, r->patience ? r->patience(&q, l)
						     : (uint32_t)READING_INTERVAL_MS);
	}
	return most;
}

bool rules_suspect_process(uint64_t fds, uint64_t fd_limit)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i]->suspect_process && rules[i]->suspect_process(fds, fd_limit))
			return true;
	return false;
}

/* Which second reading the candidates of a rule call for. */
static enum rule_again suspect_connections(const struct suspects *list,
					   struct connection_facts *facts)
{
	const struct rule *r = list->rule;
	bool worth = false;
	size_t i, n = 0;

	for (i = 0; facts && i < list->n; i++) {
		struct connection_facts *c = &facts[i];

		c->suspect = !r->suspect || r->suspect(c);
		n += c->suspect;
		worth |= r->worth_again ? r->worth_again(c) : c->suspect;
	}
	return worth && n >= (r->again_least ? r->again_least : r->least) ? r->again
									  : AGAIN_NEVER;
}

enum rule_again rules_suspect(const struct detect *d, struct evidence *e)
{
	const struct inquiry q = { .d = d, .e = e };
	enum rule_again most = AGAIN_NEVER;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		enum rule_again again = suspect_connections(&d->suspects[i],
							    e->connections[i]);

		if (rules[i]->suspect_host && rules[i]->suspect_host(&q))
			again = AGAIN_EACH;
		most = MAX(most, again);
	}
	return most;
}

static uint32_t watch_of(const struct suspects *list,
			 const struct connection_facts *facts)
{
	const struct rule *r = list->rule;
	uint32_t most = 0, n = 0;
	size_t i;

	for (i = 0; r->watch && i < list->n; i++)
		if (facts[i].suspect) {
			most = MAX(most, r->watch(&facts[i]));
			n++;
		}
	return n >= r->least ? most : 0;
}

uint32_t rules_watch(const struct detect *d, const struct evidence *e)
{
	uint32_t most = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		most = MAX(most, watch_of(&d->suspects[i], e->connections[i]));
	return most;
}

static void judge_by(struct inquiry *q, const struct rule *r, const struct suspects *list,
		     const struct connection_facts *facts)
{
	size_t i;

	for (i = 0; r->judge_listener && i < q->e->n_listeners; i++)
		r->judge_listener(q, &q->e->listeners[i]);
	for (i = 0; r->judge_suspect && i < list->n; i++)
		if (facts[i].suspect)
			r->judge_suspect(q, &facts[i]);
	for (i = 0; r->judge_process && i < q->e->n_processes; i++)
		r->judge_process(q, &q->e->processes[i]);
	if (r->judge)
		r->judge(q);
}

void rules_judge(const struct detect *d, const struct evidence *e, struct findings *fs)
{
	struct inquiry q = { .d = d, .e = e, .fs = fs };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		judge_by(&q, rules[i], &d->suspects[i], e->connections[i]);
	findings_name_containers(&q);
	findings_sort(fs);
	buf_free(&q.text);
}
