#include "cmd/probe/report_json.h"

#include <string.h>

#include "base/json.h"
#include "net/probe/mixed.h"
#include "view/view_advice.h"
#include "view/view_member.h"

/* The rows are of struct probe_result. */
#define MEMBER(m) JSON_MEMBER(struct probe_result, m)
#define UINT(m)	  JSON_UINT(struct probe_result, m)
#define BOOL(m)	  JSON_BOOL(struct probe_result, m)
#define IF(m)	  JSON_IF(struct probe_result, m)
#define LEFT_OUT  .unset = JSON_LEFT_OUT

void report_json_address(struct json *j, const struct endpoint *ep)
{
	_cleanup_buf_ struct buf text = { 0 };
	struct addr a;

	if (ep->len && endpoint_addr(ep, &a)) {
		view_member_end(j, "addr", "port", &a);
		return;
	}
	if (ep->len && ep->family == AF_UNIX)
		endpoint_raw_path(&text, ep);
	if (text.len)
		json_member_bytes(j, "addr", text.data, text.len);
	else
		json_member_null(j, "addr");
	json_member_null(j, "port");
}

void report_json_outcomes(struct json *j, const uint64_t *counts)
{
	size_t o;

	json_key(j, "outcomes");
	json_open(j, '{');
	for (o = 0; o < OUTCOME_COUNT; o++)
		if (counts[o])
			json_member_u64(j, outcome_name((enum outcome)o), counts[o]);
	json_close(j, '}');
}

static void put_peer(struct json *j, const struct json_row *row, const void *of)
{
	const struct probe_result *r = of;

	(void)row;
	json_member_str(j, "proto", target_proto_name(r->peer.proto));
	report_json_address(j, &r->peer);
}

static void put_local(struct json *j, const struct json_row *row, const void *of)
{
	const struct probe_result *r = of;
	struct addr a;

	(void)row;
	if (r->local.len && endpoint_addr(&r->local, &a) && a.port)
		view_member_end(j, "local_addr", "local_port", &a);
	if (!r->local_unread || r->peer.family == AF_UNIX)
		return;
	json_member_null(j, "local_addr");
	json_member_null(j, "local_port");
}

static void put_outcome(struct json *j, const struct json_row *row, const void *of)
{
	const struct probe_result *r = of;

	json_member_str(j, row->name, outcome_name(r->outcome));
}

static void put_reason(struct json *j, const struct json_row *row, const void *of)
{
	_cleanup_buf_ struct buf reason = { 0 };

	probe_put_reason(&reason, of);
	json_member_bytes(j, row->name, reason.data, reason.len);
}

static void put_retransmits(struct json *j, const struct json_row *row, const void *of)
{
	const struct probe_result *r = of;
	bool counted = r->outcome == OUTCOME_OPEN || r->half_open;

	if (r->has_tcp || r->half_open)
		json_member_u64(j, row->name, counted ? r->lost : r->tcp.total_retrans);
}

static void put_loss(struct json *j, const struct json_row *row, const void *of)
{
	static const char *const losses[] = {
		[PROBE_LOSS_SYN] = "syn",	  [PROBE_LOSS_SYN_ACK] = "syn-ack",
		[PROBE_LOSS_UNKNOWN] = "unknown", [PROBE_LOSS_EITHER] = "unknown",
		[PROBE_LOSS_SLOW] = "none",
	};
	const struct probe_result *r = of;

	json_member_str(j, row->name, losses[r->loss]);
}

static void put_errno(struct json *j, const struct json_row *row, const void *of)
{
	const struct probe_result *r = of;
	const char *name = strerrorname_np(r->err);

	if (name)
		json_member_str(j, row->name, name);
}

static void put_ip(struct json *j, const struct json_row *row, const void *of)
{
	view_member_ip(j, row->name, (const struct addr *)((const char *)of + row->at));
}

static void put_rewritten(struct json *j, const struct json_row *row, const void *of)
{
	const struct probe_result *r = of;

	(void)row;
	if (!r->sent_to.family)
		return;
	view_member_end(j, "sent_to_addr", "sent_to_port", &r->sent_to);
	view_member_end(j, "sent_from_addr", "sent_from_port", &r->sent_from);
}

static void put_silent_interface(struct json *j, const struct json_row *row,
				 const void *of)
{
	const struct probe_result *r = of;

	if (r->silent_hop.dev[0])
		json_member_text(j, row->name, r->silent_hop.dev);
}

static void put_accepted(struct json *j, const struct json_row *row, const void *of)
{
	const struct probe_result *r = of;

	if (r->accepted == KNOWN_NOT)
		return;
	json_member_bool(j, row->name, r->accepted == KNOWN_ON);
	if (r->accepted == KNOWN_OFF)
		json_member_u64(j, "unaccepted_us", r->held_us);
}

static void put_again(struct json *j, const struct json_row *row, const void *of)
{
	static const char *const names[] = { NULL, "answered", "silent", "refused" };
	const struct probe_result *r = of;

	if (r->outcome == OUTCOME_GHOST && r->again != PROBE_AGAIN_NOT_ASKED)
		json_member_str(j, row->name, names[r->again]);
}

static void put_stalled(struct json *j, const struct json_row *row, const void *of)
{
	const struct probe_result *r = of;

	json_member_str(j, row->name,
			r->stall.side == STALL_TOWARDS_US ? "receiving" : "sending");
}

static void put_mptcp(struct json *j, const struct json_row *row, const void *of)
{
	const struct probe_result *r = of;

	if (r->mptcp >= 0)
		json_member_bool(j, row->name, r->mptcp);
}

static void put_fallback(struct json *j, const struct json_row *row, const void *of)
{
	static const char *const names[] = {
		[MULTIPATH_DROPPED] = "unanswered",
		[MULTIPATH_GIVEN_UP] = "given-up",
		[MULTIPATH_LEFT_OUT] = "left-out",
		[MULTIPATH_MAYBE_LEFT_OUT] = "peer-or-left-out",
		[MULTIPATH_UNANSWERED] = NULL,
	};
	const struct probe_result *r = of;

	if (names[r->multipath.kind])
		json_member_str(j, row->name, names[r->multipath.kind]);
}

static void put_answer(struct json *j, const struct json_row *row, const void *of)
{
	const struct probe_result *r = of;

	json_member_bytes(j, row->name, r->answer, r->n_answer);
}

static void put_connect_time(struct json *j, const struct json_row *row, const void *of)
{
	const struct probe_result *r = of;

	json_member_known(j, row->name, r->connect_us,
			  r->connect_us || (r->peer.len && !r->half_open));
}

static void put_rtt(struct json *j, const struct json_row *row, const void *of)
{
	const struct probe_result *r = of;

	json_member_known(j, row->name, r->tcp.rtt,
			  r->has_tcp && r->tcp.rtt && r->outcome == OUTCOME_OPEN);
}

/* row->at: its place in the byte that holds both. */
static void put_wscale(struct json *j, const struct json_row *row, const void *of)
{
	const struct tcpinfo *t = &((const struct probe_result *)of)->tcp;

	json_member_known(j, row->name, t->wscale >> row->at & 15,
			  t->options & TCPINFO_WSCALE);
}

/* row->at: the option's bit. */
static void put_option(struct json *j, const struct json_row *row, const void *of)
{
	const struct tcpinfo *t = &((const struct probe_result *)of)->tcp;

	json_member_bool(j, row->name, t->options & row->at);
}

static const struct json_row verdict_rows[] = {
	{ .put = put_peer },
	{ .put = put_local },
	{ "outcome", .put = put_outcome },
	{ "reason", .put = put_reason },
};

static const struct json_row evidence_rows[] = {
	{ "connect_us", .put = put_connect_time },
	{ "rtt_us", .put = put_rtt },
	{ "name_us", UINT(name_us), .unset = JSON_NULL },
	{ "first_byte_us", UINT(first_byte_us), LEFT_OUT },
	{ "life_us", UINT(life_us), LEFT_OUT },
	{ "syn_retransmits", .put = put_retransmits },
	{ "half_open", BOOL(half_open), LEFT_OUT },
	{ "answer_ttl", UINT(ttl), LEFT_OUT },
	{ .put = put_rewritten },
	{ "lost", MEMBER(loss), LEFT_OUT, .put = put_loss },
	{ "hedges", UINT(hedges), LEFT_OUT },
	{ "self_connects", UINT(phantoms), LEFT_OUT },
	{ "errno", MEMBER(err), LEFT_OUT, .put = put_errno },
	{ "icmp_type", UINT(icmp.type), LEFT_OUT, IF(icmp.family) },
	{ "icmp_code", UINT(icmp.code), LEFT_OUT, IF(icmp.family) },
	{ "icmp_from", MEMBER(icmp.from), LEFT_OUT, IF(icmp.family), .put = put_ip },
	{ "sent_ttl", UINT(icmp.sent_ttl), LEFT_OUT },
	{ "silent_hop", MEMBER(silent_hop.addr), LEFT_OUT, .put = put_ip },
	{ "silent_interface", .put = put_silent_interface },
	{ "no_carrier", BOOL(silent_hop.no_carrier), LEFT_OUT },
	{ "own_address", BOOL(own), LEFT_OUT },
	{ "answers_dropped", UINT(unheard.seen), LEFT_OUT },
	{ "known_rtt_us", UINT(known.us), LEFT_OUT },
	{ "stalled", MEMBER(stall.side), LEFT_OUT, .put = put_stalled },
	{ "stalled_ms", UINT(stall.for_ms), LEFT_OUT },
	{ "answered_from", MEMBER(answered_from), LEFT_OUT, .put = put_ip },
	{ "answered_from_port", UINT(answered_from.port), LEFT_OUT },
	{ "accepted", .put = put_accepted },
	{ "http_status", UINT(http_status), LEFT_OUT },
	{ "verified", BOOL(verified), LEFT_OUT },
	{ "segments_received", UINT(answers), LEFT_OUT },
	{ "second_connect", .put = put_again },
	{ "mptcp", .put = put_mptcp },
	{ "mptcp_fallback", .put = put_fallback },
	{ "accept_queue", UINT(queue), LEFT_OUT },
	{ "accept_queue_limit", UINT(queue_limit), LEFT_OUT, IF(queue) },
	{ "ports_used", UINT(ports_used), LEFT_OUT },
	{ "answer", MEMBER(n_answer), LEFT_OUT, .put = put_answer },
};

/* Of an open connection whose TCP_INFO could be read. */
static const struct json_row negotiated_rows[] = {
	{ "mss_bytes", UINT(tcp.snd_mss) },
	{ "path_mtu_bytes", UINT(tcp.pmtu) },
	{ "peer_window_scale", .put = put_wscale, .at = 0 },
	{ "window_scale", .put = put_wscale, .at = 4 },
	{ "sack", .put = put_option, .at = TCPINFO_SACK },
	{ "timestamps", .put = put_option, .at = TCPINFO_TIMESTAMPS },
	{ "ecn", .put = put_option, .at = TCPINFO_ECN },
	{ "fast_open", .put = put_option, .at = TCPINFO_SYN_DATA },
	{ "rtt_variance_us", UINT(tcp.rttvar) },
};

/* Beside the one that the attempt is told of. */
static void put_tried(struct json *j, const struct probe_result *r,
		      const struct tried_list *tried)
{
	size_t i;

	if (!tried_others(tried, r))
		return;
	json_key(j, "tried");
	json_open(j, '[');
	for (i = 0; i < tried->n; i++) {
		const struct tried *one = &tried->v[i];

		if (tried_is(one, r))
			continue;
		json_open(j, '{');
		view_member_end(j, "addr", "port", &one->addr);
		if (one->judged)
			json_member_str(j, "outcome", outcome_name(one->outcome));
		else
			json_member_null(j, "outcome");
		json_member_text(j, "reason", one->reason);
		json_member_u64(j, "connect_us", one->took_us);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void report_json_attempt(struct buf *b, const char *target, uint64_t seq,
			 const struct probe_result *r, const char *note,
			 const struct tried_list *tried)
{
	struct json j = json_on(b);

	json_begin_object(&j, "attempt");
	json_member_text(&j, "target", target);
	json_member_u64(&j, "seq", seq);
	json_members(&j, verdict_rows, ARRAY_SIZE(verdict_rows), r);
	if (note)
		json_member_text(&j, "cause", note);
	json_members(&j, evidence_rows, ARRAY_SIZE(evidence_rows), r);
	if (tried)
		put_tried(&j, r, tried);
	if (r->outcome == OUTCOME_OPEN && r->has_tcp)
		json_members(&j, negotiated_rows, ARRAY_SIZE(negotiated_rows), r);
	else if (r->outcome == OUTCOME_OPEN && r->tcp_unread)
		json_member_str(&j, "tcp_unread", strerrorname_np(r->tcp_unread));
	json_end_object(&j);
}

static void put_samples(struct json *j, const char *name, const struct spread *s)
{
	struct spread_summary sum;

	json_key(j, name);
	if (!spread_summarise(s, &sum)) {
		json_null(j);
		return;
	}
	json_open(j, '{');
	json_member_u64(j, "count", sum.count);
	json_member_u64(j, "min", sum.min);
	json_member_u64(j, "avg", (uint64_t)(sum.avg + 0.5));
	json_member_u64(j, "p50", sum.p50);
	json_member_u64(j, "p90", sum.p90);
	json_member_u64(j, "p99", sum.p99);
	json_member_u64(j, "max", sum.max);
	json_member_u64(j, "stddev", (uint64_t)(sum.stddev + 0.5));
	json_member_u64(j, "jitter", (uint64_t)(sum.jitter + 0.5));
	json_close(j, '}');
}

/* What --wait waits for changes by itself. */
void report_put_mixed(struct buf *b, const struct probe_job *j)
{
	bool name = j->target->host == TARGET_HOST_NAME && !j->fixed;

	if (j->run->c->wait_us == PROBE_UNSET)
		probe_put_mixed(b, j->counts, j->turns,
				name ? "this name" : "this address");
}

void report_json_summary(struct buf *b, const struct probe_job *job)
{
	_cleanup_buf_ struct buf mixed = { 0 };
	struct json j = json_on(b);

	json_begin_object(&j, "summary");
	json_member_text(&j, "target", job->text);
	put_peer(&j, NULL, job->last);
	json_member_str(&j, "outcome", outcome_name(job->last->outcome));
	report_put_mixed(&mixed, job);
	if (mixed.len)
		json_member_text(&j, "mixed", buf_cstr(&mixed));
	if (job->note)
		json_member_text(&j, "cause", job->note);
	if (job->remedy) {
		view_advice_json(&j, "next", job->remedy);
		view_commands_json(&j, job->remedy);
	}
	if (job->waiting) {
		json_member_u64(&j, "waiting", job->waiting);
		json_member_u64(&j, "longest_wait_ms", job->longest_wait_ms);
	}
	json_member_u64(&j, "attempts", job->done);
	json_member_u64(&j, "open", job->counts[OUTCOME_OPEN]);
	json_member_u64(&j, "late", job->late);
	report_json_outcomes(&j, job->counts);
	if (job->fastopen == FASTOPEN_YES || job->fastopen == FASTOPEN_NO)
		json_member_bool(&j, "fast_open_cookie", job->fastopen == FASTOPEN_YES);
	else if (job->run->c->negotiated && job->fastopen == FASTOPEN_UNKNOWN &&
		 job->last->has_tcp && job->last->outcome == OUTCOME_OPEN)
		json_member_null(&j, "fast_open_cookie");
	put_samples(&j, "rtt_us", job->rtt);
	put_samples(&j, "connect_us", job->connect);
	json_end_object(&j);
}
