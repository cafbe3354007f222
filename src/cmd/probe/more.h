/* --measure-backlog and --hops; each tells one target through run->report and returns an
 * exit code. */
#pragma once

#include "cmd/probe/targets.h"

int probe_measure_backlog(struct probe_run *run, const struct probe_found *found,
			  const char *text);
int probe_show_hops(struct probe_run *run, const struct probe_found *found,
		    const char *text);
