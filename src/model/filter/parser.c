/* What every level of the grammar uses: the next token, a new node, and saying what is
 * wrong with the expression at its place. */
#include "model/filter/parser_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

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
