/* Listeners that stand in each other's way, or in everybody's sight. */
#include "model/cause/listener_match.h"
#include "model/finding/inquiry.h"
#include "model/owner_status.h"
#include "model/rule/rules_private.h"

enum { MEMBER_WAIT_MS = 1000 }; /* the oldest of a SO_REUSEPORT group that stands */

/* Processes that share a descriptor, or are of one service, know of each other. */
static bool same_owner(const struct inquiry *q, const struct listener_facts *a,
		       const struct listener_facts *b)
{
	const struct holder *x, *y;

	if (a->row->uid != b->row->uid)
		return false;
	for (x = a->holders; x; x = x->next)
		for (y = b->holders; y; y = y->next) {
			const struct process_facts *px = evidence_process(q->e, x->pid);
			const struct process_facts *py = evidence_process(q->e, y->pid);

			if (x->pid == y->pid)
				return true;
			if (px && py && px->unit && py->unit && streq(px->unit, py->unit))
				return true;
		}
	return !a->holders && !b->holders && a->row->cgroup_id == b->row->cgroup_id;
}

/* Whether connections that the wildcard b would take go to a. */
static const char *shadow_of(const struct sock *a, const struct sock *b)
{
	struct addr x = addr_unmapped(&a->local), y = addr_unmapped(&b->local);
	uint32_t device = a->ifindex ? a->ifindex : b->ifindex;
	int taken = listener_score(b, &x, device);
	bool any = addr_is_any(&x), same = x.family == y.family;

	/* What is not known of b is not said of it. */
	if (!taken || listener_score(a, &x, device) <= taken || !addr_is_any(&y) ||
	    (!same && !(b->has & SOCK_HAS_V6ONLY)))
		return NULL;
	if (same)
		return any ? NULL
			   : "the specific address takes its connections from the wildcard";
	return any ? "the IPv4 wildcard takes IPv4 connections from the dual-stack [::]"
		   : "the specific IPv4 address takes its connections from the dual-stack [::]";
}

/* Nobody is named, and it is not that nobody has them: whose they are is not known. */
static bool owners_may_differ(const struct inquiry *q, const struct listener_facts *a,
			      const struct listener_facts *b)
{
	return (!a->holders || !b->holders) && owner_is_unknown(q->e->unowned);
}

static void shadow_finding(struct inquiry *q, const struct listener_facts *a,
			   const struct listener_facts *b, const char *how)
{
	struct finding *f = finding_add(q->fs, &rule_shadowed_listener);
	uint64_t cookies[2] = { a->row->cookie, b->row->cookie };

	if (same_owner(q, a, b)) {
		f->severity = SEVERITY_NOTE;
		if (owners_may_differ(q, a, b))
			q->fs->gaps |= BIT(GAP_SHADOW);
	}
	finding_put_listener(q, a);
	buf_puts(&q->text, " and ");
	finding_put_listener(q, b);
	f->where = finding_text(q);
	say(q, "Both listen on port %u: %s.", a->row->local.port, how);
	f->summary = finding_text(q);
	f->holders = a->holders ? finding_holders_and(q, a->holders, b->holders)
				: finding_holders(q, b->holders);
	finding_cookies(q, f, cookies, 2);
	finding_figure(f, "port", a->row->local.port, true);
}

/* The oldest connection that waits for any member of the group, second reading. */
static uint32_t group_wait_ms(const struct inquiry *q, const struct listener_facts *l)
{
	uint32_t longest = 0;
	size_t i;

	for (i = 0; i < q->e->n_listeners; i++) {
		const struct listener_facts *o = &q->e->listeners[i];

		if (o->read[1] && o->stats[1].has_wait &&
		    finding_same_place(o->row, l->row))
			longest = MAX(longest, o->stats[1].longest_wait_ms);
	}
	return longest;
}

/* One of a group whose queue stands, while another's is empty in both readings. */
bool finding_is_lazy(const struct inquiry *q, const struct listener_facts *l)
{
	size_t i;

	if (l->members < 2 || !finding_read_twice(q, l) || !l->queued[0] ||
	    l->queued[1] < l->queued[0] || group_wait_ms(q, l) < MEMBER_WAIT_MS)
		return false;
	for (i = 0; i < q->e->n_listeners; i++) {
		const struct listener_facts *o = &q->e->listeners[i];

		if (o != l && o->read[0] && o->read[1] && !o->queued[0] &&
		    !o->queued[1] && finding_same_place(o->row, l->row))
			return true;
	}
	return false;
}

static void judge_member(struct inquiry *q, const struct listener_facts *l)
{
	struct finding *f;
	uint32_t wait;

	if (finding_is_full(q, l) || finding_is_filling(q, l) || !finding_is_lazy(q, l))
		return;
	wait = group_wait_ms(q, l);
	f = finding_of_listener(q, &rule_shadowed_listener, l);
	finding_put_all_halted(q, l);
	say(q,
	    "One of %u listeners of a SO_REUSEPORT group: %u connections wait for it and do "
	    "not become fewer, while other members' queues are empty. The oldest of the "
	    "group has waited ",
	    l->members, l->queued[1]);
	buf_put_duration(&q->text, wait);
	buf_puts(&q->text, "; which clients are this member's cannot be told.");
	finding_put_acceptors(q, l);
	f->summary = finding_text(q);
	finding_not_accepted(q, f, l);
	finding_figure(f, "accept_queue", l->queued[1], true);
	finding_figure(f, "members", l->members, true);
	finding_figure(f, "waiting", 0, false);
	finding_figure(f, "gave_up", 0, false);
	finding_figure(f, "group_longest_wait_ms", wait, true);
}

static bool is_exposed(const struct inquiry *q, const struct listener_facts *l)
{
	/* With a second listener on the port nothing tells whose the connections are. */
	return q->d->whole_ports && !sock_is_unix(l->row) && !l->shadow &&
	       addr_is_any(&l->row->local) &&
	       q->d->local_ports[l->row->local.port].peers == SEEN_LOOPBACK;
}

static void judge_exposed(struct inquiry *q, const struct listener_facts *l)
{
	struct finding *f;

	if (!is_exposed(q, l))
		return;
	f = finding_of_listener(q, &rule_exposed_listener, l);
	if (!l->holders) {
		addr_put(&q->text, &l->row->local);
		f->where = finding_text(q);
	}
	buf_puts(&q->text, "It listens on every address, and every connection it has now "
			   "comes over loopback.");
	f->summary = finding_text(q);
}

const struct rule rule_exposed_listener = {
	.id = "exposed-listener",
	.severity = SEVERITY_NOTE,
	.meaning =
		"The listener takes connections on every address, but all its peers are on this host.",
	.advice =
		"Bind it to 127.0.0.1 or [::1] if other hosts have no business with it.",
	.threshold = "a wildcard address with connections, all of them over loopback",
	.judge_listener = judge_exposed,
};

/* Somebody waits, and another listener has the port, too: who is it that is slow? */
static bool suspect_member(const struct inquiry *q, const struct listener_facts *l)
{
	(void)q;
	return l->row->recv_queue && l->shadow;
}

static void judge_shadows(struct inquiry *q)
{
	const struct listener_facts *l, *o, *end = q->e->listeners + q->e->n_listeners;

	for (l = q->e->listeners; l < end; l++) {
		if (!l->shadow || !finding_is_first(q, l))
			continue;
		for (o = q->e->listeners; o < end; o++) {
			const char *how = shadow_of(l->row, o->row);

			if (how && finding_is_first(q, o))
				shadow_finding(q, l, o, how);
		}
	}
}

const struct rule rule_shadowed_listener = {
	.id = "shadowed-listener",
	.severity = SEVERITY_WARNING,
	.meaning =
		"Two listeners share a port and the more specific one takes its connections away from "
		"the other, or one of a SO_REUSEPORT group does not accept its share.",
	.advice = "Give them ports of their own, or stop the one that is not meant.",
	.threshold =
		"a specific and a wildcard address, or [::] and 0.0.0.0, of different owners; a group "
		"member whose queue stands while another's is empty and the oldest waits for #. "
		"Of one process or unit it is a note.",
	.numbers = { MS(MEMBER_WAIT_MS) },
	.suspect_listener = suspect_member,
	.judge_listener = judge_member,
	.judge = judge_shadows,
};

/* Whoever connects while one waits is dropped; no finding tells of its queue then. */
static void judge_backlog(struct inquiry *q, const struct listener_facts *l)
{
	const struct sock *s = l->row;
	struct finding *f;

	if (s->proto != PROTO_TCP || !(s->has & SOCK_HAS_LIMIT) || l->limit ||
	    finding_is_full(q, l) || !finding_is_first(q, l))
		return;
	f = finding_of_listener(q, &rule_backlog_zero, l);
	say(q,
	    "The limit of its accept queue is 0: one connection at most waits for "
	    "accept(), and the kernel drops the SYNs of the others, which their clients "
	    "send again after a second.");
	f->summary = finding_text(q);
	finding_figure(f, "accept_queue_limit", l->limit, true);
}

const struct rule rule_backlog_zero = {
	.id = "backlog-zero",
	.severity = SEVERITY_NOTE,
	.meaning =
		"The accept queue holds a single connection: clients that arrive while one waits get "
		"no answer to their SYN and try again after a second, then two, then four.",
	.advice =
		"Pass a larger backlog to listen() if more than one client may connect at a time.",
	.threshold = "a listener whose accept queue has a limit of zero",
	.judge_listener = judge_backlog,
};

static void put_path(struct inquiry *q, const struct sock *s)
{
	buf_puts(&q->text, "unix:");
	buf_put_escaped(&q->text, s->path.data, s->path.len);
}

static void put_restart(struct inquiry *q, const struct lost_file *lost)
{
	size_t before = q->text.len;

	if (lost->by && lost->by_holders) {
		say(q, "Stop ");
		finding_put_processes(q, lost->holders);
		say(q, ", or give each of the two a path of its own.");
		return;
	}
	finding_put_restart(q, lost->holders->pid, "The file is made again by a restart");
	if (q->text.len != before)
		return;
	say(q, "Restart ");
	finding_put_processes(q, lost->holders);
	say(q, ", so that the file is made again.");
}

static void lost_file_finding(struct inquiry *q, const struct lost_file *lost)
{
	struct finding *f = finding_add(q->fs, &rule_unreachable_unix);

	put_path(q, lost->row);
	buf_puts(&q->text, ", ");
	finding_put_holders(q, lost->holders);
	f->where = finding_text(q);
	if (lost->by && lost->by_holders) {
		say(q, "Another file has taken the path, and clients reach ");
		finding_put_processes(q, lost->by_holders);
		buf_puts(&q->text, " in its place.");
	} else {
		say(q, lost->replaced
			       ? "Another file has taken the path: clients cannot reach "
				 "the socket."
			       : "The file was deleted or moved: clients that look up "
				 "the path cannot reach the socket.");
	}
	f->summary = finding_text(q);
	put_restart(q, lost);
	f->advice = finding_text(q);
	f->holders = finding_holders(q, lost->holders);
	finding_cookies(q, f, &lost->row->cookie, 1);
	finding_figure(f, "replaced", lost->replaced, true);
}

static void judge_lost_files(struct inquiry *q)
{
	size_t i;

	for (i = 0; i < q->e->n_lost_files; i++)
		lost_file_finding(q, &q->e->lost_files[i]);
}

const struct rule rule_unreachable_unix = {
	.id = "unreachable-unix-listener",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The path that a unix socket is bound to does not lead to it any more: a cleaner "
		"removed the file, an old instance of the server removed it when it ended, or another "
		"one took the path.",
	.advice =
		"Restart the process that is named: it then makes the file again. Of two servers of "
		"one path stop the one that is not meant.",
	.threshold =
		"with -x: no file at the path, or another one, here and for each process that has "
		"the socket; not where one of them cannot be looked at or has a root of its own",
	.judge = judge_lost_files,
};

/* Ports of discovery by multicast or broadcast: everybody who takes part has the port. */
static bool is_for_many(const struct addr *local)
{
	static const uint16_t ports[] = {
		67,   68,  546, 547, /* DHCP */
		319,  320,	     /* PTP */
		1900,		     /* SSDP */
		3702,		     /* WS-Discovery */
		5353,		     /* mDNS */
		5355,		     /* LLMNR */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ports); i++)
		if (local->port == ports[i])
			return true;
	return addr_is_multicast(local);
}

static bool may_share(const struct sock *s)
{
	return s->state == STATE_CLOSE && s->inode && s->local.port &&
	       !is_for_many(&s->local);
}

static bool has_company(const struct connection_facts *c)
{
	return c->place;
}

/* Of one program and user, or started by the same or one by the other; what is not known
 * is no stranger. */
static bool are_related(const struct process_facts *a, const struct process_facts *b)
{
	bool same;

	if (!a || !b || !a->doing.state || !b->doing.state || !a->doing.program ||
	    !b->doing.program || a->pid == b->pid || a->doing.parent == b->pid ||
	    b->doing.parent == a->pid)
		return true;
	if (a->keeper.kind == b->keeper.kind && a->keeper.name && b->keeper.name &&
	    streq(a->keeper.name, b->keeper.name))
		return true;
	same = a->doing.program == b->doing.program;
	return same && (a->uid == b->uid ||
			(a->doing.parent > 1 && a->doing.parent == b->doing.parent));
}

static bool are_strangers(const struct inquiry *q, const struct connection_facts *a,
			  const struct connection_facts *b)
{
	const struct holder *x, *y;

	for (x = a->holders; x; x = x->next)
		for (y = b->holders; y; y = y->next)
			if (are_related(evidence_process(q->e, x->pid),
					evidence_process(q->e, y->pid)))
				return false;
	return a->holders && b->holders;
}

/* Everybody who has the place, each socket's holders in turn; how many sockets. */
static const struct holder *all_of_place(struct inquiry *q, const struct candidates *all,
					 const struct connection_facts *first, size_t *n)
{
	const struct holder *list = NULL, **link = &list, *h;
	size_t i;

	*n = 0;
	for (i = 0; i < all->n; i++) {
		if (all->v[i].place != first)
			continue;
		++*n;
		for (h = all->v[i].holders; h; h = h->next)
			holder_append(&q->fs->arena, &link, h)->command = arena_strdup(
				&q->fs->arena, h->command);
	}
	return list;
}

static void shared_finding(struct inquiry *q, const struct candidates *all,
			   const struct connection_facts *a,
			   const struct connection_facts *b)
{
	struct finding *f = finding_add(q->fs, &rule_shared_port);
	uint64_t cookies[2] = { a->row->cookie, b->row->cookie };
	bool users = a->row->uid != b->row->uid;
	size_t n;

	f->holders = all_of_place(q, all, a, &n);
	addr_put(&q->text, &a->row->local);
	buf_puts(&q->text, ", ");
	finding_put_holders(q, f->holders);
	f->where = finding_text(q);
	say(q,
	    "%zu sockets of different %s have this address, and each datagram that is sent "
	    "to it alone goes to one of them:\n%s. Broadcasts and multicasts go to all.",
	    n, users ? "users" : "programs",
	    users ? "SO_REUSEADDR lets them, and the one that was bound last takes all"
		  : "with SO_REUSEADDR the one that was bound last takes all, with "
		    "SO_REUSEPORT the sender's address decides");
	f->summary = finding_text(q);
	finding_cookies(q, f, cookies, 2);
	finding_figure(f, "port", a->row->local.port, true);
	finding_figure(f, "sockets", n, true);
}

/* The first stranger of a place is enough: who is related to one is to the others. */
static void judge_shared(struct inquiry *q)
{
	struct candidates all = finding_candidates(q, &rule_shared_port);
	const struct connection_facts *told = NULL;
	size_t i, k;

	for (i = 0; i < all.n; i++) {
		const struct connection_facts *first = &all.v[i];

		if (first->place != first)
			continue;
		for (k = i + 1, told = NULL; k < all.n && !told; k++)
			if (all.v[k].place == first && are_strangers(q, first, &all.v[k]))
				told = &all.v[k];
		if (told)
			shared_finding(q, &all, first, told);
	}
}

const struct rule rule_shared_port = {
	.id = "shared-port",
	.severity = SEVERITY_NOTE,
	.meaning =
		"Two programs that do not belong together receive datagrams at the same address and "
		"port, and one takes what is sent to the other.",
	.advice = "Give one of them another port, or stop the one that is not meant.",
	.threshold =
		"UDP sockets of one address and interface, held by different programs, or by different "
		"users, of different units; not a process and its workers, multicast addresses and the "
		"ports of DHCP, PTP, SSDP, WS-Discovery, mDNS and LLMNR",
	.candidate = may_share,
	.rows = ROWS_UDP,
	.look = LOOK_PLACE,
	.suspect = has_company,
	.judge = judge_shared,
};
