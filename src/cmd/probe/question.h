/* What is asked of whoever answers. */
#pragma once

#include "cmd/probe/job.h"

/* Checks the answers' texts and fills run->how. 0 or -errno with a fault (of usage). */
int probe_prepare(struct probe_run *run, struct fault *f);

/* Until when a look-up that begins now may take: --timeout and --wait bound it together
 * with what follows, otherwise it has a time of its own. On clock_us(). */
uint64_t probe_name_until(const struct probe_config *c);
/* What --timeout leaves to an attempt whose name took so long to look up. */
uint64_t probe_time_left(const struct probe_config *c, uint64_t name_us);
