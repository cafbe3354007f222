#include "cmd/probe/job.h"

#include <stdlib.h>

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
			enum verdict v = j->done ? outcome_verdict(j->last->outcome)
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

void probe_run_free(struct probe_run *run)
{
	size_t i;

	for (i = 0; i < run->n_jobs; i++) {
		struct probe_job *j = &run->jobs[i];

		if (j->how.http) {
			struct buf http = *j->how.http;

			buf_free(&http);
			free((void *)(uintptr_t)j->how.http);
		}
		endpoint_list_free(&j->list);
		spread_free(j->rtt);
		spread_free(j->connect);
		free(j->text);
		free(j->named);
		free(j->unnamed);
		free(j->note);
		free(j->remedy);
		tried_free(&j->tried);
	}
	free(run->jobs);
	for (i = 0; i < run->n_turns; i++)
		endpoint_list_free(&run->turns[i].list);
	free(run->turns);
	endpoint_list_free(&run->how.sources);
	buf_free(&run->send);
	buf_free(&run->expect);
	if (run->has_regex)
		regfree(&run->regex);
}

bool probe_job_fulfilled(const struct probe_job *j)
{
	if (!j->done)
		return false;
	return j->run->c->down ? j->down
			       : outcome_verdict(j->last->outcome) == VERDICT_YES;
}
