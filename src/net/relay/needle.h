/* What a peer's bytes are watched for, byte by byte: however a stream is cut into reads,
 * the answer is the same. */
#pragma once

#include "base/buf.h"

/* The table of Knuth, Morris and Pratt for a text that is not empty. Free it. */
uint32_t *needle_table(const struct buf *text);
/* Whether text has come to its end in these bytes; *matched (0 at first) is how much of
 * it stands at the end of those before, and after this call at the end of these. */
bool needle_found(const struct buf *text, const uint32_t *table, uint32_t *matched,
		  const char *data, size_t len);
