/* What programs forgot: connections that the peer has closed. */
#include "model/finding/inquiry.h"

#include <stdlib.h>

#include "model/rule/rules_private.h"

enum {
	MOST_CLOSE_WAIT = 65536,  /* a leak is counted, not only told */
	CLOSE_WAIT_LEAST = 16,	  /* sockets of one process */
	CLOSE_WAIT_AGE_MS = 1000, /* each at least so old */
	OLD_LEAST = 8,		  /* or so many of them */
	OLD_AGE_MS = 300000,	  /* that are so old */
	GROWTH_MS = 60000,	  /* a leak grows if one of them is of this time */
};

/* Connections in CLOSE_WAIT from one host, or to one server. */
struct remote {
	struct addr addr; /* without port where they were accepted */
	uint32_t n;
};

/* The CLOSE_WAIT sockets of one process, which it has accepted, or opened itself. */
struct leak {
	int32_t pid;
	bool accepted;
	uint32_t aged, old; /* of CLOSE_WAIT_AGE_MS, of OLD_AGE_MS: what decides */
	uint32_t least_ms;  /* those that are told are so old */
	uint32_t n, unread, eof_unread;
	uint32_t recent; /* of the last minute, at most */
	uint32_t oldest_ms;
	const struct holder *holders; /* its descriptors, in the findings' arena */
	const char *command;
	int32_t *fds;
	uint64_t *cookies;
	struct remote *remotes;
	uint32_t n_remotes;
};

struct leaks {
	struct leak *v;
	size_t n, cap;
	const uint8_t *ports; /* how many of them a local port has: 0, 1, more */
};

/* What connect() draws is another port each time: ports that several have were accepted,
 * though their listener is gone. */
static bool is_accepted(const struct inquiry *q, const struct leaks *all,
			const struct connection_facts *c)
{
	return c->has_listener || finding_was_accepted(q, c->row) ||
	       all->ports[c->row->local.port] > 1;
}

static struct leak *leak_of(struct leaks *all, int32_t pid, bool accepted)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->v[i].pid == pid && all->v[i].accepted == accepted)
			return &all->v[i];
	all->v = array_grow(all->v, all->n, &all->cap, sizeof(*all->v));
	all->v[all->n] = (struct leak){ .pid = pid, .accepted = accepted };
	return &all->v[all->n++];
}

static void weigh(struct leak *l, const struct connection_facts *c)
{
	l->aged++;
	l->old += c->age_ms >= OLD_AGE_MS;
}

/* Whether it is a leak, and which of its sockets are part of it. */
static bool is_leak(struct leak *l)
{
	if (l->aged >= CLOSE_WAIT_LEAST)
		l->least_ms = CLOSE_WAIT_AGE_MS;
	else if (l->old >= OLD_LEAST)
		l->least_ms = OLD_AGE_MS;
	return l->least_ms;
}

static void count_leak(struct leak *l, const struct connection_facts *c,
		       const struct holder *h)
{
	struct addr peer = addr_unmapped(&c->row->peer);

	if (l->accepted)
		peer.port = 0;
	l->remotes[l->n] = (struct remote){ peer, 1 };
	l->cookies[l->n] = c->row->cookie;
	l->unread += c->recv[0] > 0;
	l->eof_unread += c->row->recv_queue > 0;
	l->recent += c->age_ms <= GROWTH_MS;
	l->oldest_ms = MAX(l->oldest_ms, c->age_ms);
	l->command = h->command;
	l->fds[l->n++] = h->fd;
}

static int by_address(const void *a, const void *b)
{
	return addr_compare(&((const struct remote *)a)->addr,
			    &((const struct remote *)b)->addr);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = ((const struct remote *)a)->n, y = ((const struct remote *)b)->n;

	return (x < y) - (x > y);
}

/* One entry a remote end, the most frequent first. */
static void count_remotes(struct leak *l)
{
	uint32_t i;

	qsort(l->remotes, l->n, sizeof(*l->remotes), by_address);
	for (i = 0; i < l->n; i++) {
		struct remote *last = l->n_remotes ? &l->remotes[l->n_remotes - 1] : NULL;

		if (last && addr_compare(&last->addr, &l->remotes[i].addr) == 0)
			last->n++;
		else
			l->remotes[l->n_remotes++] = l->remotes[i];
	}
	qsort(l->remotes, l->n_remotes, sizeof(*l->remotes), by_number);
}

static void put_remote(struct inquiry *q, const struct addr *a)
{
	if (a->port)
		addr_put(&q->text, a);
	else
		finding_put_ip(q, a);
}

static void put_remotes(struct inquiry *q, const struct leak *l)
{
	enum { SHOWN = 3 };
	uint32_t i;

	say(q, l->accepted ? "\nThe peers: " : "\nThe servers: ");
	for (i = 0; i < l->n_remotes && i < SHOWN; i++) {
		if (i)
			say(q, ", ");
		put_remote(q, &l->remotes[i].addr);
		say(q, " (%u)", l->remotes[i].n);
	}
	if (l->n_remotes > SHOWN)
		say(q, " and %u more", l->n_remotes - SHOWN);
	buf_putc(&q->text, '.');
}

/*
 * How fast it grows: what came between the readings, but no more than the ages say of the
 * last minute. Only a growth that goes on says when it will end.
 */
struct growth {
	bool known, steady;
	uint64_t came, in_ms, per_minute;
};

static struct growth growth_of(const struct inquiry *q, const struct leak *l,
			       const struct process_facts *p)
{
	struct candidates all = finding_candidates(q, &rule_close_wait_leak);
	uint32_t window_ms = MIN(l->oldest_ms, (uint32_t)GROWTH_MS);
	uint64_t by_age = (uint64_t)l->recent * GROWTH_MS / MAX(window_ms, 1u);
	bool whole = all.seen == all.n;
	struct growth g = { .known = whole && !l->recent };
	unsigned last = p ? p->readings : 0, i;

	if (!last || !whole || !q->e->growth_ms[last])
		return g;
	g.in_ms = q->e->growth_ms[last];
	if (p->leaked[last] > p->leaked[0])
		g.came = p->leaked[last] - p->leaked[0];
	g.steady = last == GROWTH_READINGS;
	for (i = 1; i <= last; i++)
		g.steady &= p->leaked[i] > p->leaked[i - 1];
	if (g.steady)
		g.per_minute = MIN(g.came * GROWTH_MS / g.in_ms, by_age);
	g.known = g.steady || !g.came;
	return g;
}

static void put_growth(struct inquiry *q, const struct leak *l,
		       const struct process_facts *p, struct finding *f)
{
	struct growth g = growth_of(q, l, p);
	bool ends = p->fd_limit != UINT64_MAX && p->fd_limit > p->fds && g.per_minute;
	uint64_t left_ms = ends ? (p->fd_limit - p->fds) * GROWTH_MS / g.per_minute : 0;

	finding_figure(f, "growth_per_minute", g.per_minute, g.known);
	finding_figure(f, "in_last_minute", l->recent, true);
	finding_figure(f, "until_limit_ms", left_ms, ends);
	if (g.came)
		say(q, ", %ju more came in %ju ms", (uintmax_t)g.came,
		    (uintmax_t)g.in_ms);
	else if (l->recent)
		say(q, ", at most %u of these came in the last minute", l->recent);
	if (g.per_minute)
		say(q, " (+%ju a minute)", (uintmax_t)g.per_minute);
	if (!ends)
		return;
	buf_puts(&q->text, p->listens ? ": accept() will fail with EMFILE in about "
				      : ": none will be left in about ");
	buf_put_duration(&q->text, left_ms);
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
	finding_put_starved(q, p, f);
	if (finding_near_limit(p))
		f->severity = SEVERITY_CRITICAL;
}

/* "it read 9 to the end and never closed them; 5 still hold unread data" */
static void put_ends(struct inquiry *q, const struct leak *l)
{
	struct candidates all = finding_candidates(q, &rule_close_wait_leak);

	say(q,
	    "The %s closed %u connections%s at least %u s ago, and the program did not: ",
	    l->accepted ? "peers" : "servers", l->n,
	    l->accepted ? "" : " that the program had opened", l->least_ms / 1000);
	if (l->n > l->eof_unread)
		say(q, "it read %u to the end and never closed them; ",
		    l->n - l->eof_unread);
	if (l->eof_unread)
		say(q, "it has not read the end of %u (%u still hold data); ",
		    l->eof_unread, l->unread);
	finding_put_holders(q, l->holders);
	buf_putc(&q->text, '.');
	if (all.seen > all.n)
		say(q, " There are more: only %zu of %ju in CLOSE_WAIT were looked at.",
		    all.n, (uintmax_t)all.seen);
}

static int by_descriptor(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static void list_holders(struct inquiry *q, struct leak *l)
{
	const char *command = arena_strdup(&q->fs->arena, l->command);
	const struct holder **link = &l->holders;
	uint32_t i;

	qsort(l->fds, l->n, sizeof(*l->fds), by_descriptor);
	for (i = 0; i < l->n; i++)
		holder_append(&q->fs->arena, &link,
			      &(struct holder){ .command = command,
						.pid = l->pid,
						.fd = l->fds[i] });
}

/* A pool keeps what its servers have closed until it takes a connection again. */
static enum severity leak_severity(const struct inquiry *q, const struct leak *l,
				   const struct process_facts *p)
{
	bool many = l->old >= CLOSE_WAIT_LEAST || growth_of(q, l, p).steady;

	return l->accepted || many ? SEVERITY_WARNING : SEVERITY_NOTE;
}

static const char *leak_advice(struct inquiry *q, const struct leak *l)
{
	const struct addr *most = &l->remotes[0].addr;

	advise(&q->text, ADVICE_DESCRIPTORS, finding_advised(q, l->pid),
	       (unsigned)l->pid);
	advise_in_words(&q->text, "then find where the program sees the end of a "
				  "connection ");
	buf_puts(&q->text, l->accepted ? "from " : "to ");
	put_remote(q, most);
	buf_puts(&q->text, l->accepted
				   ? " and does not close it"
				   : " and does not close it (a pool that checks idle "
				     "connections closes these)");
	finding_put_restart(q, l->pid, "a restart closes them for now");
	return finding_text(q);
}

static void leak_finding(struct inquiry *q, struct leak *l)
{
	const struct process_facts *p = evidence_process(q->e, l->pid);
	struct finding *f = finding_add(q->fs, &rule_close_wait_leak);
	bool limit_known = p && p->known && p->fd_limit;

	list_holders(q, l);
	buf_put_escaped(&q->text, l->command, strlen(l->command));
	say(q, "[%d], %u sockets, oldest >= ", l->pid, l->n);
	buf_put_duration(&q->text, l->oldest_ms);
	finding_put_unit(q, p);
	f->where = finding_text(q);
	f->holders = l->holders;
	f->cookies = l->cookies;
	f->n_cookies = l->n;
	f->severity = leak_severity(q, l, p);
	count_remotes(l);
	finding_figure(f, "sockets", l->n, true);
	finding_figure(f, "oldest_ms", l->oldest_ms, true);
	finding_figure(f, "with_unread_data", l->unread, true);
	finding_figure(f, "end_not_read", l->eof_unread, true);
	finding_figure(f, "drained", l->n - l->eof_unread, true);
	finding_figure(f, "accepted", l->accepted, true);
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
	f->advice = leak_advice(q, l);
}

/* Sockets in CLOSE_WAIT whose owner may not be seen: the leak is there all the same. */
struct nobody {
	uint32_t n, accepted, oldest_ms;
	uint64_t *cookies;
};

static void anonymous_leak(struct inquiry *q, const struct nobody *o)
{
	struct finding *f = finding_add(q->fs, &rule_close_wait_leak);

	if (o->accepted < CLOSE_WAIT_LEAST)
		f->severity = SEVERITY_NOTE;
	say(q, "%s, %u sockets, oldest >= ", finding_no_owner(q), o->n);
	buf_put_duration(&q->text, o->oldest_ms);
	f->where = finding_text(q);
	say(q,
	    "The peers closed %u connections and the program, or the programs, did not.",
	    o->n);
	f->summary = finding_text(q);
	if (q->e->owner_remedy) {
		say(q, "To see which process holds them: %s.", q->e->owner_remedy);
		f->advice = finding_text(q);
	}
	finding_cookies(q, f, o->cookies, o->n);
	finding_figure(f, "sockets", o->n, true);
	finding_figure(f, "oldest_ms", o->oldest_ms, true);
}

/* Each of a leak's sockets once, though a process may hold several descriptors of it. */
static void each_socket(struct inquiry *q, struct leaks *all, bool fill)
{
	struct candidates seen = finding_candidates(q, &rule_close_wait_leak);
	const struct holder *h;
	size_t i;

	for (i = 0; i < seen.n; i++) {
		const struct connection_facts *c = &seen.v[i];
		int32_t last = -1;

		for (h = c->suspect ? c->holders : NULL; h; last = h->pid, h = h->next) {
			struct leak *l;

			if (h->pid == last)
				continue;
			l = leak_of(all, h->pid, is_accepted(q, all, c));
			if (!fill)
				weigh(l, c);
			else if (l->least_ms && c->age_ms >= l->least_ms)
				count_leak(l, c, h);
		}
	}
}

static uint8_t *count_ports(struct inquiry *q, const struct candidates *seen)
{
	uint8_t *ports = arena_zalloc(&q->fs->arena, PORT_COUNT);
	size_t i;

	for (i = 0; i < seen->n; i++)
		if (ports[seen->v[i].row->local.port] < UINT8_MAX)
			ports[seen->v[i].row->local.port]++;
	return ports;
}

static void judge_nobody(struct inquiry *q, const struct leaks *all,
			 const struct candidates *seen)
{
	struct nobody o = { .cookies = arena_alloc(&q->fs->arena,
						   seen->n * sizeof(uint64_t)) };
	size_t i;

	for (i = 0; i < seen->n; i++) {
		const struct connection_facts *c = &seen->v[i];

		if (c->holders || !c->suspect)
			continue;
		o.cookies[o.n++] = c->row->cookie;
		o.accepted += is_accepted(q, all, c);
		o.oldest_ms = MAX(o.oldest_ms, c->age_ms);
	}
	if (o.n >= CLOSE_WAIT_LEAST)
		anonymous_leak(q, &o);
}

static void make_room(struct inquiry *q, struct leak *l)
{
	l->cookies = arena_alloc(&q->fs->arena, l->aged * sizeof(*l->cookies));
	l->remotes = arena_alloc(&q->fs->arena, l->aged * sizeof(*l->remotes));
	l->fds = arena_alloc(&q->fs->arena, l->aged * sizeof(*l->fds));
}

static void judge_close_wait(struct inquiry *q)
{
	struct candidates seen = finding_candidates(q, &rule_close_wait_leak);
	struct leaks all = { 0 };
	size_t i;

	if (seen.seen < OLD_LEAST)
		return;
	all.ports = count_ports(q, &seen);
	each_socket(q, &all, false);
	for (i = 0; i < all.n; i++)
		if (is_leak(&all.v[i]))
			make_room(q, &all.v[i]);
	each_socket(q, &all, true);
	for (i = 0; i < all.n; i++)
		if (all.v[i].least_ms)
			leak_finding(q, &all.v[i]);
	free(all.v);
	judge_nobody(q, &all, &seen);
}

static bool is_owned(const struct sock *s)
{
	return s->inode;
}

/* Old enough; the leak is counted by process later. A peer on this host that waits for
 * the answer has ended its own direction only. */
static bool suspect_close_wait(const struct connection_facts *c)
{
	return c->read[0] && c->age_ms >= CLOSE_WAIT_AGE_MS && !c->is_awaited;
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
		"# accepted sockets of one process in CLOSE_WAIT, each for at least #, or # for #; "
		"critical when # of the process's descriptors are in use. As many that the process "
		"opened itself are a note, and a warning when they grow or # are of #. Not those "
		"whose peer on this host waits for an answer",
	.numbers = { COUNT(CLOSE_WAIT_LEAST), MS(CLOSE_WAIT_AGE_MS), COUNT(OLD_LEAST),
		     MS(OLD_AGE_MS), PERCENT(FINDING_DESCRIPTORS_PERCENT),
		     COUNT(CLOSE_WAIT_LEAST), MS(OLD_AGE_MS) },
	.candidate = is_owned,
	.rows = BIT(STATE_CLOSE_WAIT),
	.most = MOST_CLOSE_WAIT,
	.least = OLD_LEAST,
	.look = LOOK_STATE,
	.look_ends = true,
	.suspect = suspect_close_wait,
	.again = AGAIN_GROWTH,
	.again_least = CLOSE_WAIT_LEAST,
	.worth_again = may_grow,
	.judge = judge_close_wait,
};
