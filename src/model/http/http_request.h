/*
 * A request of HTTP/1, found in the bytes of a stream however these are cut (RFC 9112).
 * What two readers could frame differently is refused, for one of them may stand before
 * the other: a length beside a coding, two lengths, folded and bare lines, a blank before
 * a colon. Foreign bytes: nothing of them is kept but what the framing needs.
 */
#pragma once

#include "base/util.h"

enum { HTTP_HEADER_MOST = 64 * 1024, HTTP_CHUNK_LINE_MOST = 4096 };

enum http_event {
	HTTP_MORE,    /* all bytes are taken, the request goes on */
	HTTP_HEADER,  /* its header has ended */
	HTTP_WHOLE,   /* it has ended; the byte behind it is the next one's */
	HTTP_REFUSED, /* status and why are set; no byte more is taken */
};

/* Zero-initialise for each request. */
struct http_request {
	/* once the header has ended */
	bool http11, head, close, expects_continue, chunked;
	bool has_body;
	uint64_t left; /* of a length, or of a chunk */

	uint64_t body_bytes; /* of the body so far, without the framing of chunks */
	int status;	     /* of a refusal */
	const char *why;     /* of a refusal: a constant */

	/* the reader's own */
	uint8_t state, name, word_len;
	bool gap, has_length, has_coding, trailer, odd_coding;
	uint32_t hosts;
	uint32_t header_bytes, line_bytes;
	char word[24];
};

/* Takes bytes up to the next event. Returns how many; a body is passed without a look at
 * its bytes. most_body: of the body without framing. */
size_t http_request_take(struct http_request *r, uint64_t most_body, const char *data,
			 size_t len, enum http_event *event);

/* Something of it has come: more than the blank lines that may stand before it. */
bool http_request_begun(const struct http_request *r);
/* It is in its body, or behind it. */
bool http_request_in_body(const struct http_request *r);
