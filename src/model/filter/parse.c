/*
 * The grammar, each level a function:
 *
 *   or:   and { "or" and }
 *   and:  not { ["and"] not }
 *   not:  { "not" } term
 *   term: "(" or ")" | ss's words | field comparison | state | yes/no field | :port
 */
#include <errno.h>

#include "model/filter/term_private.h"

static const struct filter_node *join(struct parser *p, enum filter_op op,
				      const struct filter_node *left,
				      const struct filter_node *right)
{
	struct filter_node *n = filter_new(p, op);

	n->left = left;
	n->right = right;
	return n;
}

static const struct filter_node *parse_or(struct parser *p);

static const struct filter_node *parse_group(struct parser *p)
{
	const struct filter_node *n;
	size_t at = p->next.at;

	if (++p->depth > FILTER_DEPTH_MAX) {
		filter_fail(p, at, "more than %d parentheses inside one another",
			    FILTER_DEPTH_MAX);
		return NULL;
	}
	filter_advance(p);
	n = parse_or(p);
	if (!n)
		return NULL;
	if (p->next.kind != TOKEN_CLOSE) {
		if (p->next.kind == TOKEN_END)
			filter_fail(p, at, "the parenthesis is not closed");
		else
			filter_expected(p, "'and', 'or' or ')'");
		return NULL;
	}
	filter_advance(p);
	p->depth--;
	return n;
}

static const struct filter_node *parse_not(struct parser *p)
{
	const struct filter_node *n;
	bool negated = false, any = false;

	for (; p->next.kind == TOKEN_NOT; filter_advance(p)) {
		negated = !negated;
		any = true;
	}
	if (++p->terms > FILTER_TERMS_MAX) {
		filter_fail(p, p->next.at, "more than %d terms", FILTER_TERMS_MAX);
		return NULL;
	}
	if (p->next.kind == TOKEN_OPEN)
		n = parse_group(p);
	else if (p->next.kind == TOKEN_WORD)
		n = filter_term(p, !any);
	else {
		filter_expected(p, any ? "a term after 'not'" : "a term");
		return NULL;
	}
	return n && negated ? join(p, FILTER_NOT, n, NULL) : n;
}

static bool starts_term(enum token_kind kind)
{
	return kind == TOKEN_WORD || kind == TOKEN_OPEN || kind == TOKEN_NOT;
}

static const struct filter_node *parse_and(struct parser *p)
{
	const struct filter_node *left = parse_not(p), *right;

	while (left && (p->next.kind == TOKEN_AND || starts_term(p->next.kind))) {
		if (p->next.kind == TOKEN_AND)
			filter_advance(p);
		right = parse_not(p);
		left = right ? join(p, FILTER_AND, left, right) : NULL;
	}
	return left;
}

static const struct filter_node *parse_or(struct parser *p)
{
	const struct filter_node *left = parse_and(p), *right;

	while (left && p->next.kind == TOKEN_OR) {
		filter_advance(p);
		right = parse_and(p);
		left = right ? join(p, FILTER_OR, left, right) : NULL;
	}
	return left;
}

int filter_parse(struct arena *a, const char *text, const struct filter_env *env,
		 const struct filter_node **node, struct fault *f)
{
	struct parser p = {
		.lex = { .text = text, .arena = a },
		.arena = a,
		.env = env,
		.fault = f,
	};
	const struct filter_node *n;

	filter_advance(&p);
	if (p.next.kind == TOKEN_END) {
		*node = filter_new(&p, FILTER_ALL);
		return 0;
	}
	n = parse_or(&p);
	if (!n)
		return -EINVAL;
	if (p.next.kind != TOKEN_END)
		return p.next.kind == TOKEN_CLOSE
			       ? filter_fail(&p, p.next.at,
					     "nothing is open for this ')'")
			       : filter_expected(&p, "'and' or 'or'");
	*node = n;
	return 0;
}
