#include "model/finding/inquiry.h"

#include <errno.h>
#include <stdio.h>

#include "model/cause/listener_match.h"

/* Why nobody can be named. */
const char *finding_no_owner(const struct inquiry *q)
{
	return owner_words(q->e->unowned)->finding;
}

const char *finding_text(struct inquiry *q)
{
	const char *copy = arena_strndup(&q->fs->arena, q->text.data ? q->text.data : "",
					 q->text.len);

	buf_reset(&q->text);
	return copy;
}

struct advised finding_advised(const struct inquiry *q, int32_t pid)
{
	const struct process_facts *p = evidence_process(q->e, pid);

	return (struct advised){ .uid = q->e->asker, .owner = p ? p->uid : 0 };
}

struct occupant finding_occupant(const struct process_facts *p)
{
	return (struct occupant){
		.pid = p->pid,
		.parent = p->doing.parent,
		.command = p->command,
		.uid = p->uid,
		.keeper = p->keeper,
		.halt = p->doing.halt,
	};
}

void finding_advise(struct inquiry *q, struct finding *f)
{
	advise_in_words(&q->text, "%s", f->rule->advice);
	f->advice = finding_text(q);
}

void finding_advise_peer(struct inquiry *q, const struct addr *peer, bool ghost)
{
	_cleanup_buf_ struct buf to = { 0 };
	struct addr ip = addr_unmapped(peer);

	if (peer->port)
		addr_put(&to, peer);
	else
		addr_put_ip(&to, &ip);
	advise(&q->text,
	       !peer->port ? ADVICE_PING
	       : ghost	   ? ADVICE_PROBE_VERIFY
			   : ADVICE_PROBE,
	       (struct advised){ 0 }, buf_cstr(&to));
}

void finding_put_restart(struct inquiry *q, int32_t pid, const char *why)
{
	const struct process_facts *p = evidence_process(q->e, pid);
	_cleanup_buf_ struct buf b = { 0 };

	if (!p || !keeper_advise_restart(&b, &p->keeper, finding_advised(q, pid)))
		return;
	advise_in_words(&q->text, "%s:\n", why);
	buf_put(&q->text, b.data, b.len);
}

void finding_put_ip(struct inquiry *q, const struct addr *a)
{
	struct addr plain = addr_unmapped(a);

	addr_put_ip(&q->text, &plain);
}

/* A descriptor, or three and more that follow each other; returns what comes then. */
static const struct holder *put_run(struct inquiry *q, const struct holder *h)
{
	enum { RUN = 3 };
	const struct holder *last = h;
	int n = 1;

	while (last->next && last->next->pid == h->pid &&
	       last->next->fd == last->fd + 1) {
		last = last->next;
		n++;
	}
	if (n < RUN)
		last = h;
	say(q, last == h ? "%d" : "%d-%d", h->fd, last->fd);
	return last->next;
}

/* Of the process of the first; returns the first of another. */
static const struct holder *put_descriptors(struct inquiry *q, const struct holder *h)
{
	enum { SHOWN = 3 };
	unsigned shown = 0, hidden = 0;
	int32_t pid = h->pid, last = -1;

	while (h && h->pid == pid) {
		if (shown < SHOWN) {
			buf_puts(&q->text, shown++ ? ", " : "");
			h = put_run(q, h);
			continue;
		}
		hidden++;
		last = h->fd;
		h = h->next;
	}
	if (hidden)
		say(q, " and %u more up to %d", hidden, last);
	return h;
}

static void put_more_processes(struct inquiry *q, const struct holder *h)
{
	int32_t last = -1;
	unsigned n = 0;

	for (; h; last = h->pid, h = h->next)
		n += h->pid != last;
	say(q, "%u more processes", n);
}

void finding_put_holders(struct inquiry *q, const struct holder *h)
{
	enum { PROCESSES = 8 };
	unsigned processes = 0;

	if (!h)
		buf_puts(&q->text, finding_no_owner(q));
	while (h) {
		if (++processes > PROCESSES) {
			put_more_processes(q, h);
			break;
		}
		buf_put_escaped(&q->text, h->command, strlen(h->command));
		say(q, "[%d] fd ", h->pid);
		h = put_descriptors(q, h);
		if (h)
			buf_puts(&q->text, "; ");
	}
}

uint64_t finding_per_second(const struct inquiry *q, uint64_t n)
{
	return q->e->interval_ms ? n * 1000 / q->e->interval_ms : 0;
}

void finding_put_rate(struct inquiry *q, uint64_t n)
{
	uint64_t rate = finding_per_second(q, n);

	if (rate)
		say(q, " (%ju a second)", (uintmax_t)rate);
}

const struct holder *finding_holders(struct inquiry *q, const struct holder *h)
{
	return finding_holders_and(q, h, NULL);
}

const struct holder *finding_holders_and(struct inquiry *q, const struct holder *h,
					 const struct holder *more)
{
	const struct holder *first = NULL, **link = &first;

	for (; h; h = h->next ? h->next : take_ptr(&more)) {
		struct holder *copy = holder_append(&q->fs->arena, &link, h);

		copy->command = arena_strdup(&q->fs->arena, h->command);
	}
	return first;
}

void finding_cookies(struct inquiry *q, struct finding *f, const uint64_t *cookies,
		     size_t n)
{
	uint64_t *known = arena_alloc(&q->fs->arena, n * sizeof(*known));
	size_t i;

	/* /proc/net has none. */
	for (i = 0; i < n; i++)
		if (cookies[i])
			known[f->n_cookies++] = cookies[i];
	f->cookies = known;
}

struct candidates finding_candidates(const struct inquiry *q, const struct rule *rule)
{
	const struct suspects *list = q->d->suspects;
	size_t i = 0;

	while (list[i].rule != rule)
		i++;
	/* None was read, if nothing was. */
	return (struct candidates){ q->e->connections[i],
				    q->e->connections[i] ? list[i].n : 0, list[i].count };
}

static struct finding *about(struct inquiry *q, const struct rule *rule,
			     const struct sock *row, const struct holder *holders)
{
	struct finding *f = finding_add(q->fs, rule);

	f->where = finding_text(q);
	f->holders = finding_holders(q, holders);
	finding_cookies(q, f, &row->cookie, 1);
	return f;
}

const struct holder *finding_actors(const struct listener_facts *l)
{
	return l->actors ? l->actors : l->holders;
}

static void put_place(struct inquiry *q, const struct listener_facts *l)
{
	if (sock_is_unix(l->row))
		sock_put_path(&q->text, &l->row->path);
	else
		addr_put(&q->text, &l->row->local);
}

void finding_put_listener(struct inquiry *q, const struct listener_facts *l)
{
	put_place(q, l);
	buf_puts(&q->text, ", ");
	finding_put_holders(q, finding_actors(l));
}

struct finding *finding_of_listener(struct inquiry *q, const struct rule *rule,
				    const struct listener_facts *l)
{
	finding_put_listener(q, l);
	return about(q, rule, l->row, finding_actors(l));
}

struct finding *finding_of_connection(struct inquiry *q, const struct rule *rule,
				      const struct connection_facts *c)
{
	addr_put(&q->text, &c->row->local);
	if (c->row->proto == PROTO_TCP) {
		buf_puts(&q->text, " to ");
		addr_put(&q->text, &c->row->peer);
	}
	buf_puts(&q->text, ", ");
	finding_put_holders(q, c->holders);
	return about(q, rule, c->row, c->holders);
}

bool finding_same_place(const struct sock *a, const struct sock *b)
{
	return !sock_is_unix(a) && a->family == b->family && a->ifindex == b->ifindex &&
	       addr_compare(&a->local, &b->local) == 0;
}

/* The first listener of its address: what is said of a group is said once. */
bool finding_is_first(const struct inquiry *q, const struct listener_facts *l)
{
	const struct listener_facts *o;

	for (o = q->e->listeners; o < l; o++)
		if (finding_same_place(o->row, l->row))
			return false;
	return true;
}

bool finding_read_twice(const struct inquiry *q, const struct listener_facts *l)
{
	return l->read[0] && l->read[1] && q->e->interval_ms;
}

bool finding_full_in(const struct listener_facts *l, int turn)
{
	return l->read[turn] && accept_queue_is_full(l->queued[turn], l->limit);
}

/* Where the second look failed the row itself is what is known. */
bool finding_is_full(const struct inquiry *q, const struct listener_facts *l)
{
	if (!l->read[0])
		return q->e->unread && accept_queue_is_full(l->queued[0], l->limit);
	return finding_full_in(l, 0) && (finding_full_in(l, 1) || !l->read[1]);
}

const struct listener_facts *finding_full_listener(const struct inquiry *q,
						   const struct sock *client)
{
	const struct listener_facts *full = NULL;
	bool here = sock_peer_is_here(client);
	int best = 1, one;
	size_t i;

	for (i = 0; i < q->e->n_listeners; i++) {
		const struct listener_facts *l = &q->e->listeners[i];

		if (sock_is_unix(l->row))
			continue;
		one = here || !addr_is_any(&l->row->local)
			      ? listener_score(l->row, &client->peer, 0)
			      : 0;
		if (one > best)
			full = NULL, best = one;
		if (one == best && !full && finding_is_full(q, l))
			full = l;
	}
	return full;
}

void evidence_lacks(struct evidence *e, int err)
{
	if (err && err != ENOENT && err != ESRCH && err != EACCES && err != EPERM &&
	    !e->unread)
		e->unread = err;
}

const char *evidence_gap(const struct evidence *e, enum gap gap, char *text, size_t size)
{
	static const char *const words[GAPS] = {
		[GAP_PROC] = "there is no /proc here: what needs the counters and limits "
			     "of the kernel or the descriptors of processes cannot be "
			     "told",
		[GAP_HIDDEN] = "not all processes are visible: whether one of them runs "
			       "out of descriptors cannot be told",
		[GAP_UNREADABLE] = "", /* with their number, below */
		[GAP_SHADOW] = "who holds two listeners of one port is not known: "
			       "whether one takes the connections of another program "
			       "cannot be told",
		[GAP_CONNECTIONS] =
			"the ages and buffers of sockets are not in /proc/net: "
			"whether connections are stuck or leaked, or datagrams "
			"are lost, cannot be told",
		[GAP_UNIX] = "the queues of unix sockets are not in /proc/net: whether "
			     "they are full cannot be told",
	};

	if (gap == GAP_UNREADABLE)
		snprintf(text, size,
			 "the descriptors of %u process%s may not be counted: whether "
			 "they run out cannot be told",
			 e->unreadable, e->unreadable == 1 ? "" : "es");
	else if (gap == GAP_HIDDEN && e->hidden_by)
		snprintf(text, size, "%s (%s)", words[gap], e->hidden_by);
	else
		snprintf(text, size, "%s", words[gap]);
	return text;
}

const struct process_facts *evidence_process(const struct evidence *e, int32_t pid)
{
	size_t i;

	for (i = 0; i < e->n_processes; i++)
		if (e->processes[i].pid == pid)
			return &e->processes[i];
	return NULL;
}

uint64_t evidence_syn_capacity(const struct net_limits *n, uint32_t limit)
{
	uint64_t capacity = accept_queue_capacity(limit);

	/* tcp_conn_request(): without cookies the last quarter is kept for known hosts.
	 */
	if (!n->syncookies && n->has_syn_backlog)
		capacity = MIN(capacity, n->syn_backlog - n->syn_backlog / 4);
	return capacity;
}

bool finding_is_near(uint64_t fds, uint64_t limit)
{
	return limit != UINT64_MAX && fds * 100 >= limit * FINDING_DESCRIPTORS_PERCENT;
}

bool finding_near_limit(const struct process_facts *p)
{
	return p && p->known && p->fd_limit && finding_is_near(p->fds, p->fd_limit);
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

void finding_put_unit(struct inquiry *q, const struct process_facts *p)
{
	if (!p || !p->unit)
		return;
	say(q, ", unit ");
	buf_put_escaped(&q->text, p->unit, strlen(p->unit));
}

/* Connections that wait for a process without descriptors. */
uint32_t finding_starved(const struct inquiry *q, const struct process_facts *p)
{
	const struct listener_facts *l = waiting_listener(q, p->pid);

	return l && p->fds >= p->fd_limit ? l->queued[l->read[1] ? 1 : 0] : 0;
}

/* Its listeners get no connection off their queues. */
void finding_put_starved(struct inquiry *q, const struct process_facts *p,
			 struct finding *f)
{
	const struct listener_facts *l = waiting_listener(q, p->pid);
	uint32_t n = finding_starved(q, p);

	if (!n)
		return;
	say(q, "\naccept() on ");
	put_place(q, l);
	say(q, " must be failing with EMFILE: %u connection%s there.", n,
	    n == 1 ? " waits" : "s wait");
	if (!f->n_cookies)
		finding_cookies(q, f, &l->row->cookie, 1);
}
