/* The targets with many ports. */
#pragma once

#include "cmd/probe/job.h"

/* Scans one after the other, after looking up their names side by side; tells through
 * run->report; how it weighs (the verdict of the best port of each) is in
 * run->scans_verdict. 0 or -errno with a fault. run->signo is set when a signal came. */
int probe_scan_all(struct probe_run *run, struct fault *f);
