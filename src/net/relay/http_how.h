/* What --http answers, and how several peers share one output: whole requests, one after
 * the other. */
#pragma once

#include "base/mem.h"
#include "net/relay/stream.h"

struct conn;

/* Whoever writes a request is inside; the others wait, in the order in which they came,
 * and nothing is read of them. Zero-initialise. */
struct http_gate {
	const struct conn *inside;
	struct stream_waiter *first, **last;
	struct timer next;
};

struct http_how {
	int status;
	const char *type; /* Content-Type of the text or the file */
	struct strv headers;
	uint64_t most_body; /* of a request; UINT64_MAX = any */
	const char *path;   /* a regular file, opened for each answer; NULL = a text */
	bool again;	    /* HTTP/1.1 may ask again on the same connection */
	bool whole;	    /* peers share the output */
	struct http_gate gate;
};

/* False: another one is inside. */
bool http_gate_enter(struct http_gate *g, const struct conn *c);
/* w is woken when the gate may be open. */
void http_gate_wait(struct http_gate *g, struct stream_waiter *w);
/* c, whose waiter w is, neither is inside nor waits any more. */
void http_gate_leave(struct http_gate *g, struct loop *l, const struct conn *c,
		     struct stream_waiter *w);
