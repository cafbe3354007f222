/* The two queues of a listener, looked at while the loop runs: what happens in them is
 * the kernel's doing, nobody calls anything. */
#pragma once

#include "cmd/endpoint/tracer_state.h"

void tracer_watch(struct tracer *t, struct loop *l);
