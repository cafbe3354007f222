/* Keeps attempts in flight: so many at once, so many a second, again after the interval,
 * or until --wait has what it waits for. */
#pragma once

#include "cmd/probe/job.h"

/* Runs all jobs and, beside them, the scans of run->turns to their end, to --wait's, or
 * to a signal. 0 or -errno with a fault. */
int probe_run_all(struct probe_run *run, struct fault *f);
