/* --measure-backlog and --hops: what a server can take, and the way to it. */
#pragma once

#include "cmd/probe/job.h"

/* Asks one target after the other and tells each through run->report. An exit code. */
int probe_ask_more(struct probe_run *run);
