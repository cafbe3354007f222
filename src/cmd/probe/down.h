/* What --down waits for: evidence that nobody serves at the target any more. */
#pragma once

#include "cmd/probe/job.h"

/* Sets j->down by the attempt that ended in r; each of a job's attempts comes here in
 * turn. Of a silence it leaves in j->note that this is all there was. */
void probe_down_judge(struct probe_job *j, const struct probe_result *r);
