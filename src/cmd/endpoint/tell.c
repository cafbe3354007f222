#include "cmd/endpoint/tell.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>

#include "cmd/endpoint/tracer.h"
#include "cmd/traffic/endpoint_members.h"
#include "model/names.h"
#include "net/relay/conn_end.h"

static const struct {
	const char *json, *words;
} closers[] = {
	[CLOSER_WE] = { "us", "we" },
	[CLOSER_PEER] = { "peer", "the peer" },
	[CLOSER_TARGET] = { "target", "the target" },
};

/* Of an interface that is gone the number is left. */
static bool device_of(const struct endpoint *ep, char name[static IF_NAMESIZE])
{
	if (ep->ifindex && !if_indextoname(ep->ifindex, name))
		snprintf(name, IF_NAMESIZE, "%u", ep->ifindex);
	return ep->ifindex;
}

#define TCP(member) JSON_UINT(struct conn_tcp, info.member)

static const struct json_row tcp_rows[] = {
	{ "rtt_us", TCP(rtt) },
	{ "rttvar_us", TCP(rttvar) },
	{ "min_rtt_us", TCP(min_rtt) },
	{ "retransmits", TCP(total_retrans) },
	{ "cwnd", TCP(snd_cwnd) },
	{ "ssthresh", TCP(snd_ssthresh) },
	{ "send_mss_bytes", TCP(snd_mss) },
	{ "recv_mss_bytes", TCP(rcv_mss) },
	{ "acked_bytes", TCP(bytes_acked) },
	{ "received_bytes", TCP(bytes_received) },
	{ "segments_out", TCP(segs_out) },
	{ "segments_in", TCP(segs_in) },
	{ "delivery_rate_bytes", TCP(delivery_rate) },
	{ "busy_us", TCP(busy_time) },
	{ "window_limited_us", TCP(rwnd_limited) },
	{ "buffer_limited_us", TCP(sndbuf_limited) },
};

#undef TCP

static void put_tcp(struct json *j, const char *name, const struct conn_tcp *tcp)
{
	json_key(j, name);
	json_open(j, '{');
	json_member_str(j, "state", state_name(tcp->info.state));
	json_members(j, tcp_rows, ARRAY_SIZE(tcp_rows), tcp);
	json_member_str(j, "congestion", tcp->congestion);
	json_close(j, '}');
}

static void put_tcp_report(struct json *j, const struct json_row *row, const void *of)
{
	put_tcp(j, row->name, ((const struct conn_report *)of)->tcp);
}

static void put_target_tcp(struct json *j, const struct json_row *row, const void *of)
{
	put_tcp(j, row->name, ((const struct conn_report *)of)->target_tcp);
}

static void put_closer(struct json *j, const struct json_row *row, const void *of)
{
	const struct conn_report *r = of;

	json_member_str(j, row->name, closers[r->closed_first].json);
}

#define REPORT(member) JSON_MEMBER(struct conn_report, member)

static const struct json_row report_rows[] = {
	{ "received_bytes", json_put_uint, REPORT(bytes_in) },
	{ "sent_bytes", json_put_uint, REPORT(bytes_out) },
	{ "unsent_bytes", json_put_uint, REPORT(unsent_bytes) },
	{ "duration_us", json_put_uint, REPORT(duration_us) },
	{ "closed_first", put_closer, REPORT(closed_first), .unset = JSON_NULL },
	{ "tcp", put_tcp_report, REPORT(tcp), .unset = JSON_LEFT_OUT },
	{ "target_tcp", put_target_tcp, REPORT(target_tcp), .unset = JSON_LEFT_OUT },
};

#undef REPORT

static void json_fault(struct json *j, const struct fault *f)
{
	const char *name = f->err ? strerrorname_np(f->err) : NULL;

	json_member_text(j, "text", f->what);
	if (f->hint[0])
		json_member_text(j, "advice", f->hint);
	if (name)
		json_member_str(j, "errno", name);
}

static void json_closed(struct json *j, const struct net_event *e)
{
	json_member_u64(j, "id", e->id);
	json_member_str(j, "end", conn_end_name(e->end));
	json_members(j, report_rows, ARRAY_SIZE(report_rows), e->report);
	if (e->fault)
		json_fault(j, e->fault);
}

static void event_json(const struct teller *t, enum tell_kind kind,
		       const struct net_event *e)
{
	static const char *const types[] = {
		[NET_LISTENING] = "listening", [NET_ACCEPTED] = "accepted",
		[NET_CONNECTED] = "connected", [NET_CLOSED] = "closed",
		[NET_CHILD] = "note",	       [NET_TROUBLE] = "note",
		[NET_NOTE] = "note",	       [NET_CALL] = "call",
		[NET_TRAFFIC] = "data",
	};
	_cleanup_buf_ struct buf b = { 0 };
	struct json j = json_on(&b);
	char device[IF_NAMESIZE];

	json_begin_object(&j, types[e->kind]);
	switch (e->kind) {
	case NET_LISTENING:
	case NET_ACCEPTED:
	case NET_CONNECTED:
		if (e->id)
			json_member_u64(&j, "id", e->id);
		json_member_str(
			&j, "proto",
			target_proto_name((e->local ? e->local : e->peer)->proto));
		if (e->local)
			endpoint_members(&j, "local", e->local);
		if (e->kind == NET_LISTENING && device_of(e->local, device))
			json_member_text(&j, "device", device);
		if (e->peer)
			endpoint_members(&j, "peer", e->peer);
		if (e->kind == NET_CONNECTED)
			json_member_u64(&j, "connect_us", e->took_us);
		break;
	case NET_CLOSED:
		json_closed(&j, e);
		break;
	case NET_CHILD:
		json_member_str(&j, "id", "command-failed");
		json_fault(&j, e->fault);
		break;
	case NET_TROUBLE:
		json_member_str(&j, "id", "trouble");
		json_fault(&j, e->fault);
		break;
	case NET_CALL:
	case NET_TRAFFIC:
		break;
	case NET_NOTE:
		json_member_str(&j, "id", "remark");
		json_member_text(&j, "text", e->text);
		break;
	}
	json_end_object(&j);
	tell_write(t->out, kind, &b);
}

static void put_size(struct buf *b, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes;
	int unit = -1;

	buf_printf(b, "%llu bytes", (unsigned long long)bytes);
	for (; v >= 1024 && unit < 3; unit++)
		v /= 1024;
	if (unit >= 0)
		buf_printf(b, " (%.1f %s)", v, units[unit]);
}

static void put_counts(struct buf *b, const struct conn_report *r)
{
	buf_puts(b, "received ");
	put_size(b, r->bytes_in);
	buf_puts(b, ", sent ");
	put_size(b, r->bytes_out);
	if (r->unsent_bytes)
		buf_printf(b, ", %llu not sent or never acknowledged",
			   (unsigned long long)r->unsent_bytes);
	buf_puts(b, " in ");
	buf_put_time(b, r->duration_us);
}

static void put_info(struct buf *b, const struct conn_tcp *tcp)
{
	const struct tcpinfo *t = &tcp->info;

	buf_printf(b,
		   "  %s  rtt %.3g ms (min %.3g, var %.3g)  retransmits %u  cwnd %u  "
		   "mss %u/%u  %s\n",
		   state_name(t->state), t->rtt / 1e3, t->min_rtt / 1e3, t->rttvar / 1e3,
		   t->total_retrans, t->snd_cwnd, t->snd_mss, t->rcv_mss,
		   tcp->congestion);
	buf_printf(b,
		   "  acked %llu bytes, received %llu bytes  segments out %u, in %u  "
		   "rate %.3g MB/s\n",
		   (unsigned long long)t->bytes_acked,
		   (unsigned long long)t->bytes_received, t->segs_out, t->segs_in,
		   (double)t->delivery_rate / 1e6);
	if (t->rwnd_limited || t->sndbuf_limited)
		buf_printf(b,
			   "  busy %.3g s, of it %.3g s stopped by the peer's window, "
			   "%.3g s by our send buffer\n",
			   (double)t->busy_time / 1e6, (double)t->rwnd_limited / 1e6,
			   (double)t->sndbuf_limited / 1e6);
}

static void closed_text(const struct teller *t, const struct net_event *e)
{
	const struct conn_report *r = e->report;
	bool asked = (t->report && !t->many) || (t->info && (r->tcp || r->target_tcp));
	_cleanup_buf_ struct buf b = { 0 };

	if (e->fault) {
		buf_printf(&b, "sockctl %s: ", t->cmd->name);
		buf_put_harmless(&b, e->fault->what, strlen(e->fault->what));
		buf_puts(&b, " (");
		put_counts(&b, r);
		buf_puts(&b, ")\n");
		if (e->fault->hint[0]) {
			buf_puts(&b, "  ");
			buf_put_harmless(&b, e->fault->hint, strlen(e->fault->hint));
			buf_putc(&b, '\n');
		}
	} else if ((t->report && !t->many) || t->verbose) {
		buf_printf(&b, "closed %llu: ", (unsigned long long)e->id);
		put_counts(&b, r);
		if (r->duration_us >= 1000 && r->bytes_in + r->bytes_out >= 1 << 20)
			buf_printf(&b, ", %.1f MiB/s",
				   (double)(r->bytes_in + r->bytes_out) / 1048576.0 /
					   ((double)r->duration_us / 1e6));
		if (r->closed_first)
			buf_printf(&b, "; %s closed first",
				   closers[r->closed_first].words);
		buf_putc(&b, '\n');
	}
	if (t->info && r->tcp)
		put_info(&b, r->tcp);
	if (t->info && r->target_tcp) {
		buf_puts(&b, "  with the target:\n");
		put_info(&b, r->target_tcp);
	}
	tell_write(t->out, asked ? TELL_DATA : TELL_STRANGER, &b);
}

static void met_text(const struct teller *t, const struct net_event *e)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (!t->verbose)
		return;
	buf_printf(&b, "%s %llu: ", e->kind == NET_ACCEPTED ? "accepted" : "connected",
		   (unsigned long long)e->id);
	endpoint_put(&b, e->peer);
	buf_puts(&b, e->kind == NET_ACCEPTED ? " at " : " from ");
	endpoint_put(&b, e->local);
	if (e->kind == NET_CONNECTED) {
		buf_puts(&b, " in ");
		buf_put_time(&b, e->took_us);
	}
	buf_putc(&b, '\n');
	tell_write(t->out, TELL_STRANGER, &b);
}

static void error_text(const struct teller *t, enum tell_kind kind, const struct fault *f)
{
	_cleanup_buf_ struct buf b = { 0 };

	cmd_put_error(&b, t->cmd, f);
	tell_write(t->out, kind, &b);
}

static void note_text(const struct teller *t, const char *text)
{
	_cleanup_buf_ struct buf b = { 0 };

	cmd_put_line(&b, t->cmd, text);
	tell_write(t->out, TELL_STRANGER, &b);
}

static void event_text(const struct teller *t, const struct net_event *e)
{
	switch (e->kind) {
	case NET_LISTENING:
		break;
	case NET_ACCEPTED:
	case NET_CONNECTED:
		met_text(t, e);
		break;
	case NET_CLOSED:
		closed_text(t, e);
		break;
	case NET_CHILD:
	case NET_TROUBLE:
		error_text(t, TELL_STRANGER, e->fault);
		break;
	case NET_CALL:
		tracer_call(t->tracer, e);
		break;
	case NET_TRAFFIC:
		break;
	case NET_NOTE:
		if (!t->quiet)
			note_text(t, e->text);
		break;
	}
}

/* The first time; the exit code says it, too. */
static void check_dump(struct teller *t)
{
	struct fault f = FAULT_INIT;

	if (!t->dump.sink.broken || t->dump_failed)
		return;
	t->dump_failed = true;
	fault(&f, t->dump.sink.err, "write to '%s' (--dump-file): it ends here",
	      t->dump_path);
	tell_fault(t, &f);
}

static void tell_traffic(struct teller *t, const struct net_event *e)
{
	bool shown = t->traffic.form != TRAFFIC_UNSEEN;
	_cleanup_buf_ struct buf b = { 0 };

	if (t->json && e->traffic->datagram && (!shown || t->dump_path)) {
		traffic_put(&t->traffic, &b, e, false);
		tell_write(t->out, TELL_TRAFFIC, &b);
		buf_reset(&b);
	}
	if (!shown)
		return;
	traffic_put(&t->traffic, &b, e, true);
	tell_write(t->dump_path ? &t->dump : t->out, TELL_TRAFFIC, &b);
	if (t->dump_path)
		check_dump(t);
}

static void frame_record(void *ctx, struct buf *b, const struct net_event *e)
{
	struct teller *t = ctx;

	traffic_put_record(&t->traffic, b, e);
}

static bool has_room(void *ctx)
{
	const struct teller *t = ctx;

	return tell_has_room(t->out) && (!t->dump_path || tell_has_room(&t->dump));
}

static void event(void *ctx, const struct net_event *e)
{
	struct teller *t = ctx;

	if (t->traffic.form != TRAFFIC_UNSEEN || t->traffic.frame != TRAFFIC_NO_FRAME)
		traffic_follow(&t->traffic, e);
	if (e->kind == NET_TRAFFIC)
		tell_traffic(t, e);
	else if (e->kind == NET_CALL)
		tracer_call(t->tracer, e);
	else if (t->json)
		event_json(t, TELL_DATA, e);
	else
		event_text(t, e);
}

struct net_ops teller_ops(struct teller *t)
{
	bool shown = t->traffic.form != TRAFFIC_UNSEEN;
	bool framed = t->traffic.frame != TRAFFIC_NO_FRAME;

	return (struct net_ops){ .event = event,
				 .ctx = t,
				 .has_room = has_room,
				 .frame = framed ? frame_record : NULL,
				 .wants_bytes = shown,
				 .wants_datagrams = shown || t->json,
				 .wants_peers = t->json || t->verbose || shown || framed,
				 .wants_calls = t->tracer };
}

void tell_listening(struct teller *t, const struct endpoint *local)
{
	char device[IF_NAMESIZE];
	_cleanup_buf_ struct buf b = { 0 };

	if (t->json) {
		event_json(t, TELL_READY,
			   &(struct net_event){ .kind = NET_LISTENING, .local = local });
		return;
	}
	if (t->quiet)
		return;
	buf_puts(&b, "listening on ");
	endpoint_put(&b, local);
	buf_putc(&b, '\n');
	if (device_of(local, device)) {
		buf_puts(&b, "only through ");
		buf_put_escaped(&b, device, strlen(device));
		buf_putc(&b, '\n');
	}
	tell_write(t->out, TELL_READY, &b);
}

void tell_fault(struct teller *t, const struct fault *f)
{
	if (t->json)
		event_json(t, TELL_DATA,
			   &(struct net_event){ .kind = NET_TROUBLE, .fault = f });
	else
		error_text(t, TELL_PEOPLE, f);
}

void tell_remark(struct teller *t, const char *text)
{
	const struct net_event remark = { .kind = NET_NOTE, .text = text };

	if (t->json)
		event_json(t, TELL_DATA, &remark);
	else if (t->verbose && !t->quiet)
		note_text(t, text);
}

static void summary_json(const struct teller *t, const struct session *s, uint64_t us)
{
	const struct session_totals *n = &s->totals;
	_cleanup_buf_ struct buf b = { 0 };
	struct json j = json_on(&b);

	json_begin_object(&j, "summary");
	json_member_u64(&j, "connections", n->started);
	json_member_u64(&j, "complete", n->complete);
	json_member_u64(&j, "failed", n->failed);
	json_member_u64(&j, "most_open", n->most_open);
	json_member_known(&j, "received_bytes", n->bytes_in, !s->unseen);
	json_member_known(&j, "sent_bytes", n->bytes_out, !s->unseen);
	json_member_known(&j, "unsent_bytes", n->unsent_bytes, !s->unseen);
	if (s->datagrams) {
		json_member_u64(&j, "peers", n->peers);
		json_member_u64(&j, "received_datagrams", n->datagrams_in);
		json_member_u64(&j, "sent_datagrams", n->datagrams_out);
		json_member_u64(&j, "dropped_datagrams", n->datagrams_dropped);
	}
	json_member_u64(&j, "turned_away", n->turned_away);
	json_member_u64(&j, "out_of_descriptors", n->out_of_fds);
	json_member_u64(&j, "duration_us", us);
	if (s->signo)
		json_member_u64(&j, "signal", (uint64_t)s->signo);
	json_end_object(&j);
	tell_write(t->out, TELL_DATA, &b);
}

void tell_summary(struct teller *t, const struct session *s)
{
	const struct session_totals *n = &s->totals;
	uint64_t us = clock_us() - n->began_us;
	_cleanup_buf_ struct buf b = { 0 };

	if (t->json) {
		summary_json(t, s, us);
		return;
	}
	if (!t->report && !t->verbose && !n->datagrams_dropped && !n->turned_away &&
	    !(s->signo && n->unsent_bytes))
		return;
	if (s->datagrams)
		buf_printf(&b, "%llu peer%s, %llu datagrams received, %llu sent",
			   (unsigned long long)n->peers, n->peers == 1 ? "" : "s",
			   (unsigned long long)n->datagrams_in,
			   (unsigned long long)n->datagrams_out);
	else
		buf_printf(&b, "%llu connection%s, at most %llu at a time, %llu failed",
			   (unsigned long long)n->started, n->started == 1 ? "" : "s",
			   (unsigned long long)n->most_open,
			   (unsigned long long)n->failed);
	if (n->datagrams_dropped)
		buf_printf(&b, ", %llu dropped",
			   (unsigned long long)n->datagrams_dropped);
	if (n->turned_away)
		buf_printf(&b, ", %llu turned away", (unsigned long long)n->turned_away);
	if (!s->unseen) {
		buf_puts(&b, "; received ");
		put_size(&b, n->bytes_in);
		buf_puts(&b, ", sent ");
		put_size(&b, n->bytes_out);
	}
	if (n->unsent_bytes)
		buf_printf(&b, ", %llu not sent or never acknowledged",
			   (unsigned long long)n->unsent_bytes);
	buf_puts(&b, " in ");
	buf_put_time(&b, us);
	buf_putc(&b, '\n');
	tell_write(t->out, TELL_DATA, &b);
}

static void pings_json(const struct teller *t, const struct pinger *p, uint64_t us)
{
	const struct samples *n = &p->samples;
	_cleanup_buf_ struct buf b = { 0 };
	struct json j = json_on(&b);

	json_begin_object(&j, "summary");
	json_member_u64(&j, "connections", p->s->totals.started);
	json_member_u64(&j, "failed", p->s->totals.failed);
	json_member_u64(&j, "round_trips", n->n);
	json_member_u64(&j, "message_bytes", p->how->size);
	json_member_u64(&j, "lost", p->lost);
	json_member_u64(&j, "wrong_bytes", p->wrong_bytes);
	if (p->wrong_bytes)
		json_member_u64(&j, "first_wrong_offset", p->first_wrong);
	if (n->n) {
		json_key(&j, "rtt_min_us");
		json_fixed(&j, n->min_ns, 3);
		json_key(&j, "rtt_avg_us");
		json_fixed(&j, n->sum_ns / n->n, 3);
		json_key(&j, "rtt_p50_us");
		json_fixed(&j, samples_at(n, 500), 3);
		json_key(&j, "rtt_p99_us");
		json_fixed(&j, samples_at(n, 990), 3);
		json_key(&j, "rtt_max_us");
		json_fixed(&j, n->max_ns, 3);
	}
	json_member_u64(&j, "received_bytes", p->s->totals.bytes_in);
	json_member_u64(&j, "sent_bytes", p->s->totals.bytes_out);
	json_member_u64(&j, "duration_us", us);
	json_end_object(&j);
	tell_write(t->out, TELL_DATA, &b);
}

static void pings_text(struct buf *b, const struct pinger *p, uint64_t us)
{
	const struct samples *n = &p->samples;
	double seconds = (double)MAX(us, (uint64_t)1) / 1e6;

	buf_printf(b, "%llu round trips of ", (unsigned long long)n->n);
	put_size(b, p->how->size);
	buf_printf(b, " over %llu connection%s in ",
		   (unsigned long long)p->s->totals.started,
		   p->s->totals.started == 1 ? "" : "s");
	buf_put_time(b, us);
	if (p->lost)
		buf_printf(b, ", %llu lost", (unsigned long long)p->lost);
	buf_putc(b, '\n');
	if (n->n)
		buf_printf(b,
			   "rtt min/avg/p50/p99/max %.3f/%.3f/%.3f/%.3f/%.3f ms\n"
			   "%.0f round trips a second, %.1f MiB/s each way\n",
			   (double)n->min_ns / 1e6,
			   (double)n->sum_ns / (double)n->n / 1e6,
			   (double)samples_at(n, 500) / 1e6,
			   (double)samples_at(n, 990) / 1e6, (double)n->max_ns / 1e6,
			   (double)n->n / seconds,
			   (double)p->s->totals.bytes_in / 1048576.0 / seconds);
	if (p->wrong_bytes)
		buf_printf(
			b,
			"%llu bytes wrong, the first at offset %llu: 0x%02x, not 0x%02x\n",
			(unsigned long long)p->wrong_bytes,
			(unsigned long long)p->first_wrong, p->got, p->wanted);
	else if (n->n)
		buf_puts(b, "every byte came back right\n");
}

int tell_pings(struct teller *t, const struct pinger *p)
{
	uint64_t us = (p->ended_us ? p->ended_us : clock_us()) - p->began_us;
	_cleanup_buf_ struct buf b = { 0 };

	if (t->json) {
		pings_json(t, p, us);
	} else if (!t->quiet && p->s->totals.started) {
		pings_text(&b, p, us);
		if (cmd_print(t->cmd, &b) != EXIT_YES)
			return EXIT_CANNOT;
	}
	return p->wrong_bytes || p->lost ? EXIT_NO : EXIT_YES;
}
