/*
 * Many datagrams of one size to one peer pass the kernel's stack as one packet and are
 * cut apart where they leave it, or where they are received (UDP_SEGMENT, udp(7)): each
 * is still a datagram for whoever reads it.
 */
#pragma once

#include "net/role/datagram_state.h"

/*
 * As sendmmsg() for the unanswered rest of the batch: how many were sent, or -1 with
 * errno. *on is cleared, for good, where the kernel or the path does not take segments.
 */
int gso_send(struct datagram_batch *b, int fd, bool *on);

/* The same where they are received: what came as one packet is left so, as one message
 * that says the size of its parts (UDP_GRO). False where the kernel does not know. */
bool gro_on(int fd);

/* Parts the messages of the batch into datagrams again. */
void gro_part(struct datagram_batch *b);
