/* --explain: what an id means, in paragraphs. */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "model/meaning.h"

/* where: the place the id is printed at; label: what introduces m->why, in at most six
 * columns. width as in view_options. */
void view_meaning(struct buf *b, const struct meaning *m, const char *where,
		  const char *label, size_t width);

/* The same as an item of a list: the id and the first sentence. */
void view_meaning_item(struct buf *b, const struct meaning *m, size_t width);
