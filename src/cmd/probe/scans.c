/* Open ports as they are found, the others counted by reason. */
#include "cmd/probe/scans.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "cmd/probe/report.h"
#include "cmd/probe/report_json.h"
#include "cmd/probe/signals.h"
#include "cmd/probe/targets.h"
#include "cmd/probe/unasked.h"
#include "net/probe/scan_engine.h"
#include "view/view_member.h"

enum {
	DESCRIPTORS_KEPT = 64,
	WINDOW_MOST = 65535,
};

struct scanning {
	struct probe_run *run;
	const struct probe_turn *t;
	const struct scan_ops *ops;
	struct scan *scan;
	struct scan_how how;
	struct timer progress;
	uint64_t started_us;
	struct progress line;
	struct unasked unasked;
	bool over;
};

static void put_found(struct scanning *g, const struct probe_result *r)
{
	struct probe_report *p = g->run->report;
	struct buf *b = &p->out.b;
	struct servent se, *found = NULL;
	char text[ENDPOINT_TEXT_MAX], names[1024];
	const char *name = outcome_name(r->outcome);
	struct addr a;
	bool udp = r->peer.proto == TARGET_UDP;
	size_t from = b->len;

	if (p->json) {
		report_json_attempt(b, g->t->text, 1, r, NULL);
		return;
	}
	progress_clear(&g->line);
	endpoint_addr(&r->peer, &a);
	getservbyport_r(htons(a.port), udp ? "udp" : "tcp", &se, names, sizeof(names),
			&found);
	endpoint_text(text, sizeof(text), &r->peer);
	buf_printf(b, "%-22s  %s%s%s", text, report_colour(p, r->outcome), name,
		   p->style->reset);
	buf_pad(b, ' ', strlen(name) < 12 ? 14 - strlen(name) : 2);
	buf_printf(b, "%-16s  ", found ? found->s_name : "-");
	if (udp && r->outcome == OUTCOME_OPEN)
		buf_puts(b, "answered");
	else
		report_put_reason(p, b, r);
	buf_putc(b, '\n');
	if (b->len > from)
		out_flush(&p->out);
}

static void port_found(struct scan *s, const struct probe_result *r)
{
	struct scanning *g = s->owner;
	const struct probe_report *p = g->run->report;

	unasked_add(&g->unasked, r);
	if (!p->quiet && (r->outcome == OUTCOME_OPEN || g->how.with_refused ||
			  (p->json && unasked_is(r))))
		put_found(g, r);
}

static void scan_is_over(struct scan *s)
{
	struct scanning *g = s->owner;

	g->over = true;
	loop_stop(s->l);
}

static void progress_due(struct loop *l, struct timer *t)
{
	struct scanning *g = LOOP_OWNER(t, struct scanning, progress);
	const struct scan_totals *n = &g->scan->totals;
	uint64_t now = clock_us(), took = now - g->started_us;

	if (took > PROGRESS_AFTER_US && n->done) {
		_cleanup_buf_ struct buf b = { 0 };

		buf_put_escaped(&b, g->t->text, strlen(g->t->text));
		buf_printf(&b, ": %llu of %llu ports, %llu open, %.0f s left",
			   (unsigned long long)n->done, (unsigned long long)n->ports,
			   (unsigned long long)n->counts[OUTCOME_OPEN],
			   (double)took / 1e6 * (double)(n->ports - n->done) /
				   (double)n->done);
		progress_show(&g->line, &b);
	}
	timer_set(l, t, now + PROGRESS_EVERY_US);
}

/* The verdict of the whole: any open port is a yes, else the worst. Ports that nobody has
 * asked are no answer either. */
static enum verdict weigh(const struct scan_totals *n, enum outcome *outcome)
{
	enum verdict worst = VERDICT_NONE;
	size_t o;

	*outcome = OUTCOME_OPEN;
	if (n->counts[OUTCOME_OPEN])
		return VERDICT_YES;
	*outcome = OUTCOME_NOT_ASKED;
	for (o = 0; o < OUTCOME_COUNT; o++)
		if (n->counts[o] && outcome_verdict((enum outcome)o) > worst) {
			worst = outcome_verdict((enum outcome)o);
			*outcome = (enum outcome)o;
		}
	if (n->done < n->ports && worst != VERDICT_CANNOT) {
		worst = VERDICT_CANNOT;
		*outcome = OUTCOME_NOT_ASKED;
	}
	return worst;
}

static void put_json_totals(struct buf *b, const char *target, const struct endpoint *to,
			    const struct scan_totals *n, enum outcome outcome)
{
	struct json j = json_on(b);
	struct addr a = { 0 };

	json_begin_object(&j, "summary");
	json_member_text(&j, "target", target);
	json_member_str(&j, "proto", target_proto_name(to->proto));
	if (endpoint_addr(to, &a))
		view_member_ip(&j, "addr", &a);
	else
		json_member_null(&j, "addr");
	json_member_null(&j, "port");
	json_member_str(&j, "outcome", outcome_name(outcome));
	json_member_u64(&j, "attempts", n->done);
	json_member_u64(&j, "open", n->counts[OUTCOME_OPEN]);
	json_member_u64(&j, "late", 0);
	report_json_outcomes(&j, n->counts);
	json_member_null(&j, "rtt_us");
	json_member_null(&j, "connect_us");
	json_member_u64(&j, "ports", n->ports);
	json_member_u64(&j, "not_asked", n->ports - n->done);
	json_member_u64(&j, "duration_us", n->took_us);
	json_member_u64(&j, "self_connects", n->phantoms);
	json_end_object(&j);
}

static void put_totals(struct scanning *g, const struct endpoint *to)
{
	const struct scan_totals *n = &g->scan->totals;
	struct buf *b = &g->run->report->out.b;
	_cleanup_buf_ struct buf ip = { 0 };
	struct addr a = { 0 };
	size_t o;

	endpoint_addr(to, &a);
	addr_put_ip(&ip, &a);
	buf_printf(b, "%s: %llu of %llu ports open", buf_cstr(&ip),
		   (unsigned long long)n->counts[OUTCOME_OPEN],
		   (unsigned long long)n->ports);
	for (o = OUTCOME_OPEN + 1; o < OUTCOME_COUNT; o++)
		if (n->counts[o])
			buf_printf(b, ", %llu %s", (unsigned long long)n->counts[o],
				   outcome_name((enum outcome)o));
	if (n->done < n->ports)
		buf_printf(b, ", %llu not asked",
			   (unsigned long long)(n->ports - n->done));
	buf_puts(b, "; ");
	buf_put_time(b, n->took_us);
	if (n->phantoms)
		buf_printf(b, "; %llu connection%s to itself seen and thrown away",
			   (unsigned long long)n->phantoms, n->phantoms == 1 ? "" : "s");
	buf_putc(b, '\n');
	if (!g->how.with_refused)
		unasked_put(b, &g->unasked);
}

/* As many descriptors as there may be; root may raise its own limit. */
static uint64_t most_in_flight(const struct probe_config *c)
{
	struct rlimit rl,
		more = { WINDOW_MOST + DESCRIPTORS_KEPT, WINDOW_MOST + DESCRIPTORS_KEPT };
	uint64_t window;

	getrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_cur < more.rlim_cur && setrlimit(RLIMIT_NOFILE, &more) == 0)
		rl = more;
	window = rl.rlim_cur > 2 * DESCRIPTORS_KEPT ? rl.rlim_cur - DESCRIPTORS_KEPT
						    : DESCRIPTORS_KEPT;
	window = MIN(window, (uint64_t)WINDOW_MOST);
	return c->parallel == PROBE_UNSET ? window : MIN(window, c->parallel);
}

static void tell_totals(struct scanning *g, const struct endpoint *to,
			enum verdict *verdict)
{
	struct probe_run *run = g->run;
	enum outcome outcome;

	progress_clear(&g->line);
	*verdict = weigh(&g->scan->totals, &outcome);
	if (run->report->json)
		put_json_totals(&run->report->out.b, g->t->text, to, &g->scan->totals,
				outcome);
	else if (!run->report->quiet)
		put_totals(g, to);
}

static int scan_in(struct loop *l, struct scanning *g, const struct endpoint *to,
		   enum verdict *verdict, struct fault *f)
{
	int r;

	g->started_us = clock_us();
	g->progress.fn = progress_due;
	progress_init(&g->line, g->run->c->common.quiet);
	if (g->line.wanted)
		timer_set(l, &g->progress, g->started_us + PROGRESS_EVERY_US);
	g->scan->found = port_found;
	g->scan->over = scan_is_over;
	g->scan->owner = g;
	r = scan_start(g->scan, f);
	if (r < 0) {
		scan_stop(g->scan);
		return r;
	}
	r = loop_run(l);
	if (!g->over)
		g->scan->totals.took_us = clock_us() - g->started_us;
	scan_stop(g->scan);
	tell_totals(g, to, verdict);
	return r < 0 ? fault(f, -r, "wait for events") : 0;
}

static int scan_address(struct scanning *g, const struct endpoint *to,
			enum verdict *verdict, struct fault *f)
{
	struct loop l;
	sigset_t old;
	int r = loop_init(&l);

	if (r < 0)
		return fault(f, -r, "make an event loop");
	r = probe_watch_signals(g->run, &l, &old, f);
	if (r == 0) {
		g->scan = scan_new(g->ops, &l, to, &g->t->target->ports, &g->how);
		r = scan_in(&l, g, to, verdict, f);
		scan_free(g->scan);
		probe_leave_signals(g->run, &old);
		/* The exit code alone would not say what to do. Only now: whoever waits
		 * for the reader of standard error must be open to signals. */
		if (r == 0 && g->run->report->quiet && *verdict == VERDICT_CANNOT &&
		    !g->run->signo)
			unasked_tell(g->run->cmd, &g->unasked, to);
		unasked_free(&g->unasked);
	}
	loop_free(&l);
	return r;
}

/* There is no address to scan. */
static enum verdict put_nameless(struct probe_run *run, const struct probe_turn *t)
{
	static const struct scan_totals none = { 0 };
	struct probe_report *p = run->report;
	struct buf *b = &p->out.b;
	struct probe_result r;

	probe_judge_name(&r, t->target, t->err, &t->fault);
	if (p->json) {
		report_json_attempt(b, t->text, 1, &r, NULL);
		put_json_totals(b, t->text, &r.peer, &none, r.outcome);
	} else if (!p->quiet) {
		buf_put_escaped(b, t->text, strlen(t->text));
		buf_printf(b, "  %s%s%s  ", report_colour(p, r.outcome),
			   outcome_name(r.outcome), p->style->reset);
		report_put_reason(p, b, &r);
		buf_putc(b, '\n');
	} else if (outcome_verdict(r.outcome) == VERDICT_CANNOT) {
		cmd_error(run->cmd, &t->fault);
	}
	return outcome_verdict(r.outcome);
}

static int scan_target(struct probe_run *run, const struct probe_turn *t,
		       enum verdict *verdict, struct fault *f)
{
	const struct endpoint_list *list = &t->list;
	size_t i, n;
	int r = 0;

	*verdict = VERDICT_NONE;
	if (t->err < 0) {
		*verdict = put_nameless(run, t);
		return 0;
	}
	n = run->c->all_addresses ? list->n : 1;
	for (i = 0; i < n && r == 0 && !run->signo; i++) {
		bool few = probe_target_ports(t->target) <= PROBE_ASKED_ONE_BY_ONE;
		struct scanning g = { .run = run,
				      .t = t,
				      .ops = scan_engine(&list->v[i], run->c->syn) };
		enum verdict v = VERDICT_CANNOT;

		g.how.attempt = &run->how;
		g.how.with_refused = run->c->closed || few;
		g.how.patient = run->c->timeout_given;
		g.how.timeout_us = run->c->timeout_given || few || !g.ops->timeout_us
					   ? run->c->timeout_us
					   : g.ops->timeout_us;
		g.how.stall_us = run->c->timeout_us;
		g.how.rate = run->c->rate;
		g.how.window = most_in_flight(run->c);
		r = scan_address(&g, &list->v[i], &v, f);
		*verdict = MAX(*verdict, v);
	}
	return r;
}

int probe_scan_all(struct probe_run *run, struct fault *f)
{
	size_t i;
	int r = 0;

	if (!run->signo)
		probe_look_up(run);
	for (i = 0; i < run->n_turns && r == 0 && !run->signo; i++) {
		enum verdict v;

		r = scan_target(run, &run->turns[i], &v, f);
		run->scans_verdict = MAX(run->scans_verdict, v);
	}
	return r;
}
