/* What came in answer to a request of HTTP/1.1. Foreign bytes: every read is bounded. */
#pragma once

#include "base/buf.h"

struct http_answer {
	int status;   /* of the final answer: 0 while its line is not whole, -1 if it is
			 none */
	bool interim; /* a 1xx answer came before it */
	size_t body;  /* where its body begins; 0 = its head is not whole */
	bool chunked;
	bool whole; /* it ends here by its own words: Content-Length, or the last chunk */
};

void http_answer_read(const struct buf *in, struct http_answer *h);
/* The same bytes without what marks the chunks: what a reader of the body sees, as far as
 * it came. */
void http_answer_put_plain(const struct buf *in, const struct http_answer *h,
			   struct buf *to);
/* It is another protocol: what an answer in HTTP/1 is missing for, with what to ask
 * instead; NULL = it is not known as one. */
const char *http_answer_other(const struct buf *in);
