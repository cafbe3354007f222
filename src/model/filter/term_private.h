/* The terms of the grammar: what stands between and, or, not. */
#pragma once

#include "model/filter/parser_private.h"

/* A term that begins with a word. merge: "state" and "exclude" words that follow one
 * another make one set, as in ss. NULL after a fault. */
const struct filter_node *filter_term(struct parser *p, bool merge);
