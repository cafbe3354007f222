/* How a connection ends. */
#pragma once

#include "model/outcome.h"
#include "net/relay/conn_state.h"

/* "complete", "reset": stable, in JSON. */
const char *conn_end_name(enum conn_end end);
enum verdict conn_end_verdict(enum conn_end end);

/* What the kernel says of fd, its bytes as the program counts them. dialled: by us;
 * ended: the peer's end was read; bytes_out: given to the socket. False where it says
 * nothing.
 */
bool conn_tcp_take(struct conn_tcp *tcp, int fd, bool dialled, bool ended,
		   uint64_t bytes_out);

/* c is gone after each of these, ended() was called. */

void conn_stop(struct conn *c, enum conn_end end, const struct fault *f);
/* By an error of its socket; err is positive. */
void conn_socket_failed(struct conn *c, int err);
/* A flow failed: by an error of the socket, or of the other end. */
void conn_flow_failed(struct conn *c, const struct flow *flow);
