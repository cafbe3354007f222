#include "model/filter/term_private.h"

#include "base/opt.h"
#include "model/filter/word_private.h"
#include "model/names.h"

static const char *nearest_word(const struct token *t)
{
	_cleanup_strv_ struct strv names = { 0 };
	const struct field *fields;
	const struct word *words;
	const char *const *states;
	size_t n, i;

	words = filter_words(&n);
	for (i = 0; i < n; i++)
		strv_add(&names, words[i].name);
	fields = field_table(&n);
	for (i = 0; i < n; i++)
		strv_add(&names, fields[i].name);
	states = state_words(&n);
	for (i = 0; i < n; i++)
		strv_add(&names, states[i]);
	return opt_nearest(t->text, names.v, names.n);
}

static const struct filter_node *unknown_word(struct parser *p, const struct token *t)
{
	const char *shown = filter_show(p, t), *nearest = nearest_word(t);
	bool number = t->len && strspn(t->text, "0123456789-") == t->len;

	filter_fail(p, t->at, "'%s' is neither a field nor a state", shown);
	if (number)
		fault_hint(p->fault, "a port is written ':%s', or sport = %s", shown,
			   shown);
	else if (strpbrk(t->text, ".:/@"))
		fault_hint(p->fault, "an address wants its end: src %s, or dst %s", shown,
			   shown);
	else if (nearest)
		fault_hint(p->fault, "did you mean '%s'?", nearest);
	else
		fault_hint(
			p->fault,
			"a program is asked for by process = %s; 'sockctl inspect -o help' "
			"lists the fields",
			shown);
	return NULL;
}

static const struct filter_node *bare_field(struct parser *p, const struct field *field,
					    const struct token *t)
{
	struct filter_node *n;

	if (field->unit == UNIT_BOOL) {
		n = filter_new(p, FILTER_TRUE);
		n->field = field;
		return n;
	}
	filter_fail(p, t->at + t->len, "%s is not compared with anything", field->name);
	if (field->unit == UNIT_TEXT || field->unit == UNIT_PROCESS)
		fault_hint(p->fault, "such as %s = word, or %s ~ \"pattern*\"",
			   field->name, field->name);
	else
		fault_hint(p->fault, "such as %s > %s", field->name,
			   field->unit == UNIT_US || field->unit == UNIT_MS ? "50ms"
									    : "1");
	return NULL;
}

/* ":8080", "*:80": either port. "::1" is an address that lacks its end. */
static bool is_port(const struct token *t)
{
	struct addr a;

	if (t->quoted || (t->text[0] != ':' && !has_prefix(t->text, "*:")))
		return false;
	return addr_parse_ip(t->text, t->len, true, &a) < 0;
}

/*
 * A name that is both a field and a state (close_wait) is the field where a comparison
 * follows.
 */
const struct filter_node *filter_term(struct parser *p, bool merge)
{
	struct token t = p->next;
	const struct field *field;
	const struct word *words;
	uint32_t states;
	size_t n, i;

	if (is_port(&t))
		return filter_bare_port(p);
	filter_advance(p);
	words = filter_words(&n);
	for (i = 0; i < n; i++)
		if (token_is(&t, words[i].name))
			return words[i].parse(p, &words[i], merge);
	field = t.quoted ? NULL : field_find(t.text, t.len);
	if (field && filter_at_compare(p))
		return filter_compare_field(p, field);
	states = t.quoted ? 0 : state_parse(t.text, t.len);
	if (states)
		return filter_states(p->arena, states);
	return field ? bare_field(p, field, &t) : unknown_word(p, &t);
}
