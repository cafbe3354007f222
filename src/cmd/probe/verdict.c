/* From outcomes to the exit code. */
#include "cmd/probe/job.h"

/* All targets are needed; of the ports of one target, any. */
int probe_code_of_run(const struct probe_run *run)
{
	enum verdict all = run->scans_verdict;
	size_t i = 0, from;

	while (i < run->n_jobs) {
		enum verdict worst = VERDICT_NONE;
		bool any = false;

		for (from = i;
		     i < run->n_jobs && run->jobs[i].target == run->jobs[from].target;
		     i++) {
			const struct probe_job *j = &run->jobs[i];
			enum verdict v = j->done ? outcome_verdict(j->last.outcome)
						 : VERDICT_CANNOT;

			any |= v == VERDICT_YES;
			worst = MAX(worst, v);
		}
		if (any && !run->c->all_addresses)
			worst = VERDICT_YES;
		all = MAX(all, worst);
	}
	return cmd_code_of(all);
}
