/* What programs forgot: sockets in CLOSE_WAIT, and descriptors. */
#include "model/finding/inquiry_private.h"

#include <stdlib.h>

#include "model/finding/rules_private.h"

enum {
	MOST_CLOSE_WAIT = 65536,  /* a leak is counted, not only told */
	CLOSE_WAIT_LEAST = 16,	  /* accepted sockets of one process */
	CLOSE_WAIT_AGE_MS = 1000, /* each at least so old */
	GROWTH_MS = 60000,	  /* a leak grows if one of them is of this time */
	DESCRIPTORS_PERCENT = 90, /* of RLIMIT_NOFILE: near the limit */
	DESCRIPTORS_LEAST = 16,	  /* a process with fewer is not looked at by itself */
};

/* Connections in CLOSE_WAIT from one host. */
struct remote {
	struct addr addr; /* address alone */
	uint32_t n;
};

/* The CLOSE_WAIT sockets of one process that are old enough. */
struct leak {
	int32_t pid;
	uint32_t n, unread, eof_unread;
	uint32_t total;	 /* the young ones too */
	uint32_t recent; /* of the last minute, at most */
	uint32_t oldest_ms;
	const struct holder *fds, **link; /* its descriptors, in the findings' arena */
	uint64_t *cookies;
	struct remote *remotes;
	uint32_t n_remotes;
};

struct leaks {
	struct leak *v;
	size_t n;
};

static struct leak *leak_of(struct inquiry *q, struct leaks *all, int32_t pid)
{
	size_t room = finding_candidates(q, &rule_close_wait_leak).n + 1, i;

	for (i = 0; i < all->n; i++)
		if (all->v[i].pid == pid)
			return &all->v[i];
	all->v[all->n] = (struct leak){
		.pid = pid,
		.cookies = arena_alloc(&q->fs->arena, room * sizeof(uint64_t)),
		.remotes = arena_alloc(&q->fs->arena, room * sizeof(struct remote)),
	};
	all->v[all->n].link = &all->v[all->n].fds;
	return &all->v[all->n++];
}

static void count_leak(struct inquiry *q, struct leaks *all,
		       const struct connection_facts *c, const struct holder *h)
{
	struct leak *l = leak_of(q, all, h->pid);

	l->remotes[l->n] = (struct remote){ addr_unmapped(&c->row->peer), 1 };
	l->cookies[l->n++] = c->row->cookie;
	l->unread += c->recv[0] > 0;
	l->eof_unread += c->row->recv_queue > 0;
	l->recent += c->age_ms <= GROWTH_MS;
	l->oldest_ms = MAX(l->oldest_ms, c->age_ms);
	holder_append(&q->fs->arena, &l->link, h)->command = arena_strdup(&q->fs->arena,
									  h->command);
}

static int by_address(const void *a, const void *b)
{
	struct addr x = ((const struct remote *)a)->addr,
		    y = ((const struct remote *)b)->addr;

	x.port = y.port = 0;
	return addr_compare(&x, &y);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = ((const struct remote *)a)->n, y = ((const struct remote *)b)->n;

	return (x < y) - (x > y);
}

/* One entry a remote host, the most frequent first. */
static void count_remotes(struct leak *l)
{
	uint32_t i;

	qsort(l->remotes, l->n, sizeof(*l->remotes), by_address);
	for (i = 0; i < l->n; i++) {
		struct remote *last = l->n_remotes ? &l->remotes[l->n_remotes - 1] : NULL;

		if (last && addr_same_ip(&last->addr, &l->remotes[i].addr))
			last->n++;
		else
			l->remotes[l->n_remotes++] = l->remotes[i];
	}
	qsort(l->remotes, l->n_remotes, sizeof(*l->remotes), by_number);
}

static void put_remotes(struct inquiry *q, const struct leak *l)
{
	enum { SHOWN = 3 };
	uint32_t i;

	say(q, "\nThe peers: ");
	for (i = 0; i < l->n_remotes && i < SHOWN; i++) {
		if (i)
			say(q, ", ");
		finding_put_ip(q, &l->remotes[i].addr);
		say(q, " (%u)", l->remotes[i].n);
	}
	if (l->n_remotes > SHOWN)
		say(q, " and %u more hosts", l->n_remotes - SHOWN);
	buf_putc(&q->text, '.');
}

/*
 * How fast it grows. The two readings are close to each other, and one socket between
 * them would be a wild guess a minute; the ages say how many came in the last minute, at
 * most. The smaller of both is told, which is none if none came.
 */
static void put_growth(struct inquiry *q, const struct leak *l,
		       const struct process_facts *p, struct finding *f)
{
	struct candidates all = finding_candidates(q, &rule_close_wait_leak);
	uint32_t window_ms = MIN(l->oldest_ms, (uint32_t)GROWTH_MS);
	uint64_t by_age = (uint64_t)l->recent * GROWTH_MS / MAX(window_ms, 1u);
	bool whole = all.seen == all.n;
	bool counted = whole && p->has_later && q->e->growth_ms;
	bool known = counted || (whole && !l->recent);
	uint64_t grown = counted && p->close_wait_later > l->total
				 ? p->close_wait_later - l->total
				 : 0;
	uint64_t per_minute = counted ? MIN(grown * GROWTH_MS / q->e->growth_ms, by_age)
				      : 0;
	uint64_t rate = per_minute ? per_minute : by_age;
	bool ends = p->fd_limit != UINT64_MAX && p->fd_limit > p->fds && rate;
	uint64_t left_ms = ends ? (p->fd_limit - p->fds) * GROWTH_MS / rate : 0;

	finding_figure(f, "growth_per_minute", per_minute, known);
	finding_figure(f, "in_last_minute", l->recent, true);
	finding_figure(f, "until_limit_ms", left_ms, ends && per_minute);
	if (grown)
		say(q, ", %ju more came in %u ms (+%ju a minute)", (uintmax_t)grown,
		    q->e->growth_ms, (uintmax_t)per_minute);
	else if (l->recent)
		say(q, ", at most %u of these came in the last minute", l->recent);
	if (!ends)
		return;
	say(q, ": accept() will fail with EMFILE in about ");
	buf_put_duration(&q->text, left_ms);
	if (!per_minute)
		say(q, " at the earliest");
}

static bool is_near_limit(uint64_t fds, uint64_t limit)
{
	return limit != UINT64_MAX && fds * 100 >= limit * DESCRIPTORS_PERCENT;
}

static bool near_limit(const struct process_facts *p)
{
	return p && p->known && p->fd_limit && is_near_limit(p->fds, p->fd_limit);
}

static const struct listener_facts *waiting_listener(const struct inquiry *q, int32_t pid)
{
	size_t i;

	for (i = 0; i < q->e->n_listeners; i++) {
		const struct listener_facts *l = &q->e->listeners[i];
		const struct holder *h;

		for (h = l->holders; h; h = h->next)
			if (h->pid == pid && l->queued[l->read[1] ? 1 : 0])
				return l;
	}
	return NULL;
}

static void put_unit(struct inquiry *q, const struct process_facts *p)
{
	if (!p || !p->unit)
		return;
	say(q, ", unit ");
	buf_put_escaped(&q->text, p->unit, strlen(p->unit));
}

/* Connections that wait for a process without descriptors. */
static uint32_t starved(const struct inquiry *q, const struct process_facts *p)
{
	const struct listener_facts *l = waiting_listener(q, p->pid);

	return l && p->fds >= p->fd_limit ? l->queued[l->read[1] ? 1 : 0] : 0;
}

/* Its listeners get no connection off their queues. */
static void put_starved(struct inquiry *q, const struct process_facts *p,
			struct finding *f)
{
	const struct listener_facts *l = waiting_listener(q, p->pid);
	uint32_t n = starved(q, p);

	if (!n)
		return;
	say(q, "\naccept() on ");
	addr_put(&q->text, &l->row->local);
	say(q, " must be failing with EMFILE: %u connection%s there.", n,
	    n == 1 ? " waits" : "s wait");
	if (!f->n_cookies)
		finding_cookies(q, f, &l->row->cookie, 1);
}

static void put_descriptors(struct inquiry *q, const struct leak *l,
			    const struct process_facts *p, struct finding *f)
{
	say(q, "\n%ju of ", (uintmax_t)p->fds);
	if (p->fd_limit == UINT64_MAX)
		say(q, "unlimited");
	else
		say(q, "%ju", (uintmax_t)p->fd_limit);
	say(q, " descriptors are in use");
	if (p->fd_limit != UINT64_MAX)
		say(q, ", %ju %% of the limit by these",
		    (uintmax_t)(l->n * 100ull / p->fd_limit));
	put_growth(q, l, p, f);
	buf_putc(&q->text, '.');
	put_starved(q, p, f);
	if (near_limit(p))
		f->severity = SEVERITY_CRITICAL;
}

/* "it read 9 to the end and never closed them; 5 still hold unread data" */
static void put_ends(struct inquiry *q, const struct leak *l)
{
	struct candidates all = finding_candidates(q, &rule_close_wait_leak);

	say(q,
	    "The peers closed %u connections at least %u s ago, and the program did not: ",
	    l->n, CLOSE_WAIT_AGE_MS / 1000);
	if (l->n > l->eof_unread)
		say(q, "it read %u to the end and never closed them; ",
		    l->n - l->eof_unread);
	if (l->eof_unread)
		say(q, "it has not read the end of %u (%u still hold data); ",
		    l->eof_unread, l->unread);
	finding_put_holders(q, l->fds);
	buf_putc(&q->text, '.');
	if (all.seen > all.n)
		say(q, " There are more: only %zu of %ju in CLOSE_WAIT were looked at.",
		    all.n, (uintmax_t)all.seen);
}

static void leak_finding(struct inquiry *q, struct leak *l)
{
	const struct process_facts *p = evidence_process(q->e, l->pid);
	struct finding *f = finding_add(q->fs, &rule_close_wait_leak);
	bool limit_known = p && p->known && p->fd_limit;

	buf_put_escaped(&q->text, l->fds->command, strlen(l->fds->command));
	say(q, "[%d], %u sockets, oldest >= ", l->pid, l->n);
	buf_put_duration(&q->text, l->oldest_ms);
	put_unit(q, p);
	f->where = finding_text(q);
	f->holders = l->fds;
	f->cookies = l->cookies;
	f->n_cookies = l->n;
	count_remotes(l);
	finding_figure(f, "sockets", l->n, true);
	finding_figure(f, "oldest_ms", l->oldest_ms, true);
	finding_figure(f, "with_unread_data", l->unread, true);
	finding_figure(f, "end_not_read", l->eof_unread, true);
	finding_figure(f, "drained", l->n - l->eof_unread, true);
	finding_figure(f, "remote_hosts", l->n_remotes, true);
	finding_figure(f, "from_first_peer", l->remotes[0].n, true);
	finding_figure(f, "descriptors", limit_known ? p->fds : 0, limit_known);
	finding_figure(f, "descriptor_limit", limit_known ? p->fd_limit : 0,
		       limit_known && p->fd_limit != UINT64_MAX);
	put_ends(q, l);
	put_remotes(q, l);
	if (limit_known)
		put_descriptors(q, l, p, f);
	f->summary = finding_text(q);
	say(q,
	    "ls -l /proc/%d/fd; then find where the program sees the end of a connection "
	    "and does not close it",
	    l->pid);
	f->advice = finding_text(q);
}

/* Sockets in CLOSE_WAIT whose owner may not be seen: the leak is there all the same. */
static void anonymous_leak(struct inquiry *q, uint32_t n, uint32_t oldest_ms)
{
	struct finding *f = finding_add(q->fs, &rule_close_wait_leak);

	say(q, "%s, %u sockets, oldest >= ", finding_no_owner(q), n);
	buf_put_duration(&q->text, oldest_ms);
	f->where = finding_text(q);
	say(q,
	    "The peers closed %u connections and the program, or the programs, did not.",
	    n);
	f->summary = finding_text(q);
	if (q->e->owner_remedy) {
		say(q, "To see which process holds them: %s.", q->e->owner_remedy);
		f->advice = finding_text(q);
	}
	finding_figure(f, "sockets", n, true);
	finding_figure(f, "oldest_ms", oldest_ms, true);
}

static void judge_close_wait(struct inquiry *q)
{
	struct candidates seen = finding_candidates(q, &rule_close_wait_leak);
	size_t i;
	uint32_t nobody = 0, oldest = 0;
	struct leaks all = { 0 };
	const struct holder *h;

	if (seen.seen < CLOSE_WAIT_LEAST)
		return;
	all.v = arena_zalloc(&q->fs->arena, (q->e->n_processes + 1) * sizeof(*all.v));
	for (i = 0; i < seen.n; i++) {
		const struct connection_facts *c = &seen.v[i];
		int32_t last = -1;

		if (!c->holders && c->suspect) {
			nobody++;
			oldest = MAX(oldest, c->age_ms);
		}
		/* Several descriptors of one process are one socket. */
		for (h = c->holders; h; last = h->pid, h = h->next) {
			if (h->pid == last)
				continue;
			leak_of(q, &all, h->pid)->total++;
			if (c->suspect)
				count_leak(q, &all, c, h);
		}
	}
	for (i = 0; i < all.n; i++)
		if (all.v[i].n >= CLOSE_WAIT_LEAST)
			leak_finding(q, &all.v[i]);
	if (nobody >= CLOSE_WAIT_LEAST)
		anonymous_leak(q, nobody, oldest);
}

static bool is_owned(const struct sock *s)
{
	return s->inode;
}

/* Old enough; the leak is counted by process later. */
static bool suspect_close_wait(const struct connection_facts *c)
{
	return c->read[0] && c->age_ms >= CLOSE_WAIT_AGE_MS;
}

/* What has no socket of the last minute does not grow. */
static bool may_grow(const struct connection_facts *c)
{
	return c->read[0] && c->age_ms <= GROWTH_MS;
}

const struct rule rule_close_wait_leak = {
	.id = "close-wait-leak",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The peers closed, the program did not. The kernel keeps these sockets until the "
		"program calls close(): each holds a descriptor, for ever. A peer that has only ended "
		"its own direction and waits for a slow answer looks the same from outside.",
	.advice =
		"Find the code path that reads the end of a connection (recv() returns 0) or fails, "
		"and does not close it.",
	.threshold =
		"# accepted sockets of one process in CLOSE_WAIT, each for at least #; critical when # "
		"of the process's descriptors are in use",
	.numbers = { COUNT(CLOSE_WAIT_LEAST), MS(CLOSE_WAIT_AGE_MS),
		     PERCENT(DESCRIPTORS_PERCENT) },
	.candidate = is_owned,
	.rows = BIT(STATE_CLOSE_WAIT),
	.most = MOST_CLOSE_WAIT,
	.least = CLOSE_WAIT_LEAST,
	.look = LOOK_STATE,
	.suspect = suspect_close_wait,
	.again = AGAIN_GROWTH,
	.worth_again = may_grow,
	.judge = judge_close_wait,
};

/* Whether a leak was told of this process, that holds half of its descriptors: one cause,
 * one finding. */
static bool told_as_leak(const struct inquiry *q, const struct process_facts *p)
{
	size_t i;

	for (i = 0; i < q->fs->n; i++) {
		const struct finding *f = q->fs->v[i];

		if (f->rule == &rule_close_wait_leak && f->holders &&
		    f->holders->pid == p->pid && f->n_cookies * 2ull >= p->fds)
			return true;
	}
	return false;
}

static void judge_descriptors(struct inquiry *q, const struct process_facts *p)
{
	struct finding *f;

	if (!near_limit(p) || told_as_leak(q, p))
		return;
	f = finding_add(q->fs, &rule_descriptor_exhaustion);
	if (p->fds >= p->fd_limit)
		f->severity = SEVERITY_CRITICAL;
	buf_put_escaped(&q->text, p->command, strlen(p->command));
	say(q, "[%d]", p->pid);
	put_unit(q, p);
	f->where = finding_text(q);
	say(q, "%ju of %ju descriptors are in use (RLIMIT_NOFILE).", (uintmax_t)p->fds,
	    (uintmax_t)p->fd_limit);
	put_starved(q, p, f);
	f->summary = finding_text(q);
	say(q,
	    "ls -l /proc/%d/fd shows what it holds; prlimit --pid %d --nofile=N "
	    "raises the limit while it runs",
	    p->pid, p->pid);
	f->advice = finding_text(q);
	f->holders = finding_holders(
		q, &(struct holder){ .pid = p->pid, .fd = -1, .command = p->command });
	finding_figure(f, "descriptors", p->fds, true);
	finding_figure(f, "descriptor_limit", p->fd_limit, true);
	finding_figure(f, "waiting", starved(q, p), true);
}

static bool suspect_process(uint64_t fds, uint64_t fd_limit)
{
	return fds >= DESCRIPTORS_LEAST && is_near_limit(fds, fd_limit);
}

const struct rule rule_descriptor_exhaustion = {
	.id = "descriptor-exhaustion",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The process has nearly all the descriptors it may have: accept(), socket() and open() "
		"will fail with EMFILE.",
	.advice =
		"Find what it holds (ls -l /proc/PID/fd); raise RLIMIT_NOFILE (LimitNOFILE= of the "
		"unit) if the load is real.",
	.threshold =
		"# of RLIMIT_NOFILE; critical when none is left; not where close-wait-leak tells of "
		"half of them",
	.numbers = { PERCENT(DESCRIPTORS_PERCENT) },
	.suspect_process = suspect_process,
	.judge_process = judge_descriptors,
};
