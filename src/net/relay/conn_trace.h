/* What a connection tells --trace. */
#pragma once

#include "net/relay/conn_state.h"

/* A call on the socket that began at `began`, as a program would write it. */
void conn_trace(struct conn *c, enum net_call call, int64_t result, uint64_t began,
		const char *fmt, ...) PRINTF_LIKE(5, 6);

/* The calls of a flow; a flow's `called`, its owner the connection. */
flow_called conn_trace_flow;
