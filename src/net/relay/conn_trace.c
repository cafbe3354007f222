#include "net/relay/conn_trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void conn_trace(struct conn *c, enum net_call call, int64_t result, uint64_t began,
		const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->called(c, call, text, result, began);
}

/* A call that found nothing to do is how a turn ends; but one that could not write met a
 * full buffer. */
void conn_trace_flow(struct flow *f, enum flow_call call, size_t asked, ssize_t n,
		     uint64_t began)
{
	struct conn *c = f->owner;
	int fd = c->w.fd;

	if (n == -EAGAIN && call != FLOW_SEND && call != FLOW_SENDFILE)
		return;
	switch (call) {
	case FLOW_FILL:
	case FLOW_POUR:
		break; /* of a pair */
	case FLOW_SEND:
		conn_trace(c, NET_CALL_SEND, n, began, "send(%d, %zu)", fd, asked);
		break;
	case FLOW_RECV:
		conn_trace(c, NET_CALL_RECV, n, began, "recv(%d, %zu)", fd, asked);
		break;
	case FLOW_SENDFILE:
		conn_trace(c, NET_CALL_SEND, n, began, "sendfile(%d, file, %zu)", fd,
			   asked);
		break;
	case FLOW_SPLICE:
		if (f->to == FLOW_SOCKET)
			conn_trace(c, NET_CALL_SEND, n, began, "splice(pipe, %d, %zu)",
				   fd, asked);
		else
			conn_trace(c, NET_CALL_RECV, n, began, "splice(%d, pipe, %zu)",
				   fd, asked);
		break;
	}
}
