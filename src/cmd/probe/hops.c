#include "cmd/probe/hops.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/term.h"
#include "cmd/cmd.h"
#include "cmd/probe/local.h"
#include "cmd/probe/report.h"
#include "net/probe/attempt_dial.h"
#include "view/view_advice.h"
#include "view/view_member.h"

enum { HOPS_MOST = 30, HOP_TIMEOUT_US = 1000 * 1000 };

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

/* Who has answered in the name of the target, as a plain probe says it: one more SYN goes
 * there. What to do about a refusal is left in *remedy. */
static void ask_nearby(struct probe_run *run, size_t ttl, struct probe_result *r,
		       char **remedy)
{
	if (run->n_turns > PROBE_NEARBY_MOST || run->how.options.n)
		return;
	if (r->outcome == OUTCOME_REFUSED)
		*remedy = probe_local_nearby(run->c->netns, r);
	/* Behind a router it is no news that somebody answers. */
	if (r->outcome == OUTCOME_OPEN && ttl == 1)
		probe_local_taker(r);
}

static void put_hop(struct probe_run *run, const char *text, size_t ttl, size_t before,
		    const struct probe_result *r, const char *remedy)
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
		if (remedy) {
			view_advice_json(&j, "next", remedy);
			view_commands_json(&j, remedy);
		}
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
	if (remedy)
		view_advice_text(b, "  next: ", sizeof("  next: ") - 1, remedy,
				 term_width(run->report->out.fd));
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

static enum verdict tell_hops(struct probe_run *run, struct path *path, const char *text)
{
	const struct probe_report *p = run->report;
	size_t i;

	for (i = 0; i < HOPS_MOST && path->hops[i].done; i++) {
		_cleanup_free_ char *remedy = NULL;
		struct probe_result *r = &path->hops[i].r;
		enum verdict v = outcome_verdict(r->outcome);

		if (!p->json && !p->quiet && all_silent(path, i)) {
			buf_printf(&run->report->out.b, "%2zu to %d  no answer\n", i + 1,
				   HOPS_MOST);
			break;
		}
		if (!p->quiet && reached(r))
			ask_nearby(run, i + 1, r, &remedy);
		if (!p->quiet)
			put_hop(run, text, i + 1, seen_before(path, i), r, remedy);
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

int hops_show(struct probe_run *run, const struct probe_turn *turn)
{
	_cleanup_free_ struct path *path = NULL;
	enum verdict v = VERDICT_CANNOT;
	struct fault f = FAULT_INIT;
	struct loop l;
	size_t i;
	int r;

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
