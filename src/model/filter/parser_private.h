/* The state of the parser, and what each level of the grammar does with it. */
#pragma once

#include "model/filter/lex_private.h"

enum {
	FILTER_DEPTH_MAX = 200, /* parentheses inside one another */
	FILTER_TERMS_MAX =
		4096, /* bounds the recursion of everything that walks a tree */
};

struct parser {
	struct lexer lex;
	struct token next; /* not taken yet */
	struct arena *arena;
	const struct filter_env *env; /* may be NULL */
	struct fault *fault;
	unsigned depth, terms;
};

/* Says what is wrong and marks the place in the expression. Returns -EINVAL. */
int filter_fail(struct parser *p, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* After a failure of a callee that filled the fault: marks our place instead of its. */
int filter_fail_at(struct parser *p, size_t at);
/* The same after a callee that marked a place in its argument, t->text[from .. +len]. */
int filter_fail_inside(struct parser *p, const struct token *t, size_t from, size_t len);
/* A token's text for a message: escaped and not too long. */
const char *filter_show(struct parser *p, const struct token *t);

/* Takes the next token; "expected WHAT, found ..." returns -EINVAL. */
void filter_advance(struct parser *p);
int filter_expected(struct parser *p, const char *what);
struct filter_node *filter_new(struct parser *p, enum filter_op op);
