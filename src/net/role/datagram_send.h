/* How datagrams go out: as answers, or from the input. */
#pragma once

#include "net/role/datagram_state.h"

/* What came (echo) or a text, sent back until the socket is full or time must pass. */
void datagram_prepare_answer(struct datagram *d, struct iovec *v);
void datagram_answer(struct datagram *d);

/* The input: whether it is its turn; sends as much of it as goes in one turn. */
bool datagram_has_input(const struct datagram *d);
void datagram_send_input(struct datagram *d);
