/* From the operands and --targets to what is probed. */
#pragma once

#include "cmd/probe/job.h"

struct probe_targets {
	struct target *v;
	char **texts; /* as given; one a target */
	size_t n, cap, cap_texts;
	struct endpoint_list addresses; /* of --all-addresses */
};

/* The first n of words, then --targets' files. 0, -EINVAL and the like with a fault of
 * usage, or -EIO for a file that cannot be read. */
int probe_targets_read(struct probe_targets *t, const struct probe_config *c,
		       const struct opt_operands *words, struct fault *f);
void probe_targets_free(struct probe_targets *t);

/* How many ports t names, ranges counted out; 1 where ports do not matter. */
uint64_t probe_target_ports(const struct target *t);

enum { PROBE_ASKED_ONE_BY_ONE = 16 }; /* more ports than this are a scan */

/* Looks up the names of run->turns side by side, all within one -T. */
void probe_look_up(struct probe_run *run);

/* One job a target and port, and with --all-addresses an address; or a turn. */
void probe_make_jobs(struct probe_run *run, struct probe_targets *t);
