#include "cmd/probe/end.h"

#include <errno.h>

#include "cmd/probe/local.h"
#include "cmd/probe/report.h"
#include "cmd/probe/unasked.h"
#include "kernel/explain/waits.h"

enum { EXPLAINED_MOST = 8 };

static bool is_missing(const struct probe_job *j)
{
	return j->run->c->wait_us != PROBE_UNSET ? !probe_job_fulfilled(j) : !j->done;
}

/* The last reason of each target that is missing when the wait, or a signal, ends it. */
static void put_missing(struct buf *all, const struct probe_run *run)
{
	enum { TOLD_MOST = 16 };
	struct fault rest = FAULT_INIT;
	size_t i, n = 0;

	for (i = 0; i < run->n_jobs; i++) {
		const struct probe_job *j = &run->jobs[i];
		_cleanup_buf_ struct buf b = { 0 };
		_cleanup_free_ char *note = NULL;
		struct fault f = FAULT_INIT;

		if (!is_missing(j) || n++ >= TOLD_MOST)
			continue;
		if (run->signo) {
			buf_puts(&b, "interrupted");
		} else {
			buf_puts(&b, "waited ");
			buf_put_time(&b, run->c->wait_us);
		}
		buf_printf(&b, ", %s ", j->text);
		if (j->done) {
			buf_printf(&b, "is %s%s: ", run->c->down ? "still " : "",
				   outcome_name(j->last->outcome));
			probe_put_reason(&b, j->last);
		} else {
			buf_puts(&b, "has not answered yet");
		}
		fault_say(&f, ETIMEDOUT, "%s", buf_cstr(&b));
		note = j->done && !j->note ? probe_local_lost(run, j->last) : NULL;
		if (j->note || note)
			fault_hint(&f, "%s", j->note ? j->note : note);
		cmd_put_error(all, run->cmd, &f);
	}
	if (n <= TOLD_MOST)
		return;
	fault_say(&rest, ETIMEDOUT, "%zu more were waited for in vain", n - TOLD_MOST);
	if (run->c->wait_us != PROBE_UNSET)
		fault_hint(&rest, "--json has the last reason of each");
	cmd_put_error(all, run->cmd, &rest);
}

/* Once nothing is timed any more: the causes of the first refusals. */
static void find_causes(struct probe_run *run)
{
	size_t i, n = 0;

	for (i = 0; i < run->n_jobs && n < EXPLAINED_MOST; i++) {
		struct probe_job *j = &run->jobs[i];

		if (!j->done || j->note || j->last->outcome == OUTCOME_OPEN)
			continue;
		j->note = probe_local_why(j);
		if (!j->note)
			j->note = probe_local_lost(run, j->last);
		n += j->note != NULL;
	}
}

/* A target of this host, as the ends of the connection tell without a system call. */
static bool is_here(const struct probe_result *r)
{
	struct addr to, from;

	if (r->peer.family == AF_UNIX)
		return r->accepted == KNOWN_OFF;
	return r->peer.proto == TARGET_TCP && endpoint_addr(&r->peer, &to) &&
	       (addr_is_loopback(&to) ||
		(endpoint_addr(&r->local, &from) && addr_same_ip(&to, &from)));
}

/* Connected, and perhaps only in the queue: who waits there. What was answered was
 * accepted. */
static void find_waits(struct probe_run *run)
{
	struct accept_waits *w = waits_new();
	size_t i, n = 0;

	for (i = 0; i < run->n_jobs && n < EXPLAINED_MOST; i++) {
		struct probe_job *j = &run->jobs[i];
		const struct probe_result *r = j->last;

		if (!j->done || j->note || r->accepted == KNOWN_ON || r->n_answer ||
		    (r->outcome != OUTCOME_OPEN && r->outcome != OUTCOME_SILENT) ||
		    !is_here(r))
			continue;
		probe_local_waits(j, w);
		n += j->note != NULL;
	}
	waits_free(w);
}

/* With connections of their own, so only now. */
static void ask_fastopen(struct probe_run *run)
{
	struct dial_how how = attempt_dial_how(&run->how);
	size_t i;

	for (i = 0; i < run->n_jobs; i++) {
		struct probe_job *j = &run->jobs[i];

		if (j->done && j->last->outcome == OUTCOME_OPEN &&
		    j->last->peer.proto == TARGET_TCP)
			j->fastopen = fastopen_ask(&j->last->peer, &how,
						   run->c->timeout_us);
	}
}

/* A reader that does not read shall not hold back what a signal ends. */
static int end_signalled(struct probe_run *run)
{
	_cleanup_buf_ struct buf said = { 0 };
	struct fault f = FAULT_INIT;

	if (out_close(&run->report->out, &f) < 0)
		cmd_put_error(&said, run->cmd, &f);
	if (!run->c->common.quiet && (run->c->wait_us == PROBE_UNSET || !run->waited))
		put_missing(&said, run);
	cmd_write(&said, true);
	return cmd_leave(run->signo, EXIT_CANNOT);
}

int probe_end(struct probe_run *run)
{
	_cleanup_buf_ struct buf said = { 0 };
	struct fault f = FAULT_INIT;
	bool waits = run->c->wait_us != PROBE_UNSET;
	bool ended = waits ? !run->waited : run->signo != 0;
	int code;

	if (!run->c->common.quiet && (!waits || ended)) {
		find_causes(run);
		find_waits(run);
	}
	if (run->c->negotiated && !run->c->common.quiet && !run->signo)
		ask_fastopen(run);
	report_end(run->report, run);
	if (run->signo)
		return end_signalled(run);
	if (out_close(&run->report->out, &f) < 0) {
		cmd_error(run->cmd, &f);
		return EXIT_CANNOT;
	}
	if (ended && !run->c->common.quiet)
		put_missing(&said, run);
	cmd_write(&said, false);
	code = waits ? run->waited ? EXIT_YES : EXIT_DEADLINE : probe_code_of_run(run);
	if (code == EXIT_CANNOT && run->c->common.quiet)
		unasked_tell_jobs(run);
	return code;
}
