/* Whether the server that does not know a connection takes another one. */
#pragma once

#include "net/probe/attempt.h"

/* Whether the server has the connection, by what it acknowledged or sent. */
bool attempt_is_known(const struct tcpinfo *t);
/* Of a ghost: connects once more, to the same address, and ends the attempt with what
 * came of it. */
void attempt_ask_again(struct attempt *a);
