#include "net/relay/conn_trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void conn_trace(struct conn *c, int64_t result, uint64_t began, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->called(c, text, result, began);
}

/* A call that found nothing to do is how a turn ends; but one that could not write met a
 * full buffer. */
void conn_trace_flow(struct flow *f, const char *call, size_t asked, ssize_t n,
		     uint64_t began)
{
	struct conn *c = f->owner;
	bool splices = streq(call, "splice"), sends = f->to == FLOW_SOCKET;

	if (n == -EAGAIN && (splices || streq(call, "recv")))
		return;
	if (splices)
		conn_trace(c, n, began, "splice(%s%d, %s%zu)", sends ? "pipe, " : "",
			   c->w.fd, sends ? "" : "pipe, ", asked);
	else
		conn_trace(c, n, began, "%s(%d, %zu)", call, c->w.fd, asked);
}
