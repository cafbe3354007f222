/* Connections that do not move, ports that run out, datagrams that are lost. */
#include "model/finding/judge_private.h"

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

static bool reader_stands(const struct connection_facts *c)
{
	return c->suspect && c->read[0] && c->read[1] && c->recv[1] >= c->recv[0] &&
	       c->recv[1] - c->recv[0] == c->received[1] - c->received[0];
}

static bool sender_stands(const struct connection_facts *c)
{
	return c->suspect && c->read[0] && c->read[1] && c->send[0] &&
	       c->send[1] >= c->send[0] && c->acked[0] == c->acked[1];
}

static bool other_ends(const struct sock *a, const struct sock *b)
{
	return a->local.port == b->peer.port && a->peer.port == b->local.port &&
	       judge_same_end(&a->local, &b->peer) && judge_same_end(&a->peer, &b->local);
}

/* The other end on this host, of those that do not read, or do not send; or NULL. */
static const struct connection_facts *
other_end(const struct connection_facts *c, const struct connection_facts *v, size_t n,
	  bool (*stands)(const struct connection_facts *))
{
	size_t i;

	for (i = 0; i < n; i++)
		if (stands(&v[i]) && other_ends(c->row, v[i].row))
			return &v[i];
	return NULL;
}

static void put_timer(struct judge *j, const struct connection_facts *c)
{
	buf_printf(&j->text, "; the next try is due in %u ms (rto %u ms).",
		   c->row->expires_ms, c->rto_us / 1000);
}

static void put_closed_window(struct judge *j, const struct connection_facts *c,
			      struct finding *f)
{
	buf_printf(
		&j->text,
		"\nThe peer's window is closed: its program does not read. The probe's "
		"timer was doubled %u time%s; data was last sent ",
		c->backoff, c->backoff == 1 ? "" : "s");
	buf_put_duration(&j->text, c->sent_ms);
	buf_puts(&j->text, " ago");
	put_timer(j, c);
	f->advice = "look at the program at the other end: what does it do instead of "
		    "reading?";
}

static void put_retransmission(struct judge *j, const struct connection_facts *c,
			       struct finding *f)
{
	buf_printf(&j->text, "\nThe segment was retransmitted %u times without an answer",
		   c->retrans);
	if (c->has_windows)
		buf_printf(&j->text, ", the peer's window is open (%u bytes)",
			   c->snd_wnd);
	put_timer(j, c);
	f->advice = "the peer or the path to it is gone: sockctl probe tells whether it "
		    "answers at all";
}

static void sender_finding(struct judge *j, const struct connection_facts *c)
{
	struct finding *f = finding_add(j->fs, RULE_STUCK_SENDER);
	bool closed = c->row->timer == TIMER_WINDOW_PROBE;

	put_connection(j, c);
	f->where = judge_text(j);
	buf_printf(
		&j->text,
		"%u bytes wait in SEND-Q and none was acknowledged between two readings "
		"%u ms apart.",
		c->send[1], j->e->interval_ms);
	if (closed)
		put_closed_window(j, c, f);
	else
		put_retransmission(j, c, f);
	f->summary = judge_text(j);
	attribute(j, f, c);
	finding_figure(f, "send_queue_bytes", c->send[1], true);
	finding_figure(f, "retrans", c->retrans, true);
	finding_figure(f, "backoff", c->backoff, c->has_info);
	finding_figure(f, "rto_us", c->rto_us, c->has_info);
	finding_figure(f, "timer_expires_ms", c->row->expires_ms, true);
	finding_figure(f, "send_window_bytes", c->snd_wnd, c->has_windows);
	finding_figure(f, "zero_window", closed, true);
	finding_figure(f, "last_sent_ms", c->sent_ms, c->has_info);
}

static void judge_senders(struct judge *j)
{
	size_t i;

	for (i = 0; i < j->d->senders.n; i++) {
		const struct connection_facts *c = &j->e->senders[i];

		/* A program of this host that does not read is told, and who waits for
		 * it. */
		if (sender_stands(c) &&
		    !other_end(c, j->e->readers, j->d->readers.n, reader_stands))
			sender_finding(j, c);
	}
}

static void reader_finding(struct judge *j, const struct connection_facts *c)
{
	struct finding *f = finding_add(j->fs, RULE_STUCK_READER);
	const struct connection_facts *sender = other_end(c, j->e->senders,
							  j->d->senders.n, sender_stands);

	put_connection(j, c);
	f->where = judge_text(j);
	buf_printf(
		&j->text,
		"%u bytes wait in RECV-Q and the program read none between two readings %u ms "
		"apart; %u of %u bytes of its receive buffer are in use. Data last came ",
		c->recv[1], j->e->interval_ms, c->rmem, c->rcvbuf);
	buf_put_duration(&j->text, c->received_ms);
	buf_puts(&j->text, " ago.");
	if (c->has_windows && !c->rcv_wnd)
		buf_puts(&j->text, "\nThe window is closed: the peer cannot send.");
	if (sender) {
		buf_printf(&j->text, "\n%u bytes wait for it in the SEND-Q of ",
			   sender->send[1]);
		judge_put_holders(j, sender->holders);
		buf_putc(&j->text, '.');
	}
	f->summary = judge_text(j);
	if (c->holders) {
		buf_puts(&j->text, "see what ");
		buf_put_escaped(&j->text, c->holders->command,
				strlen(c->holders->command));
		buf_printf(&j->text, "[%d] does instead of reading: cat /proc/%d/wchan",
			   c->holders->pid, c->holders->pid);
		f->advice = judge_text(j);
	}
	attribute(j, f, c);
	finding_figure(f, "recv_queue_bytes", c->recv[1], true);
	finding_figure(f, "receive_buffer_bytes", c->rcvbuf, c->has_mem);
	finding_figure(f, "receive_memory_bytes", c->rmem, c->has_mem);
	finding_figure(f, "receive_window_bytes", c->rcv_wnd, c->has_windows);
	finding_figure(f, "last_received_ms", c->received_ms, c->has_info);
	finding_figure(f, "peer_send_queue_bytes", sender ? sender->send[1] : 0, sender);
}

static void judge_readers(struct judge *j)
{
	size_t i;

	for (i = 0; i < j->d->readers.n; i++)
		if (reader_stands(&j->e->readers[i]))
			reader_finding(j, &j->e->readers[i]);
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
		buf_printf(
			&j->text,
			"%u connection%s no answer for at least %u s; the SYN was sent again "
			"%u time%s.",
			n, n == 1 ? " attempt has" : " attempts have", most, most,
			most == 1 ? "" : "s");
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

/* Whether a new connect() takes over ports that are in TIME_WAIT for a second. */
static bool reuses(const struct judge *j, const struct destination *w)
{
	const struct net_limits *n = &j->e->limits;

	return n->timestamps &&
	       (n->tw_reuse == 1 || (n->tw_reuse == 2 && (addr_is_loopback(&w->local) ||
							  addr_is_loopback(&w->peer))));
}

/* Those that connect() can draw. */
static uint64_t ephemeral_ports(const struct judge *j)
{
	return j->e->limits.ephemeral_ports - j->e->limits.ephemeral_listeners;
}

static void ephemeral_finding(struct judge *j, const struct destination *w, uint64_t used)
{
	struct finding *f = finding_add(j->fs, RULE_EPHEMERAL_EXHAUSTION);
	const struct net_limits *n = &j->e->limits;
	uint64_t ports = ephemeral_ports(j), left = ports > used ? ports - used : 0;

	if (used * 100 >= ports * EPHEMERAL_CRITICAL)
		f->severity = SEVERITY_CRITICAL;
	addr_put_ip(&j->text, &w->local);
	buf_puts(&j->text, " to ");
	judge_put_addr(j, &w->peer);
	f->where = judge_text(j);
	buf_printf(
		&j->text,
		"%llu of %llu ephemeral ports are used towards this destination, at most %llu "
		"are left before connect() fails with EADDRNOTAVAIL.\nThe range is "
		"net.ipv4.ip_local_port_range %u-%u without %llu in ip_local_reserved_ports",
		(unsigned long long)used, (unsigned long long)ports,
		(unsigned long long)left, j->d->ephemeral_lo, j->d->ephemeral_hi,
		(unsigned long long)(j->d->ephemeral_hi - j->d->ephemeral_lo + 1ull -
				     n->ephemeral_ports));
	if (n->ephemeral_listeners)
		buf_printf(&j->text, " and %llu that listeners have",
			   (unsigned long long)n->ephemeral_listeners);
	buf_putc(&j->text, '.');
	if (w->used > used)
		buf_printf(&j->text,
			   "\n%llu more are in TIME_WAIT and may be used again "
			   "(net.ipv4.tcp_tw_reuse is %llu).",
			   (unsigned long long)(w->used - used),
			   (unsigned long long)n->tw_reuse);
	else if (w->reusable)
		buf_printf(
			&j->text,
			"\nAt least %u of them are in TIME_WAIT, for 60 s in all: who left "
			"them the kernel does not tell.",
			w->reusable);
	f->summary = judge_text(j);
	finding_figure(f, "used", used, true);
	finding_figure(f, "ports", ports, true);
	finding_figure(f, "left", left, true);
	finding_figure(f, "time_wait", w->reusable, true);
}

static void judge_ephemeral(struct judge *j)
{
	uint64_t ports = ephemeral_ports(j);
	size_t i;

	if (!ports)
		return;
	for (i = 0; i < j->d->size_destinations; i++) {
		const struct destination *w = &j->d->destinations[i];
		uint64_t used = w->used;

		if (used * 100 < ports * EPHEMERAL_PERCENT)
			continue;
		if (reuses(j, w))
			used -= w->reusable;
		if (used * 100 >= ports * EPHEMERAL_PERCENT)
			ephemeral_finding(j, w, used);
	}
}

static void judge_time_wait(struct judge *j)
{
	const struct net_limits *n = &j->e->limits;
	const struct net_counters *c = j->e->counters;
	bool twice = c[0].known && c[1].known;
	uint64_t recent = twice ? c[1].tw_overflow - c[0].tw_overflow : 0;
	bool full = j->d->time_wait && n->has_sockstat && n->has_tw_buckets &&
		    n->tw_buckets &&
		    n->time_wait * 100 >= n->tw_buckets * TIME_WAIT_PERCENT;
	uint64_t skipped = c[twice ? 1 : 0].tw_overflow;
	struct finding *f;

	if (!recent && !full)
		return;
	f = finding_add(j->fs, RULE_TIME_WAIT_OVERFLOW);
	f->where = "this network namespace";
	buf_printf(
		&j->text,
		"%llu sockets in TIME_WAIT, the kernel keeps at most %llu "
		"(net.ipv4.tcp_max_tw_buckets). TIME_WAIT itself is normal: it lasts 60 s.",
		(unsigned long long)n->time_wait, (unsigned long long)n->tw_buckets);
	if (c[0].known && skipped)
		buf_printf(&j->text,
			   "\n%llu connections skipped it so far (TCPTimeWaitOverflow)",
			   (unsigned long long)skipped);
	else if (c[0].known)
		buf_puts(&j->text,
			 "\nNo connection had to skip it yet (TCPTimeWaitOverflow)");
	if (recent)
		buf_printf(&j->text, ", %llu of them in the last %u ms",
			   (unsigned long long)recent, j->e->interval_ms);
	if (c[0].known)
		buf_putc(&j->text, '.');
	f->summary = judge_text(j);
	finding_figure(f, "time_wait", n->time_wait, n->has_sockstat);
	finding_figure(f, "time_wait_limit", n->tw_buckets, n->has_tw_buckets);
	finding_figure(f, "overflows", skipped, c[0].known);
	finding_figure(f, "overflows_between_readings", recent, twice);
}

static bool udp_full(const struct connection_facts *c)
{
	uint64_t least = (uint64_t)c->rcvbuf * UDP_PERCENT;

	return c->rcvbuf && c->rmem * 100ull >= least &&
	       (!c->read[1] || c->rmem_later * 100ull >= least);
}

static void udp_finding(struct judge *j, const struct connection_facts *c)
{
	struct finding *f = finding_add(j->fs, RULE_UDP_DROPS);
	const struct net_counters *n = j->e->counters;
	uint64_t drops = c->read[1] ? c->drops[1] : c->drops[0];
	uint64_t recent = c->read[1] ? c->drops[1] - c->drops[0] : 0;
	uint64_t rate = judge_per_second(j, recent);

	judge_put_addr(j, &c->row->local);
	buf_puts(&j->text, ", ");
	judge_put_holders(j, c->holders);
	f->where = judge_text(j);
	buf_printf(
		&j->text,
		"%llu datagrams were dropped; %u of %u bytes of the receive buffer are in "
		"use.",
		(unsigned long long)drops, c->read[1] ? c->rmem_later : c->rmem,
		c->rcvbuf);
	if (recent) {
		buf_printf(&j->text, "\n%llu of them between two readings %u ms apart",
			   (unsigned long long)recent, j->e->interval_ms);
		judge_put_rate(j, recent);
		buf_putc(&j->text, '.');
	}
	if (!recent && c->read[1])
		buf_printf(
			&j->text,
			"\nNone of them between two readings %u ms apart: nothing comes "
			"now, and nothing is read.",
			j->e->interval_ms);
	if (recent && n[0].known && n[1].known)
		buf_puts(
			&j->text,
			n[1].udp_full > n[0].udp_full
				? " RcvbufErrors of this namespace rises with them."
			: n[1].udp_memory > n[0].udp_memory
				? " MemErrors of this namespace rises with them: UDP as a "
				  "whole has no more memory (net.ipv4.udp_mem)."
				: " RcvbufErrors did not rise: they have another cause "
				  "(checksums, a socket filter).");
	f->summary = judge_text(j);
	attribute(j, f, c);
	finding_figure(f, "drops", drops, true);
	finding_figure(f, "drops_between_readings", recent, c->read[1]);
	finding_figure(f, "drops_per_second", rate, c->read[1] && j->e->interval_ms);
	finding_figure(f, "receive_memory_bytes", c->read[1] ? c->rmem_later : c->rmem,
		       c->has_mem);
	finding_figure(f, "receive_buffer_bytes", c->rcvbuf, c->has_mem);
}

/* Drops that are losses: a socket filter that refuses datagrams, as it should, is counted
 * with them, and in no counter of the namespace. */
static bool udp_loses(const struct judge *j, const struct connection_facts *c)
{
	const struct net_counters *n = j->e->counters;

	if (!c->read[1] || c->drops[1] <= c->drops[0])
		return false;
	return !n[0].known || !n[1].known || n[1].udp_full > n[0].udp_full ||
	       n[1].udp_memory > n[0].udp_memory;
}

static void judge_udp(struct judge *j)
{
	size_t i;

	for (i = 0; i < j->d->udp.n; i++) {
		const struct connection_facts *c = &j->e->udp[i];

		if (c->suspect && ((udp_full(c) && c->drops[0]) || udp_loses(j, c)))
			udp_finding(j, c);
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
