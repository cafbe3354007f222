/* What programs forgot: sockets in CLOSE_WAIT, descriptors, connections without an owner.
 */
#include "model/judge.h"

/* The CLOSE_WAIT sockets of one process that are old enough. */
struct leak {
	int32_t pid;
	uint32_t n, unread, eof_unread;
	uint32_t total; /* the young ones too */
	uint32_t oldest_ms;
	const struct holder *fds, **link; /* its descriptors, in the findings' arena */
	uint64_t *cookies;
	struct addr peer; /* the remote endpoint of most of them, address alone */
	uint32_t peer_n;
	uint32_t peers; /* distinct remote addresses, as far as counted */
};

struct leaks {
	struct leak *v;
	size_t n;
};

static struct leak *leak_of(struct judge *j, struct leaks *all, int32_t pid)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->v[i].pid == pid)
			return &all->v[i];
	all->v[all->n] = (struct leak){
		.pid = pid,
		.cookies = arena_alloc(&j->fs->arena,
				       (j->d->close_wait.n + 1) * sizeof(uint64_t)),
	};
	all->v[all->n].link = &all->v[all->n].fds;
	return &all->v[all->n++];
}

/* The most frequent remote address, by the majority vote of Boyer and Moore. */
static void vote(struct leak *l, const struct addr *peer)
{
	if (!l->peer_n) {
		l->peer = *peer;
		l->peer_n = 1;
	} else if (addr_same_ip(&l->peer, peer)) {
		l->peer_n++;
	} else {
		l->peer_n--;
	}
}

static void count_leak(struct judge *j, struct leaks *all,
		       const struct connection_facts *c, const struct holder *h)
{
	struct leak *l = leak_of(j, all, h->pid);
	struct holder *copy;

	l->cookies[l->n++] = c->row->cookie;
	l->unread += c->recv[0] > 0;
	l->eof_unread += c->row->recv_queue > 0;
	l->oldest_ms = MAX(l->oldest_ms, c->age_ms);
	vote(l, &c->row->peer);
	copy = arena_dup(&j->fs->arena, h, sizeof(*h));
	copy->next = NULL;
	copy->command = arena_strdup(&j->fs->arena, h->command);
	*l->link = copy;
	l->link = &copy->next;
}

static uint32_t from_peer(const struct judge *j, const struct leak *l)
{
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < j->d->close_wait.n; i++) {
		const struct connection_facts *c = &j->e->close_wait[i];
		const struct holder *h;

		for (h = c->holders; h; h = h->next)
			if (c->suspect && h->pid == l->pid &&
			    addr_same_ip(&c->row->peer, &l->peer)) {
				n++;
				break;
			}
	}
	return n;
}

static void put_growth(struct judge *j, const struct leak *l,
		       const struct process_facts *p, struct finding *f)
{
	bool known = p->has_later && j->e->interval_ms &&
		     j->d->close_wait.count == j->d->close_wait.n;
	uint64_t grown = known && p->close_wait_later > l->total
				 ? p->close_wait_later - l->total
				 : 0;
	uint64_t per_minute = grown && j->e->interval_ms
				      ? grown * 60000 / j->e->interval_ms
				      : 0;

	finding_figure(f, "growth_per_minute", per_minute, known);
	if (!per_minute)
		return;
	buf_printf(&j->text, ", +%llu a minute", (unsigned long long)per_minute);
	if (p->known && p->fd_limit > p->fds) {
		buf_puts(&j->text, ": accept() will fail with EMFILE in about ");
		buf_put_duration(&j->text, (p->fd_limit - p->fds) * 60000 / per_minute);
	}
}

static void leak_finding(struct judge *j, const struct leak *l)
{
	const struct process_facts *p = evidence_process(j->e, l->pid);
	struct finding *f = finding_add(j->fs, RULE_CLOSE_WAIT_LEAK);
	uint32_t same_peer = from_peer(j, l);
	bool limit_known = p && p->known && p->fd_limit;

	buf_put_escaped(&j->text, l->fds->command, strlen(l->fds->command));
	buf_printf(&j->text, "[%d], %u sockets, oldest >= ", l->pid, l->n);
	buf_put_duration(&j->text, l->oldest_ms);
	if (p && p->unit) {
		buf_puts(&j->text, ", unit ");
		buf_put_escaped(&j->text, p->unit, strlen(p->unit));
	}
	f->where = judge_text(j);

	buf_printf(
		&j->text,
		"The peers closed %u connections at least %u s ago, and the program did not: ",
		l->n, CLOSE_WAIT_AGE_MS / 1000);
	if (l->n > l->eof_unread)
		buf_printf(&j->text, "it read %u to the end and never closed them; ",
			   l->n - l->eof_unread);
	if (l->eof_unread)
		buf_printf(&j->text,
			   "it has not read the end of %u (%u still hold data); ",
			   l->eof_unread, l->unread);
	judge_put_holders(j, l->fds);
	buf_putc(&j->text, '.');
	if (same_peer) {
		buf_printf(&j->text, "\n%u of them are from ", same_peer);
		addr_put_ip(&j->text, &l->peer);
		buf_putc(&j->text, '.');
	}
	finding_figure(f, "sockets", l->n, true);
	finding_figure(f, "oldest_ms", l->oldest_ms, true);
	finding_figure(f, "with_unread_data", l->unread, true);
	finding_figure(f, "end_not_read", l->eof_unread, true);
	finding_figure(f, "drained", l->n - l->eof_unread, true);
	finding_figure(f, "from_first_peer", same_peer, true);
	if (limit_known) {
		buf_printf(&j->text, "\n%llu of %llu descriptors are in use",
			   (unsigned long long)p->fds, (unsigned long long)p->fd_limit);
		if (p->fd_limit != UINT64_MAX)
			buf_printf(&j->text, ", %llu %% by these",
				   (unsigned long long)(l->n * 100ull / p->fd_limit));
		put_growth(j, l, p, f);
		buf_putc(&j->text, '.');
		if (p->fd_limit != UINT64_MAX &&
		    p->fds * 100 >= p->fd_limit * DESCRIPTORS_PERCENT)
			f->severity = SEVERITY_CRITICAL;
	}
	finding_figure(f, "descriptors", limit_known ? p->fds : 0, limit_known);
	finding_figure(f, "descriptor_limit", limit_known ? p->fd_limit : 0, limit_known);
	f->summary = judge_text(j);
	buf_printf(
		&j->text,
		"ls -l /proc/%d/fd; then find where the program sees the end of a connection "
		"and does not close it",
		l->pid);
	f->advice = judge_text(j);
	f->holders = l->fds;
	f->cookies = l->cookies;
	f->n_cookies = l->n;
}

/* Sockets in CLOSE_WAIT whose owner may not be seen: the leak is there all the same. */
static void anonymous_leak(struct judge *j, uint32_t n, uint32_t oldest_ms)
{
	struct finding *f = finding_add(j->fs, RULE_CLOSE_WAIT_LEAK);

	buf_printf(&j->text, "%s, %u sockets, oldest >= ",
		   j->e->unreadable ? "owner unknown (no permission)"
				    : "owner not visible",
		   n);
	buf_put_duration(&j->text, oldest_ms);
	f->where = judge_text(j);
	buf_printf(
		&j->text,
		"The peers closed %u connections and the program, or the programs, did not.",
		n);
	f->summary = judge_text(j);
	if (j->e->unreadable)
		f->advice = "run it again with sudo to see which process holds them";
	finding_figure(f, "sockets", n, true);
	finding_figure(f, "oldest_ms", oldest_ms, true);
}

static void judge_close_wait(struct judge *j)
{
	size_t i, n = j->d->close_wait.n;
	uint32_t nobody = 0, oldest = 0;
	struct leaks all = { 0 };
	const struct holder *h;

	if (j->d->close_wait.count < CLOSE_WAIT_LEAST)
		return;
	all.v = arena_zalloc(&j->fs->arena, (j->e->n_processes + 1) * sizeof(*all.v));
	for (i = 0; i < n; i++) {
		const struct connection_facts *c = &j->e->close_wait[i];
		int32_t last = -1;

		if (!c->holders && c->suspect) {
			nobody++;
			oldest = MAX(oldest, c->age_ms);
		}
		/* Several descriptors of one process are one socket. */
		for (h = c->holders; h; last = h->pid, h = h->next) {
			if (h->pid == last)
				continue;
			leak_of(j, &all, h->pid)->total++;
			if (c->suspect)
				count_leak(j, &all, c, h);
		}
	}
	for (i = 0; i < all.n; i++)
		if (all.v[i].n >= CLOSE_WAIT_LEAST)
			leak_finding(j, &all.v[i]);
	if (nobody >= CLOSE_WAIT_LEAST)
		anonymous_leak(j, nobody, oldest);
}

static const struct listener_facts *waiting_listener(const struct judge *j, int32_t pid)
{
	size_t i;

	for (i = 0; i < j->e->n_listeners; i++) {
		const struct listener_facts *l = &j->e->listeners[i];
		const struct holder *h;

		for (h = l->holders; h; h = h->next)
			if (h->pid == pid && l->queued[l->read[1] ? 1 : 0])
				return l;
	}
	return NULL;
}

static void judge_descriptors(struct judge *j)
{
	size_t i;

	for (i = 0; i < j->e->n_processes; i++) {
		const struct process_facts *p = &j->e->processes[i];
		const struct listener_facts *l;
		struct finding *f;

		if (!p->known || !p->fd_limit || p->fd_limit == UINT64_MAX ||
		    p->fds * 100 < p->fd_limit * DESCRIPTORS_PERCENT)
			continue;
		f = finding_add(j->fs, RULE_DESCRIPTOR_EXHAUSTION);
		l = waiting_listener(j, p->pid);
		if (p->fds >= p->fd_limit)
			f->severity = SEVERITY_CRITICAL;
		buf_put_escaped(&j->text, p->command, strlen(p->command));
		buf_printf(&j->text, "[%d]", p->pid);
		if (p->unit) {
			buf_puts(&j->text, ", unit ");
			buf_put_escaped(&j->text, p->unit, strlen(p->unit));
		}
		f->where = judge_text(j);
		buf_printf(&j->text, "%llu of %llu descriptors are in use.",
			   (unsigned long long)p->fds, (unsigned long long)p->fd_limit);
		if (l && p->fds >= p->fd_limit) {
			buf_puts(&j->text, "\naccept() on ");
			judge_put_addr(j, &l->row->local);
			buf_printf(
				&j->text,
				" must be failing with EMFILE: %u connections wait there.",
				l->queued[l->read[1] ? 1 : 0]);
			judge_cookies(j, f, &l->row->cookie, 1);
		}
		f->summary = judge_text(j);
		f->holders = judge_holders(j, &(struct holder){ .pid = p->pid,
								.fd = -1,
								.command = p->command });
		finding_figure(f, "descriptors", p->fds, true);
		finding_figure(f, "descriptor_limit", p->fd_limit, true);
	}
}

static void judge_orphans(struct judge *j)
{
	const struct net_limits *n = &j->e->limits;
	bool crowded = j->d->whole_tcp && n->has_sockstat && n->has_max_orphans &&
		       n->max_orphans &&
		       n->orphans * 100 >= n->max_orphans * ORPHANS_PERCENT;
	uint64_t unsent = 0;
	struct finding *f;
	size_t i;

	if (!j->d->orphans.n && !crowded)
		return;
	f = finding_add(j->fs, RULE_ORPHANS);
	f->cookies = arena_alloc(&j->fs->arena, (j->d->orphans.n + 1) * sizeof(uint64_t));
	for (i = 0; i < j->d->orphans.n; i++) {
		const struct sock *s = j->d->orphans.v[i];

		unsent += sock_send_bytes(s);
		((uint64_t *)(uintptr_t)f->cookies)[f->n_cookies++] = s->cookie;
	}
	if (j->d->orphans.n) {
		const struct sock *s = j->d->orphans.v[0];

		judge_put_addr(j, &s->local);
		buf_puts(&j->text, " to ");
		judge_put_addr(j, &s->peer);
		if (j->d->orphans.count > 1)
			buf_printf(&j->text, " and %llu more",
				   (unsigned long long)j->d->orphans.count - 1);
		f->where = judge_text(j);
		buf_printf(
			&j->text,
			"%llu connections without an owner wait for the peer, with %llu bytes not "
			"acknowledged; this one was tried %u times.",
			(unsigned long long)j->d->orphans.count,
			(unsigned long long)unsent, s->retrans);
	} else {
		f->where = "this host";
	}
	if (crowded)
		buf_printf(&j->text, "%s%llu orphans of at most %llu (tcp_max_orphans).",
			   j->text.len ? "\n" : "", (unsigned long long)n->orphans,
			   (unsigned long long)n->max_orphans);
	f->summary = judge_text(j);
	finding_figure(f, "sockets", j->d->orphans.count, true);
	finding_figure(f, "unsent_bytes", unsent, true);
	finding_figure(f, "orphans", n->orphans, n->has_sockstat);
	finding_figure(f, "max_orphans", n->max_orphans, n->has_max_orphans);
}

void judge_leaks(struct judge *j)
{
	judge_close_wait(j);
	judge_descriptors(j);
	judge_orphans(j);
}
