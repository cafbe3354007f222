/* What came in answer to a request of HTTP/1.1. Foreign bytes: every read is bounded. */
#pragma once

#include "base/buf.h"

/* "HTTP/1.1 200 OK": its number, 0 while the line is not whole, -1 if it is none. */
int http_answer_status(const struct buf *in);
/* Whether the answer ends here by its own words: Content-Length, or the last chunk. */
bool http_answer_whole(const struct buf *in);
/* It is another protocol: what an answer in HTTP/1 is missing for, with what to ask
 * instead; NULL = it is not known as one. */
const char *http_answer_other(const struct buf *in);
