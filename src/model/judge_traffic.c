/* Connections that do not move, ports that run out, datagrams that are lost. */
#include "model/judge.h"

static void put_connection(struct judge *j, const struct connection_facts *c)
{
	judge_put_addr(j, &c->row->local);
	buf_puts(&j->text, " to ");
	judge_put_addr(j, &c->row->peer);
	buf_puts(&j->text, ", ");
	judge_put_holders(j, c->holders);
}

static void attribute(struct judge *j, struct finding *f,
		      const struct connection_facts *c)
{
	f->holders = judge_holders(j, c->holders);
	judge_cookies(j, f, &c->row->cookie, 1);
}

static bool sender_stands(const struct connection_facts *c)
{
	return c->suspect && c->read[0] && c->read[1] && c->send[0] &&
	       c->send[1] >= c->send[0] && c->acked[0] == c->acked[1];
}

static void judge_senders(struct judge *j)
{
	size_t i;

	for (i = 0; i < j->d->senders.n; i++) {
		const struct connection_facts *c = &j->e->senders[i];
		struct finding *f;

		if (!sender_stands(c))
			continue;
		f = finding_add(j->fs, RULE_STUCK_SENDER);
		put_connection(j, c);
		f->where = judge_text(j);
		buf_printf(
			&j->text,
			"%u bytes wait in SEND-Q and none was acknowledged between two "
			"readings %u ms apart.",
			c->send[1], j->e->interval_ms);
		if (c->row->timer == 4) {
			buf_printf(
				&j->text,
				"\nThe peer's window is closed: its program does not read. %u probes "
				"so far; last data was sent ",
				c->retrans);
			buf_put_duration(&j->text, c->age_ms);
			buf_puts(&j->text, " ago.");
			f->advice =
				"look at the program at the other end: what does it do instead of "
				"reading?";
		} else {
			buf_printf(
				&j->text,
				"\nThe segment was retransmitted %u times without an answer; the next "
				"try waits %u ms.",
				c->retrans, c->rto_us / 1000);
			f->advice =
				"the peer or the path to it is gone: sockctl probe tells whether it "
				"answers at all";
		}
		f->summary = judge_text(j);
		attribute(j, f, c);
		finding_figure(f, "send_queue_bytes", c->send[1], true);
		finding_figure(f, "retrans", c->retrans, true);
		finding_figure(f, "rto_us", c->rto_us, c->has_info);
		finding_figure(f, "send_window_bytes", c->snd_wnd, c->has_windows);
		finding_figure(f, "zero_window", c->row->timer == 4, true);
	}
}

static void judge_readers(struct judge *j)
{
	size_t i;

	for (i = 0; i < j->d->readers.n; i++) {
		const struct connection_facts *c = &j->e->readers[i];
		struct finding *f;

		if (!c->suspect || !c->read[1] || c->recv[1] < c->recv[0] ||
		    c->recv[1] - c->recv[0] != c->received[1] - c->received[0])
			continue;
		f = finding_add(j->fs, RULE_STUCK_READER);
		put_connection(j, c);
		f->where = judge_text(j);
		buf_printf(
			&j->text,
			"%u bytes wait in RECV-Q and the program read none between two readings %u ms "
			"apart; %u of %u bytes of its receive buffer are in use.",
			c->recv[1], j->e->interval_ms, c->rmem, c->rcvbuf);
		if (c->has_windows && !c->rcv_wnd)
			buf_puts(&j->text,
				 "\nThe window is closed: the peer cannot send.");
		f->summary = judge_text(j);
		attribute(j, f, c);
		finding_figure(f, "recv_queue_bytes", c->recv[1], true);
		finding_figure(f, "receive_buffer_bytes", c->rcvbuf, c->has_mem);
		finding_figure(f, "receive_memory_bytes", c->rmem, c->has_mem);
		finding_figure(f, "receive_window_bytes", c->rcv_wnd, c->has_windows);
	}
}

/* One finding a destination: many clients of one dead server are one trouble. */
static void judge_syn_sent(struct judge *j)
{
	size_t i, k;

	for (i = 0; i < j->d->syn_sent.n; i++) {
		const struct connection_facts *c = &j->e->syn_sent[i];
		uint32_t n = 0, most = 0;
		struct finding *f;
		uint64_t *cookies;
		bool first = true;

		for (k = 0; k < i && first; k++)
			first = addr_compare(&j->e->syn_sent[k].row->peer,
					     &c->row->peer) != 0;
		if (!first || judge_full_listener(j, c->row))
			continue;
		cookies = arena_alloc(&j->fs->arena, j->d->syn_sent.n * sizeof(*cookies));
		for (k = i; k < j->d->syn_sent.n; k++)
			if (!addr_compare(&j->e->syn_sent[k].row->peer, &c->row->peer)) {
				cookies[n++] = j->e->syn_sent[k].row->cookie;
				most = MAX(most, j->e->syn_sent[k].retrans);
			}
		f = finding_add(j->fs, RULE_SYN_SENT_UNANSWERED);
		judge_put_addr(j, &c->row->peer);
		buf_puts(&j->text, ", asked by ");
		judge_put_holders(j, c->holders);
		f->where = judge_text(j);
		buf_printf(&j->text,
			   "%u connection%s no answer; the SYN was sent again %u times.",
			   n, n == 1 ? " attempt has" : " attempts have", most);
		f->summary = judge_text(j);
		buf_puts(&j->text, "sockctl probe ");
		judge_put_addr(j, &c->row->peer);
		f->advice = judge_text(j);
		f->holders = judge_holders(j, c->holders);
		f->cookies = cookies;
		f->n_cookies = n;
		finding_figure(f, "sockets", n, true);
		finding_figure(f, "syn_retrans", most, true);
	}
}

static void judge_ephemeral(struct judge *j)
{
	uint64_t ports = j->e->limits.ephemeral_ports;
	size_t i;

	if (!ports)
		return;
	for (i = 0; i < j->d->size_destinations; i++) {
		const struct destination *w = &j->d->destinations[i];
		struct finding *f;
		uint64_t left;

		if (!w->used || (uint64_t)w->used * 100 < ports * EPHEMERAL_PERCENT)
			continue;
		f = finding_add(j->fs, RULE_EPHEMERAL_EXHAUSTION);
		if ((uint64_t)w->used * 100 >= ports * EPHEMERAL_CRITICAL)
			f->severity = SEVERITY_CRITICAL;
		left = ports > w->used ? ports - w->used : 0;
		addr_put_ip(&j->text, &w->local);
		buf_puts(&j->text, " to ");
		judge_put_addr(j, &w->peer);
		f->where = judge_text(j);
		buf_printf(
			&j->text,
			"%u of %llu ephemeral ports are used towards this destination, %llu are left "
			"before connect() fails with EADDRNOTAVAIL.\nThe range is "
			"net.ipv4.ip_local_port_range without ip_local_reserved_ports.",
			w->used, (unsigned long long)ports, (unsigned long long)left);
		f->summary = judge_text(j);
		finding_figure(f, "used", w->used, true);
		finding_figure(f, "ports", ports, true);
		finding_figure(f, "left", left, true);
	}
}

static void judge_time_wait(struct judge *j)
{
	const struct net_limits *n = &j->e->limits;
	const struct net_counters *c = j->e->counters;
	bool rises = c[0].known && c[1].known && c[1].tw_overflow > c[0].tw_overflow;
	bool full = j->d->time_wait && n->has_sockstat && n->has_tw_buckets &&
		    n->tw_buckets &&
		    n->time_wait * 100 >= n->tw_buckets * TIME_WAIT_PERCENT;
	struct finding *f;

	if (!rises && !full)
		return;
	f = finding_add(j->fs, RULE_TIME_WAIT_OVERFLOW);
	f->where = "this network namespace";
	buf_printf(&j->text, "%llu sockets in TIME_WAIT, the kernel keeps at most %llu.",
		   (unsigned long long)n->time_wait, (unsigned long long)n->tw_buckets);
	if (c[0].known && c[0].tw_overflow)
		buf_printf(&j->text,
			   "\n%llu connections skipped it so far (TCPTimeWaitOverflow).",
			   (unsigned long long)c[0].tw_overflow);
	f->summary = judge_text(j);
	finding_figure(f, "time_wait", n->time_wait, n->has_sockstat);
	finding_figure(f, "time_wait_limit", n->tw_buckets, n->has_tw_buckets);
	finding_figure(f, "overflows", c[0].tw_overflow, c[0].known);
}

static void judge_udp(struct judge *j)
{
	size_t i;

	for (i = 0; i < j->d->udp.n; i++) {
		const struct connection_facts *c = &j->e->udp[i];
		bool full = c->rcvbuf &&
			    (uint64_t)c->rmem * 100 >=
				    (uint64_t)c->rcvbuf * UDP_PERCENT &&
			    (!c->read[1] || (uint64_t)c->rmem_later * 100 >=
						    (uint64_t)c->rcvbuf * UDP_PERCENT);
		bool rising = c->read[1] && c->drops[1] > c->drops[0];
		struct finding *f;

		if (!c->suspect || !((full && c->drops[0]) || rising))
			continue;
		f = finding_add(j->fs, RULE_UDP_DROPS);
		judge_put_addr(j, &c->row->local);
		buf_puts(&j->text, ", ");
		judge_put_holders(j, c->holders);
		f->where = judge_text(j);
		buf_printf(
			&j->text,
			"%u datagrams were dropped; %u of %u bytes of the receive buffer are in use.",
			(unsigned)(c->read[1] ? c->drops[1] : c->drops[0]), c->rmem,
			c->rcvbuf);
		if (rising)
			buf_printf(&j->text,
				   "\n%u of them between two readings %u ms apart.",
				   (unsigned)(c->drops[1] - c->drops[0]),
				   j->e->interval_ms);
		f->summary = judge_text(j);
		attribute(j, f, c);
		finding_figure(f, "drops", c->read[1] ? c->drops[1] : c->drops[0], true);
		finding_figure(f, "receive_memory_bytes", c->rmem, c->has_mem);
		finding_figure(f, "receive_buffer_bytes", c->rcvbuf, c->has_mem);
	}
}

void judge_traffic(struct judge *j)
{
	judge_senders(j);
	judge_readers(j);
	judge_syn_sent(j);
	judge_ephemeral(j);
	judge_time_wait(j);
	judge_udp(j);
}
