/* What is asked of an open connection: an answer, that it stays, that it is real. */
#pragma once

#include "net/probe/attempt.h"

void attempt_stream_start(struct attempt *a);
