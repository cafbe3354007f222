/* What this host's counters and settings of MPTCP say of a connection. */
#pragma once

#include "model/answer/multipath.h"
#include "model/counter/counters.h"

/* What rose since `before`. Sets all of *m but its kind. */
void explain_multipath(struct multipath *m, const struct counters *before);
