/* --hops: one connect a time to live, all at the same time. */
#pragma once

#include "cmd/probe/job.h"

/* The exit code. The address of the turn is known. */
int hops_show(struct probe_run *run, const struct probe_turn *turn);
