/*
 * The grammar, each level a function:
 *
 *   or:   and { "or" and }
 *   and:  not { ["and"] not }
 *   not:  { "not" } term
 *   term: "(" or ")" | ss's words | field comparison | state | yes/no field | :port
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/opt.h"
#include "model/filter_parser.h"
#include "model/filter_term.h"

int filter_fail(struct parser *p, size_t at, const char *fmt, ...)
{
	char what[240];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	fault_say(p->fault, EINVAL, "%s", what);
	fault_mark(p->fault, p->lex.text, at);
	return -EINVAL;
}

int filter_fail_at(struct parser *p, size_t at)
{
	fault_mark(p->fault, p->lex.text, at);
	return -EINVAL;
}

int filter_fail_inside(struct parser *p, const struct token *t, size_t from, size_t len)
{
	size_t at = t->at + from;

	/* Quotes shift the text, and the mark of a long one is not counted from its
	 * start. */
	if (p->fault && p->fault->err == EINVAL && p->fault->mark > 0 && !t->quoted &&
	    len < sizeof(p->fault->text) / 2)
		at += (size_t)p->fault->mark;
	return filter_fail_at(p, at);
}

const char *filter_show(struct parser *p, const struct token *t)
{
	enum { SHOWN_MAX = 80 };

	return escape_text(arena_alloc(p->arena, SHOWN_MAX), SHOWN_MAX, t->text, t->len);
}

void filter_advance(struct parser *p)
{
	p->next = lex_next(&p->lex);
}

struct filter_node *filter_new(struct parser *p, enum filter_op op)
{
	struct filter_node *n = arena_zalloc(p->arena, sizeof(*n));

	n->op = op;
	return n;
}

static const struct filter_node *join(struct arena *a, enum filter_op op,
				      const struct filter_node *left,
				      const struct filter_node *right)
{
	struct filter_node *n = arena_zalloc(a, sizeof(*n));

	n->op = op;
	n->left = left;
	n->right = right;
	return n;
}

/* What stands where something else was expected. */
static const char *found(struct parser *p)
{
	switch (p->next.kind) {
	case TOKEN_END:
		return "the end";
	case TOKEN_WORD:
		return filter_show(p, &p->next);
	case TOKEN_OPEN:
		return "'('";
	case TOKEN_CLOSE:
		return "')'";
	case TOKEN_COMMA:
		return "','";
	case TOKEN_AND:
		return "'and'";
	case TOKEN_OR:
		return "'or'";
	case TOKEN_NOT:
		return "'not'";
	case TOKEN_COMPARE:
		return "a comparison";
	case TOKEN_UNTERMINATED:
		break;
	}
	return "a quote that is not closed";
}

int filter_expected(struct parser *p, const char *what)
{
	if (p->next.kind == TOKEN_UNTERMINATED)
		return filter_fail(p, p->next.at, "the quote is not closed");
	return filter_fail(p, p->next.at, "expected %s, found %s", what, found(p));
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
	return n && negated ? join(p->arena, FILTER_NOT, n, NULL) : n;
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
		left = right ? join(p->arena, FILTER_AND, left, right) : NULL;
	}
	return left;
}

static const struct filter_node *parse_or(struct parser *p)
{
	const struct filter_node *left = parse_and(p), *right;

	while (left && p->next.kind == TOKEN_OR) {
		filter_advance(p);
		right = parse_and(p);
		left = right ? join(p->arena, FILTER_OR, left, right) : NULL;
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

const struct filter_node *filter_and(struct arena *a, const struct filter_node *left,
				     const struct filter_node *right)
{
	if (!left || !right)
		return left ? left : right;
	return join(a, FILTER_AND, left, right);
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
