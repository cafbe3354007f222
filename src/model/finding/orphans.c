/* Connections without an owner that the peer does not let end. */
#include "model/finding/judge_private.h"

struct orphans {
	uint64_t unsent;
	uint32_t total, n[STATE_COUNT];
	uint64_t *cookies;
	const struct connection_facts *oldest; /* without an answer for longest */
};

static void count_orphans(struct judge *j, struct orphans *o)
{
	size_t i;

	*o = (struct orphans){
		.cookies = arena_alloc(&j->fs->arena,
				       (j->d->orphans.n + 1) * sizeof(uint64_t)),
	};
	for (i = 0; i < j->d->orphans.n; i++) {
		const struct connection_facts *c = &j->e->orphans[i];

		if (!c->suspect)
			continue;
		o->cookies[o->total++] = c->row->cookie;
		o->unsent += sock_send_bytes(c->row);
		o->n[c->row->state]++;
		if (!o->oldest || c->sent_ms > o->oldest->sent_ms)
			o->oldest = c;
	}
}

static void put_orphans(struct judge *j, const struct orphans *o)
{
	static const struct {
		enum sock_state state;
		const char *text;
	} states[] = {
		{ STATE_FIN_WAIT1,
		  "in FIN_WAIT1 (closed here, the peer has not confirmed)" },
		{ STATE_CLOSING,
		  "in CLOSING (closed on both sides, ours is not confirmed)" },
		{ STATE_LAST_ACK,
		  "in LAST_ACK (the peer's last acknowledgment does not come)" },
	};
	const struct sock *s = o->oldest->row;
	bool first = true;
	size_t i;

	buf_printf(
		&j->text,
		"%s%u connection%s without an owner %s for the peer, with %llu bytes that "
		"are not acknowledged: ",
		j->d->orphans.count > j->d->orphans.n ? "At least " : "", o->total,
		o->total == 1 ? "" : "s", o->total == 1 ? "waits" : "wait",
		(unsigned long long)o->unsent);
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		if (!o->n[states[i].state])
			continue;
		buf_printf(&j->text, "%s%u %s", first ? "" : ", ", o->n[states[i].state],
			   states[i].text);
		first = false;
	}
	buf_puts(&j->text, ".\nThe oldest last sent data ");
	buf_put_duration(&j->text, o->oldest->sent_ms);
	if (s->timer == TIMER_WINDOW_PROBE)
		buf_puts(&j->text,
			 " ago; the peer's window is closed: its program does not read");
	else
		buf_printf(&j->text, " ago and was tried again %u times", s->retrans);
	buf_printf(&j->text, "; the next try is due in %u ms (rto %u ms).", s->expires_ms,
		   o->oldest->rto_us / 1000);
}

void judge_orphans(struct judge *j)
{
	const struct net_limits *n = &j->e->limits;
	bool crowded = j->d->whole_tcp && n->has_sockstat && n->has_max_orphans &&
		       n->max_orphans &&
		       n->orphans * 100 >= n->max_orphans * ORPHANS_PERCENT;
	struct orphans o;
	struct finding *f;

	count_orphans(j, &o);
	if (!o.total && !crowded)
		return;
	f = finding_add(j->fs, RULE_ORPHANS);
	f->cookies = o.cookies;
	f->n_cookies = o.total;
	f->where = "this host";
	if (o.total) {
		judge_put_addr(j, &o.oldest->row->local);
		buf_puts(&j->text, " to ");
		judge_put_addr(j, &o.oldest->row->peer);
		if (o.total > 1)
			buf_printf(&j->text, " and %u more", o.total - 1);
		f->where = judge_text(j);
		put_orphans(j, &o);
		buf_putc(&j->text, '\n');
	}
	if (n->has_sockstat) {
		buf_printf(&j->text, "The host has %llu orphans",
			   (unsigned long long)n->orphans);
		if (n->has_max_orphans)
			buf_printf(&j->text,
				   " of at most %llu (net.ipv4.tcp_max_orphans)",
				   (unsigned long long)n->max_orphans);
		buf_puts(&j->text, crowded ? ": beyond it they are reset." : ".");
	}
	f->summary = judge_text(j);
	finding_figure(f, "sockets", o.total, true);
	finding_figure(f, "unsent_bytes", o.unsent, true);
	finding_figure(f, "fin_wait1", o.n[STATE_FIN_WAIT1], true);
	finding_figure(f, "closing", o.n[STATE_CLOSING], true);
	finding_figure(f, "last_ack", o.n[STATE_LAST_ACK], true);
	finding_figure(f, "retrans", o.total ? o.oldest->retrans : 0, o.total);
	finding_figure(f, "last_sent_ms", o.total ? o.oldest->sent_ms : 0,
		       o.total && o.oldest->has_info);
	finding_figure(f, "orphans", n->orphans, n->has_sockstat);
	finding_figure(f, "max_orphans", n->max_orphans, n->has_max_orphans);
}
