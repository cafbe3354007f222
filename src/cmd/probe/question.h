/* What is asked of whoever answers. */
#pragma once

#include "cmd/probe/job.h"

/* Checks the answers' texts and fills run->how. 0 or -errno with a fault (of usage). */
int probe_prepare(struct probe_run *run, struct fault *f);
