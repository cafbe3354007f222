/* The head of an answer in HTTP/1.1. */
#pragma once

#include <time.h>

#include "base/buf.h"
#include "base/mem.h"

struct http_reply {
	int status;
	const char *type;	    /* Content-Type, where no given header says it */
	const struct strv *headers; /* given ones, which replace ours; or NULL */
	uint64_t length;	    /* of the body, sent or not */
	bool close;		    /* no request follows on this connection */
};

/* 204 and 304: nothing follows the head, and it has no length (RFC 9110, 6.4.1). */
bool http_status_has_body(int status);
/* "Not Found"; an empty text where none is registered. */
const char *http_status_name(int status);
void http_reply_put_head(struct buf *b, const struct http_reply *r, time_t now);
