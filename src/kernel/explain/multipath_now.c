#include "kernel/explain/multipath_now.h"

#include "kernel/proc/counters_read.h"
#include "kernel/proc/procfile.h"

void explain_multipath(struct multipath *m, const struct counters *before)
{
	enum { REPEATS = 2 }; /* of kernels that give up, and have no setting yet */
	struct counters now;

	*m = (struct multipath){ 0 };
	counters_read(&now);
	m->gives_up = counters_grown(before, &now, "MPTcpExt", "MPCapableSYNTXDrop",
				     &m->given_up);
	m->counted =
		m->gives_up &&
		counters_grown(before, &now, "MPTcpExt", "MPCapableSYNTX", &m->asked) &&
		counters_grown(before, &now, "MPTcpExt", "MPCapableSYNTXDisabled",
			       &m->left_out) &&
		counters_grown(before, &now, "MPTcpExt", "Blackhole", &m->blackholes);
	counters_free(&now);
	if (!procfile_sysctl("mptcp/syn_retrans_before_tcp_fallback", &m->repeats))
		m->repeats = REPEATS;
	if (!procfile_sysctl("mptcp/blackhole_timeout", &m->off_s))
		m->off_s = 0;
}
