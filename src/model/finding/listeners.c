/* Listeners that stand in each other's way, or in everybody's sight. */
#include "model/finding/judge_private.h"

void judge_put_listener(struct judge *j, const struct listener_facts *l)
{
	judge_put_addr(j, &l->row->local);
	buf_puts(&j->text, ", ");
	judge_put_holders(j, l->holders);
}

void judge_of_listener(struct judge *j, struct finding *f, const struct listener_facts *l)
{
	f->holders = judge_holders(j, l->holders);
	judge_cookies(j, f, &l->row->cookie, 1);
}

const char *judge_listener_next(struct judge *j, const struct listener_facts *l)
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

bool judge_same_place(const struct sock *a, const struct sock *b)
{
	return a->family == b->family && a->ifindex == b->ifindex &&
	       addr_compare(&a->local, &b->local) == 0;
}

/* The first listener of its address: what is said of a group is said once. */
bool judge_is_first(const struct judge *j, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (judge_same_place(j->e->listeners[k].row, j->e->listeners[i].row))
			return false;
	return true;
}

bool judge_read_twice(const struct judge *j, const struct listener_facts *l)
{
	return l->read[0] && l->read[1] && j->e->interval_ms;
}

/* Processes that share a descriptor, or are of one service, know of each other. */
static bool same_owner(const struct judge *j, const struct listener_facts *a,
		       const struct listener_facts *b)
{
	const struct holder *x, *y;

	if (a->row->uid != b->row->uid)
		return false;
	for (x = a->holders; x; x = x->next)
		for (y = b->holders; y; y = y->next) {
			const struct process_facts *p = evidence_process(j->e, x->pid);
			const struct process_facts *q = evidence_process(j->e, y->pid);

			if (x->pid == y->pid)
				return true;
			if (p && q && p->unit && q->unit && streq(p->unit, q->unit))
				return true;
		}
	return !a->holders && !b->holders && a->row->cgroup_id == b->row->cgroup_id;
}

/* Whether connections that b would take go to a: a is more specific, or takes IPv4 from a
 * dual b. */
static const char *shadow_of(const struct sock *a, const struct sock *b)
{
	struct addr x = addr_unmapped(&a->local), y = addr_unmapped(&b->local);
	bool any_a = addr_is_any(&x), any_b = addr_is_any(&y);

	if (a->local.port != b->local.port ||
	    (a->ifindex && b->ifindex && a->ifindex != b->ifindex))
		return NULL;
	if (x.family == y.family && !any_a && any_b)
		return "the specific address takes its connections from the wildcard";
	/* A v6only pair shadows nothing. */
	if (x.family == AF_INET && y.family == AF_INET6 && any_b && !b->v6only &&
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

	if (same_owner(j, a, b))
		f->severity = SEVERITY_NOTE;
	judge_put_listener(j, a);
	buf_puts(&j->text, " and ");
	judge_put_listener(j, b);
	f->where = judge_text(j);
	buf_printf(&j->text, "Both listen on port %u: %s.", a->row->local.port, how);
	f->summary = judge_text(j);
	f->holders = a->holders ? judge_holders_and(j, a->holders, b->holders)
				: judge_holders(j, b->holders);
	judge_cookies(j, f, cookies, 2);
	finding_figure(f, "port", a->row->local.port, true);
}

/* The oldest connection that waits for any member of the group, second reading. */
static uint32_t group_wait_ms(const struct judge *j, const struct listener_facts *l)
{
	uint32_t longest = 0;
	size_t i;

	for (i = 0; i < j->e->n_listeners; i++) {
		const struct listener_facts *o = &j->e->listeners[i];

		if (o->read[1] && o->stats[1].has_wait &&
		    judge_same_place(o->row, l->row))
			longest = MAX(longest, o->stats[1].longest_wait_ms);
	}
	return longest;
}

/* One of a group whose queue stands, while another's is empty in both readings. */
static bool lazy_member(const struct judge *j, const struct listener_facts *l)
{
	size_t i;

	if (l->members < 2 || !judge_read_twice(j, l) || !l->queued[0] ||
	    l->queued[1] < l->queued[0] || group_wait_ms(j, l) < MEMBER_WAIT_MS)
		return false;
	for (i = 0; i < j->e->n_listeners; i++) {
		const struct listener_facts *o = &j->e->listeners[i];

		if (o != l && o->read[0] && o->read[1] && !o->queued[0] &&
		    !o->queued[1] && judge_same_place(o->row, l->row))
			return true;
	}
	return false;
}

static void lazy_finding(struct judge *j, const struct listener_facts *l)
{
	struct finding *f = finding_add(j->fs, RULE_SHADOWED_LISTENER);
	uint32_t wait = group_wait_ms(j, l);
	const char *next;

	judge_put_listener(j, l);
	f->where = judge_text(j);
	buf_printf(
		&j->text,
		"One of %u listeners of a SO_REUSEPORT group: %u connections wait for it and do "
		"not become fewer, while other members' queues are empty. The oldest of the "
		"group has waited ",
		l->members, l->queued[1]);
	buf_put_duration(&j->text, wait);
	buf_puts(&j->text, "; which clients are this member's cannot be told.");
	f->summary = judge_text(j);
	next = judge_listener_next(j, l);
	if (next)
		f->advice = next;
	judge_of_listener(j, f, l);
	finding_figure(f, "accept_queue", l->queued[1], true);
	finding_figure(f, "members", l->members, true);
	finding_figure(f, "waiting", 0, false);
	finding_figure(f, "gave_up", 0, false);
	finding_figure(f, "group_longest_wait_ms", wait, true);
}

static bool is_exposed(const struct judge *j, const struct listener_facts *l)
{
	/* With a second listener on the port nothing tells whose the connections are. */
	return j->d->whole_ports && !l->shadow && addr_is_any(&l->row->local) &&
	       j->d->local_ports[l->row->local.port] == SEEN_LOOPBACK;
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
	judge_of_listener(j, f, l);
}

static void judge_shadows(struct judge *j, size_t i)
{
	const struct listener_facts *l = &j->e->listeners[i];
	size_t k;

	if (!l->shadow || !judge_is_first(j, i))
		return;
	for (k = 0; k < j->e->n_listeners; k++) {
		const char *how = shadow_of(l->row, j->e->listeners[k].row);

		if (how && judge_is_first(j, k))
			shadow_finding(j, l, &j->e->listeners[k], how);
	}
}

void judge_member(struct judge *j, const struct listener_facts *l)
{
	if (lazy_member(j, l))
		lazy_finding(j, l);
}

void judge_listeners(struct judge *j)
{
	size_t i;

	for (i = 0; i < j->e->n_listeners; i++) {
		if (is_exposed(j, &j->e->listeners[i]))
			exposed_finding(j, &j->e->listeners[i]);
		judge_shadows(j, i);
	}
}
