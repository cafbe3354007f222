/* A handshake that came late: was a packet lost, or is the path so slow? */
#pragma once

#include "net/probe/attempt.h"

/* Whether that is open, and still can be told in the time that is left: the attempt then
 * goes on with weigh_begin(). */
bool weigh_is_open(const struct attempt *a);
/* At its stage: looks until it is known, or until the deadline; then the attempt is over.
 */
void weigh_begin(struct attempt *a);
void weigh_look(struct attempt *a);
