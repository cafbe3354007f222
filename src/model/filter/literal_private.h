/* Words as literals. */
#pragma once

#include "model/filter/parser_private.h"

/* An array in the arena that doubles. */
struct literals {
	struct filter_literal *v;
	size_t n, cap;
};

/* One word as a literal of the field's unit. 0 or -EINVAL. */
int literal_parse(struct parser *p, const struct field *field, enum filter_op op,
		  const struct token *t, struct literals *out);
