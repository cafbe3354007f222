#include "cmd/probe/more.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/probe/hops.h"
#include "cmd/probe/report.h"
#include "cmd/probe/report_json.h"
#include "cmd/probe/targets.h"
#include "cmd/why.h"
#include "net/probe/backlog.h"

static int name_code(struct probe_run *run, int err, const struct fault *f)
{
	cmd_error(run->cmd, f);
	return cmd_code_of_lookup(err);
}

static void put_backlog_json(struct buf *b, const char *text, const struct endpoint *to,
			     const struct backlog_result *r,
			     const struct listening *local)
{
	struct json j = json_on(b);

	json_begin_object(&j, "backlog");
	json_member_text(&j, "target", text);
	report_json_address(&j, to);
	json_member_u64(&j, "held", r->held);
	json_member_u64(&j, "held_before_first_stall", r->first_held);
	json_member_u64(&j, "ghosts", r->ghosts);
	json_member_u64(&j, "silent", r->silent);
	json_member_u64(&j, "refused", r->refused);
	json_member_bool(&j, "full", r->full);
	if (r->stopped)
		json_member_str(&j, "stopped", strerrorname_np(r->stopped));
	json_member_known(&j, "rtt_us", r->rtt_us, r->rtt_us > 0);
	json_key(&j, "accepts_per_second");
	if (r->accepts_per_second < 0)
		json_null(&j);
	else
		json_fixed(&j, (uint64_t)(r->accepts_per_second * 10 + 0.5), 1);
	if (local->n) {
		json_member_u64(&j, "listeners", local->n);
		json_member_u64(&j, "accept_queue", local->queue);
		json_member_u64(&j, "accept_queue_limit", local->limit);
	} else if (local->err) {
		json_member_str(&j, "listeners_unknown", strerrorname_np(local->err));
	}
	json_end_object(&j);
}

/* A listener holds one connection more than its backlog. */
static void put_capacity(struct buf *b, const struct backlog_result *r,
			 const struct listening *local)
{
	bool stalled_early = r->first_held + 1 < r->held;
	uint64_t held = r->held, n = MAX((uint64_t)local->n, (uint64_t)1);

	if (r->accepts_per_second > 0) {
		buf_printf(
			b,
			"accepts %.1f a second from a full queue; the first stall came "
			"after %llu connections: a backlog of about %llu",
			r->accepts_per_second, (unsigned long long)r->first_held,
			(unsigned long long)(r->first_held ? r->first_held - 1 : 0));
		return;
	}
	buf_printf(b, "holds %llu connection%s", (unsigned long long)held,
		   held == 1 ? "" : "s");
	if (n > 1)
		buf_printf(b, ", %llu listeners of a group together",
			   (unsigned long long)n);
	if ((n > 1 || !stalled_early) && held >= n)
		buf_printf(b, ": a backlog of %llu", (unsigned long long)(held - n));
	if (stalled_early)
		buf_printf(b, "; the first stall came after %llu",
			   (unsigned long long)r->first_held);
	if (stalled_early && n == 1)
		buf_puts(b, ": several listeners share the port (SO_REUSEPORT), or its "
			    "SYN queue is short");
	buf_puts(b, "\n  these places stay taken until it accepts");
}

/* The end of what this process can do is none of the server's. */
static void put_stop(struct buf *b, const struct backlog_result *r)
{
	if (r->unshut) {
		buf_printf(b,
			   "this host could not end its side of a connection (%s), which "
			   "shows whether the server holds it",
			   strerrorname_np(r->stopped));
		return;
	}
	buf_printf(b, "this host could open no more (%s): %s",
		   strerrorname_np(r->stopped),
		   r->full ? "whether it accepts was not seen"
			   : "its queue may be longer, or it accepts");
	if (r->stopped == EMFILE)
		buf_puts(b, "; raise 'ulimit -n', or lower --max");
}

/* The measure came to no end; with -q nobody else says so. */
static void tell_stop(struct probe_run *run, const char *text,
		      const struct backlog_result *r)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct fault f = FAULT_INIT;

	put_stop(&b, r);
	fault_say(&f, r->stopped, "%s: %llu connections held, then %s", text,
		  (unsigned long long)r->held, buf_cstr(&b));
	cmd_error(run->cmd, &f);
}

static void put_backlog(struct buf *b, const char *text, const struct backlog_result *r,
			const struct listening *local)
{
	buf_put_escaped(b, text, strlen(text));
	buf_puts(b, "  ");
	if (!r->held && r->refused)
		buf_puts(b, "refuses connections");
	else if (!r->held && r->stopped)
		buf_puts(b, "no connection is known to be held");
	else if (!r->held)
		buf_puts(b, "took no connection: its queue is full already, or nothing "
			    "answers");
	else if (!r->full && r->stopped)
		buf_printf(b, "took all of %llu connections",
			   (unsigned long long)r->held);
	else if (!r->full)
		buf_printf(b,
			   "took all of %llu connections: it accepts, or its queue is "
			   "longer (--max)",
			   (unsigned long long)r->held);
	else
		put_capacity(b, r, local);
	if (r->held && r->full && r->ghosts + r->silent + r->refused)
		buf_printf(b,
			   "\n  of those beyond, %llu had no answer, %llu were connected "
			   "for us only (ghosts), %llu were reset",
			   (unsigned long long)r->silent, (unsigned long long)r->ghosts,
			   (unsigned long long)r->refused);
	if (r->stopped) {
		buf_puts(b, "\n  ");
		put_stop(b, r);
	}
	if (local->n)
		buf_printf(b,
			   "\n  the kernel here says: backlog %llu, %llu queued before",
			   (unsigned long long)local->limit,
			   (unsigned long long)local->queue);
	else if (local->err)
		buf_printf(b,
			   "\n  the kernel here could not be asked for its backlog: %s",
			   strerror(local->err));
	buf_putc(b, '\n');
}

static int may_fill(struct probe_run *run, const struct endpoint *to, const char *text,
		    struct fault *f)
{
	struct addr a;

	if (run->c->yes || !endpoint_addr(to, &a) || addr_is_loopback(&a))
		return 0;
	fault_say(f, EPERM,
		  "%s is not of this host's loopback: measuring fills its queue until it "
		  "accepts",
		  text);
	fault_hint(f, "--yes means it");
	return -EPERM;
}

/* The first connection could not be begun: judged as a plain probe judges it. */
static int tell_unconnected(struct probe_run *run, const struct probe_turn *turn, int err,
			    struct fault *f)
{
	struct probe_result r = {
		.peer = *turn->list.v, .err = err, .at_once = true, .mptcp = -1
	};
	_cleanup_buf_ struct buf b = { 0 };

	probe_judge_facts(&r);
	probe_ask_source(&r, -1, run->how.source);
	/* Of a file the error says it all. */
	if (r.peer.family != AF_UNIX) {
		probe_put_reason(&b, &r);
		fault_say(f, err, "%s is %s: %s", turn->text, outcome_name(r.outcome),
			  buf_cstr(&b));
	}
	cmd_error(run->cmd, f);
	return cmd_code_of(outcome_verdict(r.outcome));
}

static int measure_backlog(struct probe_run *run, const struct probe_turn *turn)
{
	const char *text = turn->text;
	struct backlog_how how = { .attempt = &run->how, .max = run->c->max };
	const struct endpoint *to = turn->list.v;
	struct buf *b = &run->report->out.b;
	struct listening local;
	struct backlog_result result;
	struct fault f = FAULT_INIT;
	int r;

	if (may_fill(run, to, text, &f) < 0)
		return cmd_usage(run->cmd, &f);
	/* What the kernel's own table says has no side effect: first. */
	local = why_listening(to);
	r = backlog_measure(to, &how, &result, &f);
	if (r < 0 && result.unconnected)
		return tell_unconnected(run, turn, result.unconnected, &f);
	if (r < 0) {
		cmd_error(run->cmd, &f);
		return EXIT_CANNOT;
	}
	if (run->report->json)
		put_backlog_json(b, text, to, &result, &local);
	else if (!run->report->quiet)
		put_backlog(b, text, &result, &local);
	if (result.stopped) {
		if (run->report->json || run->report->quiet)
			tell_stop(run, text, &result);
		return EXIT_CANNOT;
	}
	return result.held ? EXIT_YES : result.refused ? EXIT_NO : EXIT_DEADLINE;
}

static void put_heading(struct buf *b, const char *text)
{
	buf_put_escaped(b, text, strlen(text));
	buf_putc(b, '\n');
}

int probe_ask_more(struct probe_run *run)
{
	struct probe_report *p = run->report;
	struct fault f = FAULT_INIT;
	int code = EXIT_YES;
	size_t i;

	probe_look_up(run);
	for (i = 0; i < run->n_turns; i++) {
		const struct probe_turn *turn = &run->turns[i];

		if (run->c->hops && run->n_turns > 1 && !p->json && !p->quiet)
			put_heading(&p->out.b, turn->text);
		code = cmd_worse_code(
			code, turn->err < 0  ? name_code(run, turn->err, &turn->fault)
			      : run->c->hops ? hops_show(run, turn)
					     : measure_backlog(run, turn));
	}
	if (out_close(&p->out, &f) == 0)
		return code;
	cmd_error(run->cmd, &f);
	return EXIT_CANNOT;
}
