/* ss's own words, and the comparisons of fields. */
#pragma once

#include "model/filter/parser_private.h"

/* One of ss's words, or a field that is one of them by another name. */
struct word {
	const char *name;
	const struct filter_node *(*parse)(struct parser *p, const struct word *w,
					   bool merge);
	enum filter_side side;
	const char *field;
};

const struct word *filter_words(size_t *n);

/* ":8080": either port. */
const struct filter_node *filter_bare_port(struct parser *p);

/* A comparison follows, "not in" included; and that of a field. */
bool filter_at_compare(struct parser *p);
const struct filter_node *filter_compare_field(struct parser *p,
					       const struct field *field);
