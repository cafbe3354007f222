/* Accept queues, SYN queues, and listeners that stand in each other's way. */
#include "model/judge.h"

/* "java[812] accepted none between two readings 200 ms apart" and the like. */
static void put_pace(struct judge *j, const struct listener_facts *l)
{
	const struct accept_stats *a = &l->stats[0], *b = &l->stats[1];
	uint32_t slack = 50;

	if (!l->read[0] || !l->read[1] || !j->e->interval_ms || l->members > 1)
		return;
	/* The queue is first in, first out: if its oldest is still there, nobody was
	 * accepted. */
	if (a->has_wait && b->has_wait && a->waiting && b->waiting &&
	    b->longest_wait_ms + slack >= a->longest_wait_ms + j->e->interval_ms)
		buf_printf(&j->text,
			   " None was accepted between two readings %u ms apart.",
			   j->e->interval_ms);
	else if (a->has_wait && b->has_wait)
		buf_printf(
			&j->text,
			" Some were accepted between two readings %u ms apart: the program is "
			"slow, not stopped.",
			j->e->interval_ms);
}

static void put_drops(struct judge *j, const struct listener_facts *l)
{
	const struct net_counters *c = j->e->counters;
	uint64_t drops = l->drops[l->read[1] ? 1 : 0];

	if (!l->has_drops)
		return;
	buf_printf(&j->text, "\n%llu packets dropped since listen()",
		   (unsigned long long)drops);
	if (l->read[1] && j->e->interval_ms)
		buf_printf(&j->text, ", %llu of them in the last %u ms",
			   (unsigned long long)(l->drops[1] - l->drops[0]),
			   j->e->interval_ms);
	buf_putc(&j->text, '.');
	if (!c[0].known || !c[1].known)
		return;
	if (c[1].listen_overflows > c[0].listen_overflows)
		buf_puts(&j->text, " ListenOverflows of this namespace rises with them.");
	else if (l->drops[1] > l->drops[0])
		buf_puts(&j->text,
			 " ListenOverflows did not rise: they have another cause "
			 "(SYN queue, duplicates).");
	else if (c[1].listen_overflows)
		buf_printf(&j->text, " ListenOverflows of this namespace stands at %llu.",
			   (unsigned long long)c[1].listen_overflows);
}

static void put_cap(struct judge *j, const struct listener_facts *l)
{
	const struct net_limits *n = &j->e->limits;

	if (n->has_somaxconn && l->limit >= n->somaxconn)
		buf_printf(
			&j->text,
			"\nThe limit is net.core.somaxconn (%llu), which caps listen().",
			(unsigned long long)n->somaxconn);
	else if (n->has_somaxconn)
		buf_printf(&j->text,
			   "\nThe limit is listen()'s own argument (somaxconn is %llu).",
			   (unsigned long long)n->somaxconn);
	if (n->abort_on_overflow)
		buf_puts(&j->text, " tcp_abort_on_overflow is on: clients get a reset.");
}

static const char *next_for(struct judge *j, const struct listener_facts *l)
{
	if (!l->holders)
		return NULL;
	buf_puts(&j->text, "find out what ");
	buf_put_escaped(&j->text, l->holders->command, strlen(l->holders->command));
	buf_printf(&j->text,
		   "[%d] does instead of accept(): cat /proc/%d/wchan, gdb -p %d",
		   l->holders->pid, l->holders->pid, l->holders->pid);
	return judge_text(j);
}

static const struct accept_stats *last_stats(const struct listener_facts *l)
{
	return &l->stats[l->read[1] ? 1 : 0];
}

static void queue_finding(struct judge *j, const struct listener_facts *l,
			  enum rule_id rule)
{
	struct finding *f = finding_add(j->fs, rule);
	const struct accept_stats *s = last_stats(l);
	uint32_t queued = l->read[1] ? l->queued[1] : l->queued[0];
	bool own = s->attributable;
	const char *next;

	judge_put_addr(j, &l->row->local);
	buf_puts(&j->text, ", ");
	judge_put_holders(j, l->holders);
	f->where = judge_text(j);

	buf_printf(&j->text, "%u connection%s for accept(), the limit is %u", queued,
		   queued == 1 ? " waits" : "s wait", l->limit);
	if (own && s->has_wait && s->waiting) {
		buf_puts(&j->text, "; the longest has waited ");
		buf_put_duration(&j->text, s->longest_wait_ms);
		if (s->oldest.family) {
			buf_puts(&j->text, " (");
			judge_put_addr(j, &s->oldest);
			buf_putc(&j->text, ')');
		}
	}
	if (own && s->stable && s->gave_up)
		buf_printf(&j->text, "; %u client%s gave up", s->gave_up,
			   s->gave_up == 1 ? "" : "s");
	buf_putc(&j->text, '.');
	if (l->members > 1)
		buf_printf(
			&j->text,
			" One of %u listeners of a SO_REUSEPORT group: which clients are its own "
			"cannot be told.",
			l->members);
	put_pace(j, l);
	put_drops(j, l);
	put_cap(j, l);
	f->summary = judge_text(j);
	next = next_for(j, l);
	if (next)
		f->advice = next;

	f->holders = judge_holders(j, l->holders);
	judge_cookies(j, f, &l->row->cookie, 1);
	finding_figure(f, "accept_queue", queued, true);
	finding_figure(f, "accept_queue_limit", l->limit, true);
	finding_figure(f, "longest_wait_ms", s->longest_wait_ms, own && s->has_wait);
	finding_figure(f, "waiting", s->waiting, own);
	finding_figure(f, "gave_up", s->gave_up, own && s->stable);
	finding_figure(f, "drops", l->drops[l->read[1] ? 1 : 0], l->has_drops);
	finding_figure(f, "drops_between_readings", l->drops[1] - l->drops[0],
		       l->has_drops && l->read[0] && l->read[1]);
}

static bool full_in(const struct listener_facts *l, int turn)
{
	return l->read[turn] && l->queued[turn] > l->limit;
}

static bool filling_in(const struct listener_facts *l, int turn)
{
	return l->read[turn] && l->queued[turn] > 1 &&
	       (uint64_t)l->queued[turn] * 100 >=
		       ((uint64_t)l->limit + 1) * FILLING_PERCENT;
}

static void syn_finding(struct judge *j, const struct listener_facts *l)
{
	const struct net_counters *c = j->e->counters;
	uint32_t half_open = j->d->half_open[l->row->local.port];
	uint32_t retrans = j->d->half_open_retrans[l->row->local.port];
	struct finding *f = finding_add(j->fs, RULE_SYN_QUEUE_PRESSURE);

	judge_put_addr(j, &l->row->local);
	buf_puts(&j->text, ", ");
	judge_put_holders(j, l->holders);
	f->where = judge_text(j);
	buf_printf(
		&j->text,
		"%u handshakes are half-open on this port, the SYN queue holds %llu; SYN-ACKs were "
		"sent again %u times.",
		half_open, (unsigned long long)l->limit + 1, retrans);
	if (c[0].known && c[1].known && c[1].syncookies_sent > c[0].syncookies_sent)
		buf_printf(
			&j->text,
			"\nThe kernel answers with SYN cookies: %llu in the last %u ms.",
			(unsigned long long)(c[1].syncookies_sent - c[0].syncookies_sent),
			j->e->interval_ms);
	else if (c[0].known && c[0].syncookies_sent)
		buf_printf(&j->text,
			   "\n%llu SYN cookies were sent in this namespace so far.",
			   (unsigned long long)c[0].syncookies_sent);
	if (l->queued[0] > l->limit)
		buf_puts(&j->text,
			 "\nThe accept queue behind it is full: last ACKs are dropped.");
	f->summary = judge_text(j);
	f->holders = judge_holders(j, l->holders);
	judge_cookies(j, f, &l->row->cookie, 1);
	finding_figure(f, "syn_queue", half_open, true);
	finding_figure(f, "syn_queue_limit", (uint64_t)l->limit + 1, true);
	finding_figure(f, "syn_retrans", retrans, true);
	finding_figure(f, "syncookies_sent",
		       c[1].known ? c[1].syncookies_sent : c[0].syncookies_sent,
		       c[0].known);
}

static bool same_owner(const struct listener_facts *a, const struct listener_facts *b)
{
	if (a->row->uid != b->row->uid)
		return false;
	if (a->holders && b->holders)
		return a->holders->pid == b->holders->pid ||
		       strcmp(a->holders->command, b->holders->command) == 0;
	return a->row->cgroup_id == b->row->cgroup_id;
}

/* Whether connections that b would take go to a: a is more specific, or takes IPv4 from a
 * dual b. */
static const char *shadow_of(const struct sock *a, const struct sock *b)
{
	bool any_a = addr_is_any(&a->local), any_b = addr_is_any(&b->local);

	if (a->local.port != b->local.port ||
	    (a->ifindex && b->ifindex && a->ifindex != b->ifindex))
		return NULL;
	if (a->family == b->family && !any_a && any_b)
		return "the specific address takes its connections from the wildcard";
	/* A v6only pair shadows nothing. */
	if (a->family == AF_INET && b->family == AF_INET6 && any_b && !b->v6only &&
	    (b->has & SOCK_HAS_V6ONLY))
		return any_a ? "the IPv4 wildcard takes IPv4 connections from the dual-stack [::]"
			     : "the specific IPv4 address takes its connections from the dual-stack [::]";
	return NULL;
}

static void shadow_finding(struct judge *j, const struct listener_facts *a,
			   const struct listener_facts *b, const char *how)
{
	struct finding *f = finding_add(j->fs, RULE_SHADOWED_LISTENER);
	uint64_t cookies[2] = { a->row->cookie, b->row->cookie };

	if (same_owner(a, b))
		f->severity = SEVERITY_NOTE;
	judge_put_addr(j, &a->row->local);
	buf_puts(&j->text, ", ");
	judge_put_holders(j, a->holders);
	buf_puts(&j->text, " and ");
	judge_put_addr(j, &b->row->local);
	buf_puts(&j->text, ", ");
	judge_put_holders(j, b->holders);
	f->where = judge_text(j);
	buf_printf(&j->text, "Both listen on port %u: %s.", a->row->local.port, how);
	f->summary = judge_text(j);
	f->holders = judge_holders(j, a->holders);
	judge_cookies(j, f, cookies, 2);
	finding_figure(f, "port", a->row->local.port, true);
}

/* One of a group whose queue stands, while another's is empty in both readings. */
static bool lazy_member(const struct judge *j, const struct listener_facts *l)
{
	size_t i;

	if (l->members < 2 || !l->read[0] || !l->read[1] || !l->queued[0] ||
	    l->queued[1] < l->queued[0])
		return false;
	for (i = 0; i < j->e->n_listeners; i++) {
		const struct listener_facts *o = &j->e->listeners[i];

		if (o != l && o->read[0] && o->read[1] && !o->queued[0] &&
		    !o->queued[1] && o->row->family == l->row->family &&
		    o->row->local.port == l->row->local.port &&
		    addr_same_ip(&o->row->local, &l->row->local))
			return true;
	}
	return false;
}

static void lazy_finding(struct judge *j, const struct listener_facts *l)
{
	struct finding *f = finding_add(j->fs, RULE_SHADOWED_LISTENER);

	judge_put_addr(j, &l->row->local);
	buf_puts(&j->text, ", ");
	judge_put_holders(j, l->holders);
	f->where = judge_text(j);
	buf_printf(
		&j->text,
		"One of %u listeners of a SO_REUSEPORT group: %u connections wait for it and do "
		"not become fewer, while other members' queues are empty.",
		l->members, l->queued[1]);
	f->summary = judge_text(j);
	f->holders = judge_holders(j, l->holders);
	judge_cookies(j, f, &l->row->cookie, 1);
	finding_figure(f, "accept_queue", l->queued[1], true);
	finding_figure(f, "members", l->members, true);
}

static void exposed_finding(struct judge *j, const struct listener_facts *l)
{
	struct finding *f = finding_add(j->fs, RULE_EXPOSED_LISTENER);

	judge_put_addr(j, &l->row->local);
	if (l->holders) {
		buf_puts(&j->text, ", ");
		judge_put_holders(j, l->holders);
	}
	f->where = judge_text(j);
	buf_puts(
		&j->text,
		"It listens on every address, and every connection it has now comes over "
		"loopback.");
	f->summary = judge_text(j);
	f->holders = judge_holders(j, l->holders);
	judge_cookies(j, f, &l->row->cookie, 1);
}

void judge_queues(struct judge *j)
{
	size_t i, k;

	for (i = 0; i < j->e->n_listeners; i++) {
		const struct listener_facts *l = &j->e->listeners[i];
		bool twice = j->e->interval_ms;
		const char *how;

		if (full_in(l, 0) && (full_in(l, 1) || !l->read[1]))
			queue_finding(j, l, RULE_ACCEPT_QUEUE_FULL);
		else if (filling_in(l, 0) && twice && filling_in(l, 1))
			queue_finding(j, l, RULE_ACCEPT_QUEUE_FILLING);
		if (detect_syn_pressure(j->d, l->row))
			syn_finding(j, l);
		if (lazy_member(j, l))
			lazy_finding(j, l);
		if (addr_is_any(&l->row->local) &&
		    j->d->local_ports[l->row->local.port] == SEEN_LOOPBACK)
			exposed_finding(j, l);
		for (k = 0; l->shadow && k < j->e->n_listeners; k++) {
			how = shadow_of(l->row, j->e->listeners[k].row);
			if (how)
				shadow_finding(j, l, &j->e->listeners[k], how);
		}
	}
}
