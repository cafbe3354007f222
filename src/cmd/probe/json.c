/* Attempts and summaries as JSON Lines; view/schema.json describes them. */
#include <string.h>

#include "cmd/probe/report.h"
#include "view/view_member.h"

static void put_peer(struct json *j, const struct probe_result *r)
{
	_cleanup_buf_ struct buf text = { 0 };
	struct addr a;

	json_member_str(j, "proto", target_proto_name(r->peer.proto));
	if (r->peer.len && endpoint_addr(&r->peer, &a)) {
		view_member_end(j, "addr", "port", &a);
		return;
	}
	if (r->peer.len && r->peer.family == AF_UNIX)
		endpoint_raw_path(&text, &r->peer);
	if (text.len)
		json_member_bytes(j, "addr", text.data, text.len);
	else
		json_member_null(j, "addr");
	json_member_null(j, "port");
}

static void put_local(struct json *j, const struct probe_result *r)
{
	struct addr a;

	if (r->local.len && endpoint_addr(&r->local, &a) && a.port)
		view_member_end(j, "local_addr", "local_port", &a);
	if (!r->local_unread || r->peer.family == AF_UNIX)
		return;
	json_member_null(j, "local_addr");
	json_member_null(j, "local_port");
}

static void put_icmp(struct json *j, const struct probe_icmp *icmp)
{
	if (!icmp->family)
		return;
	json_member_u64(j, "icmp_type", icmp->type);
	json_member_u64(j, "icmp_code", icmp->code);
	view_member_ip(j, "icmp_from", &icmp->from);
}

static void put_negotiated(struct json *j, const struct tcpinfo *t)
{
	json_member_u64(j, "mss_bytes", t->snd_mss);
	json_member_u64(j, "path_mtu_bytes", t->pmtu);
	if (t->options & TCPINFO_WSCALE) {
		json_member_u64(j, "peer_window_scale", t->wscale & 15);
		json_member_u64(j, "window_scale", t->wscale >> 4);
	} else {
		json_member_null(j, "peer_window_scale");
		json_member_null(j, "window_scale");
	}
	json_member_bool(j, "sack", t->options & TCPINFO_SACK);
	json_member_bool(j, "timestamps", t->options & TCPINFO_TIMESTAMPS);
	json_member_bool(j, "ecn", t->options & TCPINFO_ECN);
	json_member_bool(j, "fast_open", t->options & TCPINFO_SYN_DATA);
	json_member_u64(j, "rtt_variance_us", t->rttvar);
}

void report_json_attempt(struct buf *b, const char *target, uint64_t seq,
			 const struct probe_result *r, const char *note)
{
	static const char *const losses[] = { NULL, "syn", "syn-ack", "unknown" };
	_cleanup_buf_ struct buf reason = { 0 };
	struct json j = json_on(b);
	bool open = r->outcome == OUTCOME_OPEN;
	const char *name;

	json_begin_object(&j, "attempt");
	json_member_text(&j, "target", target);
	json_member_u64(&j, "seq", seq);
	put_peer(&j, r);
	put_local(&j, r);
	json_member_str(&j, "outcome", outcome_name(r->outcome));
	probe_put_reason(&reason, r);
	json_member_bytes(&j, "reason", reason.data, reason.len);
	if (note)
		json_member_text(&j, "cause", note);
	json_member_known(&j, "connect_us", r->connect_us,
			  r->connect_us || (r->peer.len && !r->half_open));
	json_member_known(&j, "rtt_us", r->tcp.rtt, r->has_tcp && r->tcp.rtt && open);
	json_member_known(&j, "name_us", r->name_us, r->name_us > 0);
	if (r->first_byte_us)
		json_member_u64(&j, "first_byte_us", r->first_byte_us);
	if (r->life_us)
		json_member_u64(&j, "life_us", r->life_us);
	if (r->has_tcp || r->half_open)
		json_member_u64(&j, "syn_retransmits",
				open || r->half_open ? r->lost : r->tcp.total_retrans);
	if (r->half_open)
		json_member_bool(&j, "half_open", true);
	if (r->ttl)
		json_member_u64(&j, "answer_ttl", r->ttl);
	if (r->loss != PROBE_LOSS_NONE)
		json_member_str(&j, "lost", losses[r->loss]);
	if (r->hedges)
		json_member_u64(&j, "hedges", r->hedges);
	if (r->phantoms)
		json_member_u64(&j, "self_connects", r->phantoms);
	name = r->err ? strerrorname_np(r->err) : NULL;
	if (name)
		json_member_str(&j, "errno", name);
	put_icmp(&j, &r->icmp);
	if (r->silent_hop.family)
		view_member_ip(&j, "silent_hop", &r->silent_hop);
	if (r->http_status)
		json_member_u64(&j, "http_status", (uint64_t)r->http_status);
	if (r->verified)
		json_member_bool(&j, "verified", true);
	if (r->mptcp >= 0)
		json_member_bool(&j, "mptcp", r->mptcp);
	if (r->queue) {
		json_member_u64(&j, "accept_queue", r->queue);
		json_member_u64(&j, "accept_queue_limit", r->queue_limit);
	}
	if (r->ports_used)
		json_member_u64(&j, "ports_used", r->ports_used);
	if (r->n_answer)
		json_member_bytes(&j, "answer", r->answer, r->n_answer);
	if (open && r->has_tcp)
		put_negotiated(&j, &r->tcp);
	else if (open && r->tcp_unread)
		json_member_str(&j, "tcp_unread", strerrorname_np(r->tcp_unread));
	json_end_object(&j);
}

void report_json_samples(struct json *j, const char *name, const struct spread *s)
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

void report_json_summary(struct buf *b, const struct probe_job *job)
{
	struct json j = json_on(b);
	size_t o;

	json_begin_object(&j, "summary");
	json_member_text(&j, "target", job->text);
	put_peer(&j, &job->last);
	json_member_str(&j, "outcome", outcome_name(job->last.outcome));
	if (job->note)
		json_member_text(&j, "cause", job->note);
	json_member_u64(&j, "attempts", job->done);
	json_member_u64(&j, "open", job->counts[OUTCOME_OPEN]);
	json_member_u64(&j, "late", job->late);
	json_key(&j, "outcomes");
	json_open(&j, '{');
	for (o = 0; o < OUTCOME_COUNT; o++)
		if (job->counts[o])
			json_member_u64(&j, outcome_name((enum outcome)o),
					job->counts[o]);
	json_close(&j, '}');
	if (job->fastopen == FASTOPEN_YES || job->fastopen == FASTOPEN_NO)
		json_member_bool(&j, "fast_open_cookie", job->fastopen == FASTOPEN_YES);
	else if (job->run->c->negotiated && job->fastopen == FASTOPEN_UNKNOWN &&
		 job->last.has_tcp && job->last.outcome == OUTCOME_OPEN)
		json_member_null(&j, "fast_open_cookie");
	report_json_samples(&j, "rtt_us", job->rtt);
	report_json_samples(&j, "connect_us", job->connect);
	json_end_object(&j);
}
