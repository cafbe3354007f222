/*
 * A datagram probe: only an answer is "open". Sent three times within the deadline, as
 * datagrams get lost; an ICMP error is a verdict, silence is none.
 */
#pragma once

#include "net/probe/attempt.h"

/* What a UDP port is sent: send, or where that is NULL a query of the port's own kind, or
 * an empty datagram. */
void probe_udp_payload(const struct buf *send, uint16_t port, const void **data,
		       size_t *len);
/* The connected datagram socket in a->w.fd sends and waits. */
void attempt_udp_start(struct attempt *a);
