/* Paragraphs for a terminal. */
#pragma once

#include "base/buf.h"

/*
 * Appends text so that no line is wider than `width` columns where a blank allows it;
 * width 0 breaks nothing, which is the form for pipes and files. `column` is where the
 * text begins; the lines that follow begin at `indent`. A newline in the text begins such
 * a line, too. The last line is not ended.
 */
void wrap_put(struct buf *b, const char *text, size_t column, size_t indent,
	      size_t width);
