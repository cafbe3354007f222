#include "model/finding/acceptors.h"

#include <stdlib.h>

#include "model/finding/inquiry.h"

static const struct doing *doing_of(const struct evidence *e, const struct acceptor *a)
{
	return &evidence_process(e, a->holder->pid)->doing;
}

static bool any_waits_here(const struct listener_facts *l)
{
	size_t i;

	for (i = 0; i < l->n_acceptors; i++)
		if (l->acceptors[i].waits == WAITS_HERE)
			return true;
	return false;
}

/*
 * Whether it started another holder, as the master of workers does: a program starts its
 * like, or waits for events, of which this listener's are none. One that waits for a
 * child of another kind may have left it the descriptor by mistake.
 */
static bool is_master(const struct evidence *e, const struct listener_facts *l,
		      const struct acceptor *a)
{
	const struct doing *own = doing_of(e, a);
	bool loops = a->waits == WAITS_LOOP || a->waits == WAITS_POLL;
	size_t i;

	for (i = 0; i < l->n_acceptors; i++) {
		const struct doing *other = doing_of(e, &l->acceptors[i]);

		if (other->parent == a->holder->pid &&
		    (loops || (own->program && own->program == other->program)))
			return true;
	}
	return false;
}

/* It sleeps, and a connection would not wake it up. That may also be so of a worker that
 * is busy with a request, but that has one, and has started nobody. */
static bool is_bystander(const struct evidence *e, const struct listener_facts *l,
			 const struct acceptor *a)
{
	if (a->waits == WAITS_HERE || a->waits == WAITS_UNKNOWN)
		return false;
	/* Epoll is told once what to watch. */
	if (a->waits == WAITS_LOOP && any_waits_here(l))
		return true;
	return !a->serves && is_master(e, l, a);
}

static bool accepts(const struct listener_facts *l, const struct holder *h)
{
	size_t i;

	for (i = 0; i < l->n_acceptors; i++)
		if (l->acceptors[i].holder->pid == h->pid)
			return !l->acceptors[i].bystander;
	return true;
}

void acceptors_judge(struct evidence *e, struct listener_facts *l)
{
	const struct holder *h, **link = &l->actors;
	size_t i;

	for (i = 0; i < l->n_acceptors; i++)
		l->acceptors[i].bystander = is_bystander(e, l, &l->acceptors[i]);
	for (h = l->holders; h; h = h->next)
		if (accepts(l, h))
			holder_append(&e->arena, &link, h);
}

static void put_process(struct inquiry *q, const struct process_facts *p)
{
	buf_put_escaped(&q->text, p->command, strlen(p->command));
	say(q, "[%d]", p->pid);
}

/* What the holders of a socket are there for: of a unix datagram socket to read. */
static bool is_read(const struct listener_facts *l)
{
	return l->row->proto == PROTO_UNIX_DGRAM;
}

/* The processes that are to accept, one after the other, from *i on. */
static const struct process_facts *next_actor(const struct inquiry *q,
					      const struct listener_facts *l, size_t *i)
{
	while (*i < l->n_acceptors) {
		const struct acceptor *a = &l->acceptors[(*i)++];

		if (!a->bystander)
			return evidence_process(q->e, a->holder->pid);
	}
	return NULL;
}

static size_t count_actors(const struct inquiry *q, const struct listener_facts *l)
{
	size_t i = 0, n = 0;

	while (next_actor(q, l, &i))
		n++;
	return n;
}

static size_t count_halted(const struct inquiry *q, const struct listener_facts *l,
			   enum halted halt)
{
	const struct process_facts *p;
	size_t i = 0, n = 0;

	while ((p = next_actor(q, l, &i)))
		n += p->doing.halt.by == halt;
	return n;
}

size_t finding_count_actors(const struct inquiry *q, const struct listener_facts *l,
			    bool stopped)
{
	size_t n = count_actors(q, l);

	return stopped ? n - count_halted(q, l, HALT_NONE) : n;
}

enum { NAMED = 4 }; /* processes of one list */

/* "nginx[12], nginx[13] and 5 more" of those that are halted so. */
static void put_halted(struct inquiry *q, const struct listener_facts *l,
		       enum halted halt)
{
	const struct process_facts *p;
	size_t i = 0, n = 0;

	while ((p = next_actor(q, l, &i))) {
		if (p->doing.halt.by != halt || n++ >= NAMED)
			continue;
		if (n > 1)
			buf_puts(&q->text, ", ");
		put_process(q, p);
	}
	if (n > NAMED)
		say(q, " and %zu more", n - NAMED);
}

/* How all of them are halted; HALT_NONE if not all are in the same way. */
static enum halted all_halted(const struct inquiry *q, const struct listener_facts *l)
{
	size_t n = count_actors(q, l);
	enum halted h;

	for (h = HALT_STOPPED; n && h <= HALT_BLOCKED; h++)
		if (count_halted(q, l, h) == n)
			return h;
	return HALT_NONE;
}

void finding_put_all_halted(struct inquiry *q, const struct listener_facts *l)
{
	enum halted halt = all_halted(q, l);
	size_t n = count_actors(q, l);

	if (halt == HALT_NONE)
		return;
	if (n > 1)
		say(q, "All %zu processes that %s here are %s: ", n,
		    is_read(l) ? "read" : "accept", halt_words(halt));
	put_halted(q, l, halt);
	if (n == 1)
		say(q, " is %s", halt_words(halt));
	buf_puts(&q->text, ". ");
}

static void put_sleep(struct inquiry *q, const struct process_facts *p)
{
	const struct doing *d = &p->doing;

	put_process(q, p);
	if (d->state == 'R')
		buf_puts(&q->text, " is running");
	else if (d->call && d->fd >= 0)
		say(q, " sleeps in %s() on descriptor %d", d->call, d->fd);
	else if (d->call)
		say(q, " sleeps in %s()", d->call);
	else if (d->threads > 1)
		say(q, " has %ju threads", (uintmax_t)d->threads);
	else if (d->wchan)
		say(q, " sleeps in the kernel's %s()", d->wchan);
	else
		buf_puts(&q->text, " sleeps");
}

/* "nginx[12] is stopped; nginx[13] sleeps in epoll_wait()" */
static void put_each(struct inquiry *q, const struct listener_facts *l)
{
	const struct process_facts *p;
	size_t i = 0, n = 0, halted;
	enum halted h;

	for (h = HALT_STOPPED; h <= HALT_BLOCKED; h++) {
		halted = count_halted(q, l, h);
		if (!halted)
			continue;
		buf_puts(&q->text, n++ ? "; " : "\n");
		put_halted(q, l, h);
		say(q, " %s %s", halted == 1 ? "is" : "are", halt_words(h));
	}
	while ((p = next_actor(q, l, &i))) {
		if (!p->doing.state || p->doing.halt.by != HALT_NONE || n++ >= NAMED)
			continue;
		buf_puts(&q->text, n > 1 ? "; " : "\n");
		put_sleep(q, p);
	}
	if (n > NAMED)
		say(q, "; and %zu more", n - NAMED);
	if (n)
		buf_putc(&q->text, '.');
}

/* Who has the descriptor, and is not the one to accept. */
static void put_bystanders(struct inquiry *q, const struct listener_facts *l)
{
	size_t i, n = 0;

	for (i = 0; i < l->n_acceptors; i++) {
		if (!l->acceptors[i].bystander || n++ >= NAMED)
			continue;
		buf_puts(&q->text, n > 1 ? ", " : " ");
		put_process(q, evidence_process(q->e, l->acceptors[i].holder->pid));
	}
	if (n > NAMED)
		say(q, " and %zu more", n - NAMED);
	if (n)
		say(q, " %s the %s, too, but %s not wait for %s.",
		    n == 1 ? "has" : "have", is_read(l) ? "socket" : "listener",
		    n == 1 ? "does" : "do", is_read(l) ? "datagrams" : "connections");
}

void finding_put_acceptors(struct inquiry *q, const struct listener_facts *l)
{
	size_t n = count_actors(q, l);

	if (all_halted(q, l) == HALT_NONE)
		put_each(q, l);
	put_bystanders(q, l);
	if (n > 1 && n == l->n_acceptors && !any_waits_here(l))
		say(q, " Which of them %s cannot be told.",
		    is_read(l) ? "reads from it" : "accepts from the listener");
}

/* What lets halted processes go on; false if none is halted. */
static bool put_release(struct inquiry *q, const struct listener_facts *l)
{
	_cleanup_free_ struct occupant *v = xcalloc(l->n_acceptors + 1, sizeof(*v));
	struct occupants actors = { .v = v };
	const struct process_facts *p;
	size_t i = 0;

	while ((p = next_actor(q, l, &i)))
		v[actors.n++] = finding_occupant(p);
	return occupants_advise_go_on(&q->text, &actors, q->e->asker);
}

size_t finding_put_processes(struct inquiry *q, const struct holder *h)
{
	int32_t last = -1;
	size_t n = 0;

	for (; h; last = h->pid, h = h->next) {
		if (h->pid == last || n++ >= NAMED)
			continue;
		if (n > 1)
			buf_puts(&q->text, ", ");
		buf_put_escaped(&q->text, h->command, strlen(h->command));
		say(q, "[%d]", h->pid);
	}
	if (n > NAMED)
		say(q, " and %zu more", n - NAMED);
	return n;
}

void finding_not_accepted(struct inquiry *q, struct finding *f,
			  const struct listener_facts *l)
{
	const struct holder *h = finding_actors(l);

	if (!h)
		return;
	if (!put_release(q, l)) {
		buf_puts(&q->text, "find out what ");
		buf_puts(&q->text, finding_put_processes(q, h) > 1 ? " do" : " does");
		buf_puts(&q->text,
			 is_read(l) ? " instead of reading:" : " instead of accept():");
		advise(&q->text, ADVICE_WCHAN, finding_advised(q, h->pid),
		       (unsigned)h->pid);
		advise(&q->text, ADVICE_GDB, finding_advised(q, h->pid),
		       (unsigned)h->pid);
		finding_put_restart(q, h->pid, "or start it anew");
	}
	f->advice = finding_text(q);
}

/* The facts of a process that passes connections on to a container, or NULL. */
static const struct process_facts *proxy(const struct inquiry *q, const struct holder *h)
{
	const struct process_facts *p = evidence_process(q->e, h->pid);

	return p && p->container.family ? p : NULL;
}

static bool all_proxies(const struct inquiry *q, const struct finding *f)
{
	const struct holder *h;

	for (h = f->holders; h; h = h->next)
		if (!proxy(q, h))
			return false;
	return true;
}

static void put_container(struct inquiry *q, const struct process_facts *p)
{
	say(q, "docker-proxy[%d] passes connections on to the container at ", p->pid);
	addr_put(&q->text, &p->container);
	buf_puts(&q->text, ", which this names:");
	if (p->published)
		advise(&q->text, ADVICE_DOCKER_PORT, finding_advised(q, p->pid),
		       (unsigned)p->published);
	else
		advise(&q->text, ADVICE_DOCKER_LIST, finding_advised(q, p->pid));
	advise_in_words(&q->text, "'docker stop' ends it");
}

static void name_container(struct inquiry *q, struct finding *f)
{
	const struct holder *h;
	const struct process_facts *p = NULL;

	for (h = f->holders; h && !p; h = h->next)
		p = proxy(q, h);
	if (!p)
		return;
	/* What is said of the proxy itself does not help. */
	if (!all_proxies(q, f) && f->advice)
		say(q, "%s\n", f->advice);
	put_container(q, p);
	f->advice = finding_text(q);
}

void findings_name_containers(struct inquiry *q)
{
	size_t i;

	for (i = 0; i < q->fs->n; i++)
		name_container(q, q->fs->v[i]);
}
