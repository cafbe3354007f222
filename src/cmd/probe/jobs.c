#include "cmd/probe/jobs.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cmd/probe/down.h"
#include "cmd/probe/local.h"
#include "cmd/probe/question.h"
#include "cmd/probe/report.h"
#include "cmd/probe/request.h"
#include "cmd/probe/scans.h"
#include "cmd/probe/signals.h"
#include "cmd/probe/watch.h"
#include "net/probe/attempt_dial.h"
#include "net/probe/mixed.h"

enum {
	LOCAL_RETRY_US = 10 * 1000, /* a wait on this host answers within 20 ms */
	FIRST_RETRY_US = 10 * 1000,
	LAST_RETRY_US = 500 * 1000,
	DEFAULT_PARALLEL = 1024,
	HEDGE_LEAST_US = 250 * 1000, /* a new SYN beats waiting for the kernel's */
	TIMER_US = 1000 * 1000,	     /* after which a SYN is sent again */
	TIMER_NEAR_US = 150 * 1000,
	SILENT_US = 200 * 1000, /* before the kernel sends a SYN again */
};

static void job_begin(struct probe_job *j);

static void job_stop(struct probe_job *j)
{
	attempt_stop(&j->attempt);
	watch_stop(j);
	if (j->lookup) {
		watch_remove(&j->run->l, &j->lookup_w);
		resolve_drop(take_ptr(&j->lookup));
	}
}

static void start_more(struct probe_run *run)
{
	const struct probe_config *c = run->c;
	uint64_t parallel = c->parallel == PROBE_UNSET ? DEFAULT_PARALLEL : c->parallel;
	uint64_t now = loop_now(&run->l);

	while (run->started < run->n_jobs && run->in_flight < parallel) {
		if (c->rate && now < run->next_start_us) {
			timer_set(&run->l, &run->pace, run->next_start_us);
			return;
		}
		if (c->rate)
			run->next_start_us = MAX(run->next_start_us, now) +
					     1000000 / c->rate;
		run->in_flight++;
		job_begin(&run->jobs[run->started++]);
	}
	if (run->started == run->n_jobs)
		scans_start(run->scans);
}

static void pace_due(struct loop *l, struct timer *t)
{
	(void)l;
	start_more(LOOP_OWNER(t, struct probe_run, pace));
}

static void job_over(struct probe_job *j)
{
	struct probe_run *run = j->run;

	j->over = true;
	run->in_flight--;
	if (--run->left == 0 && !scans_left(run->scans))
		loop_stop(&run->l);
	else
		start_more(run);
}

/* --- the time of the next attempt --- */

static bool is_near(const struct probe_result *r)
{
	struct addr a, local;

	if (r->peer.family == AF_UNIX)
		return true;
	return endpoint_addr(&r->peer, &a) &&
	       (addr_is_loopback(&a) ||
		(endpoint_addr(&r->local, &local) && addr_same_ip(&a, &local)));
}

static void check_waiting(struct probe_job *j, uint64_t now)
{
	struct probe_run *run = j->run;
	const struct probe_result *r = j->last;
	size_t i, there = 0;

	for (i = 0; i < run->n_jobs; i++)
		there += probe_job_fulfilled(&run->jobs[i]);
	if (there == run->n_jobs || (there && run->c->any)) {
		run->waited = true;
		loop_stop(&run->l);
		return;
	}
	/* Those that are there are asked again at leisure: they may go away. */
	if (probe_job_fulfilled(j))
		j->retry_us = LAST_RETRY_US;
	else if (is_near(r))
		j->retry_us = LOCAL_RETRY_US;
	else
		j->retry_us = j->retry_us ? MIN(j->retry_us * 2, (uint64_t)LAST_RETRY_US)
					  : (uint64_t)FIRST_RETRY_US;
	/* A silence has taken its time. */
	if (outcome_verdict(r->outcome) == VERDICT_SILENCE)
		timer_set(&run->l, &j->next,
			  MAX(now, j->started_us + (uint64_t)LAST_RETRY_US));
	else
		timer_set(&run->l, &j->next, now + j->retry_us);
}

static void schedule_next(struct probe_job *j)
{
	const struct probe_config *c = j->run->c;
	uint64_t now = clock_us(), due = j->started_us + c->interval_us;

	if (c->wait_us != PROBE_UNSET)
		check_waiting(j, now);
	else if (c->attempts && j->done >= c->attempts)
		job_over(j);
	else
		timer_set(&j->run->l, &j->next, MAX(due, now));
}

/* --- one attempt --- */

static bool differs(const struct probe_job *j, const struct probe_result *r)
{
	return !j->done || r->outcome != j->last->outcome ||
	       (r->peer.len && !endpoint_same(&r->peer, &j->last->peer));
}

/* One more SYN is sent: of a few targets, and where no option may choose another way. */
static bool may_be_nearby(const struct probe_job *j, const struct probe_result *r)
{
	const struct probe_run *run = j->run;

	return r->outcome == OUTCOME_REFUSED && r->peer.proto == TARGET_TCP &&
	       run->c->wait_us == PROBE_UNSET && run->n_jobs <= PROBE_NEARBY_MOST &&
	       !run->how.options.n && !run->c->common.quiet && !is_near(r);
}

/* Nothing was asked: its source address could not be had. */
static bool is_unbound(const struct probe_job *j, const struct probe_result *r)
{
	return r->outcome == OUTCOME_ERROR && r->at_once && j->run->how.sources.n &&
	       (r->err == EADDRNOTAVAIL || r->err == EINVAL);
}

/* What this host's tables add, which may sharpen the outcome. Of --wait, which asks a
 * target of this host a hundred times a second, only a silence has the time for it. */
static void ask_tables(struct probe_job *j, struct probe_result *r)
{
	bool silence = outcome_verdict(r->outcome) == VERDICT_SILENCE;
	bool refused = r->outcome == OUTCOME_REFUSED && !j->run->c->common.quiet;
	struct addr to;

	if (!silence && !differs(j, r) && r->multipath.kind == j->last->multipath.kind) {
		r->listened = j->last->listened;
		r->own = j->last->own;
		if (r->outcome == OUTCOME_REFUSED || r->own || is_unbound(j, r))
			memcpy(r->told, j->last->told, sizeof(r->told));
		return;
	}
	free(take_ptr(&j->note));
	free(take_ptr(&j->remedy));
	watch_end(j, r);
	r->own = refused && is_near(r) && endpoint_addr(&r->peer, &to) &&
		 !addr_is_loopback(&to);
	if (silence || r->outcome == OUTCOME_UNREACHABLE)
		probe_local_own(j, r);
	else if (is_unbound(j, r))
		probe_local_unbound(j, r);
	r->listened = refused && is_near(r) && probe_local_listened(r);
	if (may_be_nearby(j, r))
		j->remedy = probe_local_nearby(j->run->c->netns, r);
	if (r->unheard.seen)
		probe_local_unheard(j, r);
	else if (r->stall.side != STALL_NONE)
		probe_local_stall(j, r);
	else if (r->outcome != OUTCOME_OPEN && is_near(r) &&
		 (silence || j->run->c->wait_us == PROBE_UNSET))
		j->note = probe_local_cause(r, &j->meanwhile, j->run->c->netns);
	else if (r->multipath.kind != MULTIPATH_NOTHING)
		probe_local_multipath(j, r);
}

/* Where what is asked for now goes: the last is still compared with it. */
static struct probe_result *result_of_next(struct probe_job *j)
{
	return &j->results[j->last == j->results];
}

/* What earlier attempts at the same address have heard, and what it has heard now. */
static void remember_heard(struct probe_job *j, struct probe_result *r)
{
	unsigned kind = probe_mixed_kind(r->outcome);
	enum probe_heard now = PROBE_HEARD_NOTHING;

	if (kind && j->kind && kind != j->kind)
		j->turns++;
	j->kind = kind ? kind : j->kind;
	if (!r->peer.len)
		return;
	if (!endpoint_same(&r->peer, &j->heard_at))
		j->heard = PROBE_HEARD_NOTHING;
	/* Who waits for its end knows that it was there. */
	r->heard = j->run->c->down ? PROBE_HEARD_NOTHING : j->heard;
	if (r->outcome == OUTCOME_REFUSED)
		now = PROBE_HEARD_REFUSAL;
	else if (probe_was_taken(r->outcome))
		now = PROBE_HEARD_TAKEN;
	j->heard = MAX(j->heard, now);
	j->heard_at = r->peer;
}

/* Whether the time of the handshake is the path's, not that of a timer. */
static bool is_of_path(const struct probe_result *r)
{
	return (r->loss == PROBE_LOSS_NONE || r->loss == PROBE_LOSS_SLOW) &&
	       !r->phantoms && !r->hedges;
}

static void count_times(struct probe_job *j, uint64_t rtt_us, uint64_t connect_us,
			bool has_rtt)
{
	spread_add(&j->connect, connect_us);
	if (has_rtt && rtt_us)
		spread_add(&j->rtt, rtt_us);
}

/*
 * What one attempt leaves open others may tell: a path that was quick once is not slow
 * now, and two that took the same time, not a timer's and a little more, were not both
 * delayed by a loss.
 */
static void compare_late(struct probe_job *j, struct probe_result *r)
{
	uint64_t over = r->connect_us % TIMER_US, a = r->tcp.rtt, b = j->slow.rtt_us;

	if (r->outcome != OUTCOME_OPEN || r->loss != PROBE_LOSS_EITHER || r->hedges)
		return;
	if (j->path_us && j->path_us < a / 2) {
		r->loss = PROBE_LOSS_SYN_ACK;
		return;
	}
	if (b && over > TIMER_NEAR_US && MAX(a, b) - MIN(a, b) < MAX(a, b) / 10) {
		r->loss = PROBE_LOSS_SLOW;
		j->late--;
		count_times(j, b, j->slow.connect_us, true);
		j->slow = (struct probe_late){ 0 };
		return;
	}
	j->slow = (struct probe_late){ a, r->connect_us };
}

/* A silence, or an answer that may be late, may be of a slow path: others know it. */
static void ask_path(const struct probe_job *j, struct probe_result *r)
{
	const struct probe_run *run = j->run;
	bool silent = r->outcome == OUTCOME_FILTERED && r->has_tcp && !r->at_once;
	bool late = r->outcome == OUTCOME_OPEN && !r->hedges &&
		    (r->loss == PROBE_LOSS_EITHER || r->loss == PROBE_LOSS_UNKNOWN);

	if ((!silent && !late) || run->c->wait_us != PROBE_UNSET ||
	    run->n_jobs > PROBE_NEARBY_MOST || run->c->common.quiet || is_near(r))
		return;
	probe_local_known_rtt(r);
	if (late && known_rtt_fits(&r->known, r->tcp.rtt ? r->tcp.rtt : r->connect_us))
		r->loss = PROBE_LOSS_SLOW;
}

static void job_told(struct probe_job *j)
{
	struct probe_result *r = result_of_next(j);
	struct probe_run *run = j->run;

	ask_path(j, r);
	compare_late(j, r);
	watch_multipath(j, r);
	ask_tables(j, r);
	j->changed = differs(j, r);
	remember_heard(j, r);
	r->name_us = j->name_us;
	if (r->outcome == OUTCOME_REFUSED)
		j->path_us = r->connect_us;
	else if (r->outcome == OUTCOME_OPEN && is_of_path(r))
		j->path_us = r->tcp.rtt;
	if (run->c->down)
		probe_down_judge(j, r);
	j->last = r;
	j->done++;
	j->counts[r->outcome]++;
	if (r->outcome == OUTCOME_OPEN) {
		/* A handshake that lost packets measures the timer, not the path. */
		if (is_of_path(r))
			count_times(j, r->tcp.rtt, r->connect_us, r->has_tcp);
		else
			j->late++;
	}
	report_attempt(run->report, j);
	schedule_next(j);
}

static void attempt_done(struct attempt *a)
{
	struct probe_job *j = a->owner;

	timer_stop(&j->run->l, &j->next);
	tried_free(&j->tried);
	j->tried = a->tried;
	a->tried = (struct tried_list){ 0 };
	attempt_stop(a);
	job_told(j);
}

static void connect_now(struct probe_job *j)
{
	if (j->run->c->wait_us != PROBE_UNSET)
		j->how.hedge_us = MAX(3 * j->path_us, (uint64_t)HEDGE_LEAST_US);
	j->attempt.r = result_of_next(j);
	j->attempt.done = attempt_done;
	j->attempt.owner = j;
	j->how.timeout_us = probe_time_left(j->run->c, j->name_us);
	watch_begin(j);
	timer_set(&j->run->l, &j->next,
		  clock_us() + MIN((uint64_t)SILENT_US, j->how.timeout_us / 4));
	attempt_start(&j->attempt, &j->run->l, &j->list, &j->how);
}

static void name_failed(struct probe_job *j, int err, const struct fault *f)
{
	tried_free(&j->tried);
	probe_judge_name(result_of_next(j), j->target, err, f);
	job_told(j);
}

static void lookup_done(struct probe_job *j)
{
	struct resolve *lookup = take_ptr(&j->lookup);
	struct fault f = FAULT_INIT;
	int r;

	timer_stop(&j->run->l, &j->next);
	watch_remove(&j->run->l, &j->lookup_w);
	j->list.n = 0;
	r = resolve_finish(lookup, j->port, &j->list, &f);
	j->name_us = j->target->host == TARGET_HOST_NAME ? clock_us() - j->started_us : 0;
	if (r < 0)
		name_failed(j, r, &f);
	else
		connect_now(j);
}

static void lookup_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct probe_job *j = LOOP_OWNER(w, struct probe_job, lookup_w);

	(void)l;
	(void)events;
	/* Where the kernel did not forget the descriptor of one that is over. */
	if (j->lookup)
		lookup_done(j);
}

/* Its look-up has failed before it began. */
static void tell_unnamed(struct probe_job *j)
{
	struct fault f = *j->unnamed;

	free(take_ptr(&j->unnamed));
	name_failed(j, j->unnamed_err, &f);
}

/* The deadline of a look-up, a silence, or the time of the next attempt. */
static void next_due(struct loop *l, struct timer *t)
{
	struct probe_job *j = LOOP_OWNER(t, struct probe_job, next);

	(void)l;
	if (j->unnamed) {
		tell_unnamed(j);
	} else if (j->lookup) {
		lookup_done(j);
	} else if (j->attempt.l) {
		watch_silence(j);
	} else {
		job_begin(j);
	}
}

static void job_begin(struct probe_job *j)
{
	struct probe_run *run = j->run;
	struct resolve_how how = { .empty = RESOLVE_EMPTY_LOCALHOST };
	int r;

	if (!j->begun) {
		j->begun = true;
		j->next.fn = next_due;
		j->lookup_w.fn = lookup_ready;
	}
	j->started_us = clock_us();
	if (j->fixed) {
		j->list.n = 0;
		*endpoint_list_add(&j->list) = *j->fixed;
		j->name_us = j->done ? 0 : j->fixed_us;
		connect_now(j);
		return;
	}
	if (j->unnamed) {
		timer_set(&run->l, &j->next, loop_now(&run->l));
		return;
	}
	how.deadline_us = probe_name_until(run->c);
	j->lookup = resolve_start(j->target, &how);
	j->lookup_w.fd = resolve_fd(j->lookup);
	/* An end is the loop's to tell: from here each would begin the next job. */
	if (j->lookup_w.fd < 0 && j->target->host == TARGET_HOST_NAME) {
		timer_set(&run->l, &j->next, loop_now(&run->l));
		return;
	}
	if (j->lookup_w.fd < 0) {
		lookup_done(j);
		return;
	}
	timer_set(&run->l, &j->next, how.deadline_us);
	r = watch_set(&run->l, &j->lookup_w, EPOLLIN);
	if (r == 0)
		return;
	resolve_drop(take_ptr(&j->lookup));
	j->unnamed = xcalloc(1, sizeof(*j->unnamed));
	j->unnamed_err = fault(j->unnamed, -r, "wait for the address of '%s'",
			       j->target->name);
	timer_set(&run->l, &j->next, loop_now(&run->l));
}

/* --- all of them --- */

/* How far it is, for people who watch. */
static void tell_due(struct loop *l, struct timer *t)
{
	struct probe_run *run = LOOP_OWNER(t, struct probe_run, tell);
	uint64_t now = loop_now(l), begun = run->c->wait_until_us - run->c->wait_us;
	_cleanup_buf_ struct buf b = { 0 };

	if (run->c->wait_us == PROBE_UNSET) {
		report_put_asked(&b, run);
	} else {
		buf_printf(&b, "waited %llu of ",
			   (unsigned long long)((now - begun) / 1000000));
		buf_put_time(&b, run->c->wait_us);
		report_put_missing(&b, run);
	}
	progress_show(&run->progress, &b);
	timer_set(l, t, now + PROGRESS_EVERY_US);
}

/* The first question of some may not be over: what they know so far is their reason. */
static void wait_over(struct loop *l, struct timer *t)
{
	struct probe_run *run = LOOP_OWNER(t, struct probe_run, end);
	size_t i;

	for (i = 0; i < run->started; i++) {
		struct probe_job *j = &run->jobs[i];

		if (j->done)
			continue;
		if (j->lookup)
			lookup_done(j);
		else if (j->unnamed)
			tell_unnamed(j);
		else
			attempt_expire(&j->attempt);
	}
	loop_stop(l);
}

static void begin_jobs(struct probe_run *run)
{
	size_t i;

	for (i = 0; i < run->n_jobs; i++) {
		struct probe_job *j = &run->jobs[i];

		j->run = run;
		j->how = run->how;
		if (!run->c->common.quiet && run->c->wait_us == PROBE_UNSET)
			j->how.accepted = probe_local_accepted;
		j->how.weigh = !run->c->common.quiet && run->c->wait_us == PROBE_UNSET;
		j->last = j->results;
		if (run->c->http)
			request_make(j);
	}
	run->left = run->n_jobs;
	procfile_out(AF_INET, &run->out4);
	procfile_out(AF_INET6, &run->out6);
	run->pace.fn = pace_due;
	run->end.fn = wait_over;
	if (run->c->wait_us != PROBE_UNSET)
		timer_set(&run->l, &run->end, run->c->wait_until_us);
	run->tell.fn = tell_due;
	progress_init(&run->progress, run->c->common.quiet);
	/* A scan tells how far it is itself. */
	if (run->progress.wanted && !run->n_turns)
		timer_set(&run->l, &run->tell, clock_us() + PROGRESS_AFTER_US);
	start_more(run);
}

/* Until all are over, or --wait is, or a signal comes. *said: for stderr. */
static int run_in_loop(struct probe_run *run, struct buf *said, struct fault *f)
{
	size_t i;
	int r = probe_watch_signals(run, &run->l, &run->old_mask, f);

	if (r < 0)
		return r;
	begin_jobs(run);
	r = run->l.stopped ? 0 : loop_run(&run->l);
	progress_clear(&run->progress);
	scans_end(run->scans, said);
	probe_leave_signals(run, &run->old_mask);
	for (i = 0; i < run->n_jobs; i++)
		job_stop(&run->jobs[i]);
	return r < 0 ? fault(f, -r, "wait for events") : 0;
}

int probe_run_all(struct probe_run *run, struct fault *f)
{
	_cleanup_buf_ struct buf said = { 0 };
	int r = loop_init(&run->l);

	if (r < 0)
		return fault(f, -r, "make an event loop");
	/* Names are waited for while signals still end the program by themselves. */
	run->scans = scans_new(run);
	r = run_in_loop(run, &said, f);
	scans_free(take_ptr(&run->scans));
	loop_free(&run->l);
	/* Only now: whoever waits for the reader of standard error must be open to
	 * signals. */
	cmd_write(&said, run->signo != 0);
	return r;
}
