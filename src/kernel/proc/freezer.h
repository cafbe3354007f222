/* Which control group has frozen a process. */
#pragma once

#include "base/mem.h"

/* The file that thaws it: cgroup.freeze of the second version of cgroups, freezer.state
 * of the first; in the arena. NULL where none is found. */
const char *freezer_of(struct arena *a, int32_t pid);
