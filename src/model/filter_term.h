/* The terms of the grammar: what stands between and, or, not. */
#pragma once

#include "model/filter_parser.h"

/* One of ss's words, or a field that is one of them by another name. */
struct word {
	const char *name;
	const struct filter_node *(*parse)(struct parser *p, const struct word *w,
					   bool merge);
	enum filter_side side;
	const char *field;
};

/* A term that begins with a word. merge: "state" and "exclude" words that follow one
 * another make one set, as in ss. NULL after a fault. */
const struct filter_node *filter_term(struct parser *p, bool merge);

/* filter_word.c: the table, and the terms that begin otherwise. */
const struct word *filter_words(size_t *n);
const struct filter_node *filter_bare_port(struct parser *p);
const struct filter_node *filter_compare_field(struct parser *p,
					       const struct field *field);
/* A comparison follows, "not in" included. */
bool filter_at_compare(struct parser *p);

/* filter_parse.c */
void filter_advance(struct parser *p);
struct filter_node *filter_new(struct parser *p, enum filter_op op);
/* "expected WHAT, found ...". Returns -EINVAL. */
int filter_expected(struct parser *p, const char *what);
