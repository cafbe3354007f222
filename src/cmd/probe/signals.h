/* Signals while a probe runs. */
#pragma once

#include <signal.h>

#include "cmd/probe/job.h"

/* The signals that end a program end the loop, whose owner is run, and are kept in
 * run->signo; the mask before is stored in *old. What the report waits for they end, too.
 * 0 or -errno with a fault. */
int probe_watch_signals(struct probe_run *run, struct loop *l, sigset_t *old,
			struct fault *f);
/* When the loop has ended. */
void probe_leave_signals(struct probe_run *run, const sigset_t *old);
