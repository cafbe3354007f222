/* What the kernel says of one TCP socket of ours. */
#pragma once

#include <stdbool.h>

#include "model/tcpinfo.h"

enum { TCP_CONGESTION_MAX = 16 };

/* TCP_INFO; what an older kernel leaves out is 0. False for sockets that have none. */
bool tcp_read(int fd, struct tcpinfo *t);
/* SO_ERROR of a connection: positive errno, 0 = none. What an ICMP error has left there
 * while the connection stands ends nothing, and is none. */
int tcp_error(int fd);
/* The name of the congestion control; "" where there is none. */
void tcp_read_congestion(int fd, char name[TCP_CONGESTION_MAX]);
/* Bytes in the send queue: not sent or not acknowledged, FIN included. 0 for other
 * sockets. */
uint64_t tcp_unsent(int fd);
/* No event says that bytes were acknowledged: how long to wait for the next look, in us;
 * it grows. last_us: that before; 0 = there was none. */
uint32_t tcp_ack_pause(uint32_t last_us);
/* Whether a connection that asked for MPTCP has it; false where it fell back to TCP. */
bool tcp_is_multipath(int fd);
