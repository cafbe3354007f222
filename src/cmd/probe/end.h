/* The end of the jobs and scans: what is told of the whole, and the exit code. */
#pragma once

#include "cmd/probe/job.h"

int probe_end(struct probe_run *run);
