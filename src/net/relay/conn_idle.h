/* --idle, as the parts of a connection share it. */
#pragma once

#include "net/relay/conn_state.h"

/* Of the timer c->idle. c may be gone afterwards. */
void conn_idle_over(struct loop *l, struct timer *t);
/* That nothing has moved for idle_us. */
void conn_idle_say(struct fault *f, uint64_t idle_us);
/* The peer's bytes wait for standard output or a file, not for the network. */
bool conn_awaits_output(const struct conn *c);
