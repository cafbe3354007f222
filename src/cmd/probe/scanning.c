#include "cmd/probe/scanning.h"

#include <netdb.h>
#include <stdlib.h>

#include "cmd/probe/report.h"
#include "cmd/probe/report_json.h"
#include "cmd/probe/targets.h"
#include "view/view_member.h"

void scanning_init(struct scanning *g, struct probe_run *run, const struct probe_turn *t,
		   const struct endpoint *to, const struct scan_ops *ops)
{
	const struct probe_config *c = run->c;
	bool few = probe_target_ports(t->target) <= PROBE_ASKED_ONE_BY_ONE;

	*g = (struct scanning){ .run = run, .t = t, .to = *to };
	g->how.attempt = &run->how;
	g->how.with_refused = c->closed || few;
	g->how.patient = c->timeout_given;
	g->how.timeout_us = c->timeout_given || few || !ops->timeout_us ? c->timeout_us
									: ops->timeout_us;
	g->how.stall_us = c->timeout_us;
	g->how.rate = c->rate;
	g->how.share = 1;
}

static void put_found(struct scanning *g, const struct probe_result *r)
{
	struct probe_report *p = g->run->report;
	struct buf *b = &g->text;
	struct servent se, *found = NULL;
	char text[ENDPOINT_TEXT_MAX], names[1024];
	const char *name = outcome_name(r->outcome);
	struct addr a;
	bool udp = r->peer.proto == TARGET_UDP;

	if (p->json) {
		report_json_attempt(b, g->t->text, 1, r, NULL, NULL);
		return;
	}
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
}

void scanning_put_port(struct scanning *g, const struct probe_result *r)
{
	const struct probe_report *p = g->run->report;

	unasked_add(&g->unasked, r);
	if (!p->quiet && (r->outcome == OUTCOME_OPEN || g->how.with_refused ||
			  (p->json && unasked_is(r))))
		put_found(g, r);
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

static void put_words(struct scanning *g)
{
	const struct scan_totals *n = &g->totals;
	struct buf *b = &g->text;
	_cleanup_buf_ struct buf ip = { 0 };
	struct addr a = { 0 };
	size_t o;

	endpoint_addr(&g->to, &a);
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
	probe_put_slow_name(b, g->t->name_us);
	if (n->phantoms)
		buf_printf(b, "; %llu connection%s to itself seen and thrown away",
			   (unsigned long long)n->phantoms, n->phantoms == 1 ? "" : "s");
	buf_putc(b, '\n');
	if (!g->how.with_refused)
		unasked_put(b, &g->unasked);
}

enum verdict scanning_put_totals(struct scanning *g)
{
	const struct probe_report *p = g->run->report;
	enum outcome outcome;
	enum verdict v = weigh(&g->totals, &outcome);

	if (p->json)
		put_json_totals(&g->text, g->t->text, &g->to, &g->totals, outcome);
	else if (!p->quiet)
		put_words(g);
	return v;
}

enum verdict scanning_put_nameless(struct scanning *g, struct buf *said)
{
	static const struct scan_totals none = { 0 };
	const struct probe_turn *t = g->t;
	struct probe_report *p = g->run->report;
	struct buf *b = &g->text;
	struct probe_result r;

	probe_judge_name(&r, t->target, t->err, &t->fault);
	if (p->json) {
		report_json_attempt(b, t->text, 1, &r, NULL, NULL);
		put_json_totals(b, t->text, &r.peer, &none, r.outcome);
	} else if (!p->quiet) {
		buf_put_escaped(b, t->text, strlen(t->text));
		buf_printf(b, "  %s%s%s  ", report_colour(p, r.outcome),
			   outcome_name(r.outcome), p->style->reset);
		report_put_reason(p, b, &r);
		buf_putc(b, '\n');
	} else if (outcome_verdict(r.outcome) == VERDICT_CANNOT) {
		cmd_put_error(said, g->run->cmd, &t->fault);
	}
	return outcome_verdict(r.outcome);
}

void scanning_free(struct scanning *g)
{
	unasked_free(&g->unasked);
	buf_free(&g->text);
	free(g);
}
