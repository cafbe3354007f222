/* A flow from socket to socket, through a pipe that is lent to it: nothing is copied. */
#pragma once

#include "base/loop.h"
#include "net/relay/flow.h"
#include "net/relay/pipes.h"

/* As flow_step(), which does it where the rules change bytes or no pipe is to be had. */
unsigned flow_pipe_step(struct loop *l, struct flow *f, struct pipes *pipes);
/* Before flow_free(). */
void flow_pipe_free(struct flow *f, struct pipes *pipes);
