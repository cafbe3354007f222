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

/* The head of an HTTP request, up to the blank line; zero-initialise. */
struct http_head {
	uint8_t matched; /* of the blank line */
	uint8_t n;
	char method[5]; /* its first bytes */
};
/* Takes a byte; true if the head ends with it. */
bool http_head_take(struct http_head *h, char c);
/* How many of these bytes say nothing about where the head ends; never all of them. */
size_t http_head_skip(const struct http_head *h, const char *data, size_t len);
bool http_head_is_head(const struct http_head *h); /* the method is HEAD */
