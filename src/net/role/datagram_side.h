/*
 * What a client of UDP learns beside its answers. Its socket is connected, so it never
 * gets what comes from another address than the one it asks: a second socket with the
 * same local end, which is not connected, gets that. ICMP errors that pass (a router has
 * no way just now) are kept by the kernel for us, and end nothing, as without us.
 */
#pragma once

#include "net/role/datagram_state.h"

/* Of a socket that is connected, before it sends. */
void datagram_side_begin(struct datagram *d);
/* A datagram of the peer has come: what others send tells nothing. */
void datagram_side_answered(struct datagram *d);
/* Keeps what there is: d->answered_from. */
void datagram_side_end(struct datagram *d);

/* The errors that the kernel keeps, the first that passes in d->passing. err: what a call
 * has returned, positive, or 0. Returns the error that is left, or 0. */
int datagram_side_error(struct datagram *d, int err);
