#include "cmd/probe/more.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/probe/report.h"
#include "cmd/probe/report_json.h"
#include "cmd/probe/targets.h"
#include "cmd/why.h"
#include "net/probe/attempt_dial.h"
#include "net/probe/backlog.h"
#include "view/view_member.h"

enum { HOPS_MOST = 30, HOP_TIMEOUT_US = 1000 * 1000 };

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

	if (turn->err < 0)
		return name_code(run, turn->err, &turn->fault);
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

/* --- hops: one connect a time to live, all at the same time --- */

struct hop {
	struct attempt attempt;
	struct attempt_how how;
	struct probe_result r;
	bool done;
};

struct path {
	struct hop hops[HOPS_MOST];
};

static bool reached(const struct probe_result *r)
{
	return !(r->icmp.family == AF_INET && r->icmp.type == ICMP_TIME_EXCEEDED) &&
	       !(r->icmp.family == AF_INET6 && r->icmp.type == ICMP6_TIME_EXCEEDED) &&
	       r->outcome != OUTCOME_FILTERED;
}

/* Over when every hop up to the first that arrived is known. */
static void hop_done(struct attempt *a)
{
	struct hop *h = a->owner;
	struct path *path = a->l->owner;
	struct loop *l = a->l;
	size_t i;

	h->done = true;
	attempt_stop(a);
	for (i = 0; i < HOPS_MOST && path->hops[i].done; i++)
		if (reached(&path->hops[i].r))
			break;
	if (i == HOPS_MOST || path->hops[i].done)
		loop_stop(l);
}

/* The hop before this one at which the same router answered, counted from 1; 0 = it is
 * seen for the first time. Two that follow each other are one that forwards what it
 * should not. */
static size_t seen_before(const struct path *path, size_t at)
{
	const struct icmp_error *icmp = &path->hops[at].r.icmp;
	size_t i;

	if (!icmp->family || reached(&path->hops[at].r))
		return 0;
	for (i = at; i-- > 0;)
		if (path->hops[i].r.icmp.family && i + 1 < at &&
		    addr_same_ip(&path->hops[i].r.icmp.from, &icmp->from))
			return i + 1;
	return 0;
}

/* Packets go in a circle where none arrives, and a router is met three times; twice is
 * also what ways of different lengths give. */
static void put_circle(struct buf *b, const struct path *path)
{
	size_t i, before, first;

	for (i = HOPS_MOST; i-- > 0;) {
		if (!path->hops[i].done || reached(&path->hops[i].r))
			return;
		before = seen_before(path, i);
		if (!before)
			continue;
		first = seen_before(path, before - 1);
		buf_puts(b, first ? "a routing loop: "
				  : "a routing loop, or ways of different lengths: ");
		addr_put_ip(b, &path->hops[i].r.icmp.from);
		buf_puts(b, " is met at hops ");
		if (first)
			buf_printf(b, "%zu, ", first);
		buf_printf(b, "%zu and %zu\n", before, i + 1);
		return;
	}
}

static void put_hop(struct probe_run *run, const char *text, size_t ttl, size_t before,
		    const struct probe_result *r)
{
	struct buf *b = &run->report->out.b;
	_cleanup_buf_ struct buf from = { 0 }, reason = { 0 };
	bool there = reached(r);
	struct addr a = { 0 };

	if (there && !r->icmp.family)
		endpoint_addr(&r->peer, &a);
	else if (r->icmp.family)
		a = r->icmp.from;
	if (a.family)
		addr_put_ip(&from, &a);
	if (run->report->json) {
		struct json j = json_on(b);

		json_begin_object(&j, "hop");
		json_member_text(&j, "target", text);
		json_member_u64(&j, "ttl", ttl);
		if (a.family)
			view_member_ip(&j, "addr", &a);
		else
			json_member_null(&j, "addr");
		if (before)
			json_member_u64(&j, "seen_at_ttl", before);
		json_member_u64(&j, "connect_us", r->connect_us);
		json_member_str(&j, "outcome", outcome_name(r->outcome));
		probe_put_reason(&reason, r);
		json_member_bytes(&j, "reason", reason.data, reason.len);
		json_end_object(&j);
		return;
	}
	buf_printf(b, "%2zu  %-39s  ", ttl, from.len ? buf_cstr(&from) : "*");
	if (there) {
		buf_printf(b, "%s  ", outcome_name(r->outcome));
		probe_put_reason(b, r);
	} else if (from.len) {
		buf_put_time(b, r->connect_us);
	} else {
		buf_puts(b, "no answer");
	}
	buf_putc(b, '\n');
}

/* The exit code alone would not say what to do. */
static void tell_hop(struct probe_run *run, const char *text, size_t ttl,
		     const struct probe_result *r)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct fault f = FAULT_INIT;

	probe_put_reason(&b, r);
	fault_say(&f, EIO, "%s, hop %zu is %s: %s", text, ttl, outcome_name(r->outcome),
		  buf_cstr(&b));
	cmd_error(run->cmd, &f);
}

/* From this one on nobody has answered: one line is enough for people. */
static bool all_silent(const struct path *path, size_t from)
{
	for (; from < HOPS_MOST; from++)
		if (reached(&path->hops[from].r) || path->hops[from].r.icmp.family)
			return false;
	return true;
}

static void start_hops(struct probe_run *run, struct loop *l, struct path *path,
		       const struct probe_turn *turn)
{
	struct endpoint_list first = { .v = turn->list.v, .n = 1 };
	size_t i;

	for (i = 0; i < HOPS_MOST; i++) {
		struct hop *h = &path->hops[i];

		h->how = run->how;
		h->how.options = (struct sockopt_list){ 0 };
		sockopt_copy(&h->how.options, &run->how.options);
		sockopt_default(&h->how.options, "ttl", (int)i + 1);
		if (!run->c->timeout_given)
			h->how.timeout_us = HOP_TIMEOUT_US;
		h->attempt.r = &h->r;
		h->attempt.done = hop_done;
		h->attempt.owner = h;
		attempt_start(&h->attempt, l, &first, &h->how);
	}
}

static enum verdict tell_hops(struct probe_run *run, const struct path *path,
			      const char *text)
{
	const struct probe_report *p = run->report;
	size_t i;

	for (i = 0; i < HOPS_MOST && path->hops[i].done; i++) {
		const struct probe_result *r = &path->hops[i].r;
		enum verdict v = outcome_verdict(r->outcome);

		if (!p->json && !p->quiet && all_silent(path, i)) {
			buf_printf(&run->report->out.b, "%2zu to %d  no answer\n", i + 1,
				   HOPS_MOST);
			break;
		}
		if (!p->quiet)
			put_hop(run, text, i + 1, seen_before(path, i), r);
		if (!reached(r))
			continue;
		if (v == VERDICT_CANNOT && p->quiet)
			tell_hop(run, text, i + 1, r);
		return v;
	}
	if (!p->json && !p->quiet)
		put_circle(&run->report->out.b, path);
	return VERDICT_SILENCE;
}

static int show_hops(struct probe_run *run, const struct probe_turn *turn)
{
	_cleanup_free_ struct path *path = NULL;
	enum verdict v = VERDICT_CANNOT;
	struct fault f = FAULT_INIT;
	struct loop l;
	size_t i;
	int r;

	if (turn->err < 0)
		return name_code(run, turn->err, &turn->fault);
	r = loop_init(&l);
	if (r < 0) {
		fault(&f, -r, "make an event loop");
		cmd_error(run->cmd, &f);
		return EXIT_CANNOT;
	}
	l.owner = path = xcalloc(1, sizeof(*path));
	start_hops(run, &l, path, turn);
	r = loop_run(&l);
	if (r < 0) {
		fault(&f, -r, "wait for events");
		cmd_error(run->cmd, &f);
	} else {
		v = tell_hops(run, path, turn->text);
	}
	for (i = 0; i < HOPS_MOST; i++) {
		attempt_stop(&path->hops[i].attempt);
		sockopt_list_free(&path->hops[i].how.options);
	}
	loop_free(&l);
	return cmd_code_of(v);
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
		code = cmd_worse_code(code, run->c->hops ? show_hops(run, turn)
							 : measure_backlog(run, turn));
	}
	if (out_close(&p->out, &f) == 0)
		return code;
	cmd_error(run->cmd, &f);
	return EXIT_CANNOT;
}
