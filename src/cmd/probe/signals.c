#include "cmd/probe/signals.h"

#include "base/leave.h"
#include "cmd/probe/report.h"

static void signalled(struct loop *l, int signo)
{
	struct probe_run *run = l->owner;

	run->signo = signo;
	loop_stop(l);
}

int probe_watch_signals(struct probe_run *run, struct loop *l, sigset_t *old,
			struct fault *f)
{
	sigset_t set;
	int r;

	l->owner = run;
	leave_signals(&set);
	r = loop_signals(l, &set, old, signalled);
	if (r < 0)
		return fault(f, -r, "watch for signals");
	out_heed(&run->report->out, l->signals.fd);
	return 0;
}

void probe_leave_signals(struct probe_run *run, const sigset_t *old)
{
	out_heed_end(&run->report->out, run->signo != 0);
	sigprocmask(SIG_SETMASK, old, NULL);
}
