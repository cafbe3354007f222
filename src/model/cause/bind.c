/* From facts to a verdict, its causes and what to do. */
#include <errno.h>

#include "model/cause/bind_say.h"
#include "model/cause/kernel_user.h"
#include "model/cause/namesake.h"

static bool is_unix(uint8_t proto)
{
	return proto == PROTO_UNIX_STREAM || proto == PROTO_UNIX_DGRAM ||
	       proto == PROTO_UNIX_SEQPACKET;
}

/* A SO_REUSEPORT group that this socket cannot join, rather than any listener. */
static bool is_mismatch(const struct bind_candidate *c, const struct bind_found *x)
{
	bool theirs = x->holder.reuseport == KNOWN_ON, mine = c->reuseport;

	if (x->direction != DIRECTION_NONE ||
	    x->holder.row->state == STATE_BOUND_INACTIVE)
		return false;
	if (mine && x->holder.row->uid != c->uid)
		return x->holder.reuseport != KNOWN_OFF;
	return mine ? x->holder.reuseport == KNOWN_OFF : theirs;
}

static enum bind_cause bind_cause_of(const struct bind_candidate *c,
				     const struct bind_found *x)
{
	const struct sock *row = x->holder.row;

	if (x->direction == DIRECTION_OUTGOING)
		return CAUSE_OUTGOING;
	if (x->direction == DIRECTION_SERVED)
		return row->inode ? CAUSE_CHILDREN : CAUSE_REMNANT;
	if (row->inode && row->owner_status == OWNER_KERNEL)
		return CAUSE_KERNEL;
	if (row->inode && row->owner_status == OWNER_INVISIBLE)
		return kernel_user(row) ? CAUSE_KERNEL : CAUSE_NO_DESCRIPTOR;
	if (row->inode && row->owner_status == OWNER_CANDIDATES)
		return CAUSE_NO_DESCRIPTOR;
	if (is_mismatch(c, x))
		return CAUSE_REUSEPORT;
	return row->state == STATE_BOUND_INACTIVE ? CAUSE_BOUND : CAUSE_LISTENER;
}

/* What a trial bind has shown is known, also where the tables are silent. */
static enum bind_verdict verdict_of_trial(const struct bind_facts *f, enum bind_verdict v)
{
	if (!f->tried || v != BIND_CANNOT_TELL)
		return v;
	return f->trial_error ? BIND_CONFLICT : BIND_OK;
}

static bool same_group(const struct bind_found *a, const struct bind_found *b)
{
	const struct sock *x = a->holder.row, *y = b->holder.row;

	if (!x->holders || !y->holders)
		return !x->holders && !y->holders && x->state != STATE_LISTEN &&
		       a->direction == b->direction && !x->inode == !y->inode;
	return x->holders->pid == y->holders->pid;
}

/* Whether a listener is in the way: then what it took is no cause of its own. */
static bool listener_conflicts(const struct bind_facts *f)
{
	size_t i;

	for (i = 0; i < f->n_listening; i++)
		if (bind_between(&f->candidate, &f->found[i].holder) != BIND_OK)
			return true;
	return false;
}

/* One cause for all holders of one kind and one process that are of this verdict. */
static void add_holders(const struct bind_facts *f, enum bind_verdict wanted,
			struct causes *causes)
{
	bool *told = arena_zalloc(causes->arena, f->n_found + 1);
	bool by_listener = listener_conflicts(f);
	size_t i, j;

	for (i = 0; i < f->n_found && causes->n < CAUSES_MOST; i++) {
		const struct bind_found *x = &f->found[i];
		struct bind_group g = {
			.first = x, .verdict = bind_between(&f->candidate, &x->holder)
		};

		if (told[i] || (x->covered && by_listener) || g.verdict != wanted)
			continue;
		g.cause = bind_cause_of(&f->candidate, x);
		g.members = arena_alloc(causes->arena, f->n_found * sizeof(*g.members));
		for (j = i; j < f->n_found; j++) {
			const struct bind_found *y = &f->found[j];

			if (told[j] || (y->covered && by_listener) || !same_group(x, y) ||
			    bind_cause_of(&f->candidate, y) != g.cause ||
			    bind_between(&f->candidate, &y->holder) != g.verdict)
				continue;
			told[j] = true;
			g.members[g.n++] = y;
		}
		bind_say_group(f, &g, causes);
	}
}

/* Where the ports begin that need none is a setting, 0 to 65535. */
static bool may_need_right(const struct bind_facts *f)
{
	return f->unprivileged_error && f->candidate.addr.port && !f->privileged;
}

static enum bind_cause cause_of_place(const struct bind_facts *f)
{
	if (ipv6_is_off(&f->ipv6))
		return CAUSE_IPV6_OFF;
	return f->loopback_down ? CAUSE_LOOPBACK_DOWN : CAUSE_NOT_LOCAL;
}

static enum bind_verdict place_verdict(const struct bind_facts *f, struct causes *causes)
{
	const struct bind_candidate *c = &f->candidate;
	enum bind_verdict verdict = BIND_OK;

	if (f->place == PLACE_NO_SCOPE) {
		bind_say_plain(f, CAUSE_NO_SCOPE, causes);
		return BIND_CONFLICT;
	}
	/* Without a socket of the family no option helps. */
	if (f->place != PLACE_LOCAL && f->place != PLACE_UNKNOWN &&
	    (!f->freebind || f->ipv6.no_socket)) {
		bind_say_plain(f, cause_of_place(f), causes);
		verdict = BIND_CONFLICT;
	}
	if (may_need_right(f)) {
		verdict = MAX(verdict, BIND_CANNOT_TELL);
	} else if (c->addr.port && c->addr.port < f->unprivileged_from &&
		   !f->privileged) {
		bind_say_plain(f, CAUSE_PRIVILEGED, causes);
		verdict = BIND_CONFLICT;
	}
	return verdict;
}

static enum bind_verdict range_verdict(const struct bind_facts *f, struct causes *causes)
{
	const struct bind_candidate *c = &f->candidate;

	if (c->addr.port)
		return BIND_OK;
	if (!f->range_read)
		return BIND_CANNOT_TELL;
	if (f->range_free > 1)
		return BIND_OK;
	/*
	 * The search goes by pairs of ports, so the last free one of an odd range may be
	 * missed; and UDP shares the port that another has, if both allow it.
	 */
	if (f->range_free || (c->proto == PROTO_UDP && (c->reuseaddr || c->reuseport)))
		return f->range_free && f->range_ports % 2 == 0 ? BIND_OK
								: BIND_CANNOT_TELL;
	bind_say_plain(f, CAUSE_EXHAUSTED, causes);
	return BIND_CONFLICT;
}

static struct bind_holder *holders_of(const struct bind_facts *f, struct arena *a)
{
	struct bind_holder *holders = arena_alloc(a, (f->n_found + 1) * sizeof(*holders));
	size_t i;

	for (i = 0; i < f->n_found; i++)
		holders[i] = f->found[i].holder;
	return holders;
}

/* The reservation of a "no" that no table can take away. */
static void note_remembered(const struct bind_facts *f, struct causes *causes)
{
	struct bind_holder *holders = holders_of(f, causes->arena);

	if (!f->tried && bind_is_remembered(&f->candidate, holders, f->n_found))
		bind_say_remembered(f, causes);
}

/* A trial that failed although nothing was found, or in another way than found. */
static void add_trial(const struct bind_facts *f, struct causes *causes)
{
	switch (f->trial_error) {
	case EACCES:
	case EPERM:
		bind_say_plain(f, may_need_right(f) ? CAUSE_UNKNOWN : CAUSE_POLICY,
			       causes);
		break;
	case EADDRNOTAVAIL:
		bind_say_plain(f, cause_of_place(f), causes);
		break;
	default:
		bind_say_plain(f, CAUSE_UNKNOWN, causes);
		break;
	}
}

/* Not even a port that nobody wants could be bound: no permission denies that. */
static bool is_refused(const struct bind_facts *f)
{
	return f->bound_refused && !f->dump_error && f->place != PLACE_UNKNOWN &&
	       !may_need_right(f) &&
	       (f->bound_error == EACCES || f->bound_error == EPERM);
}

/* An address that can be bound before its interface is up. */
static void note_loopback_down(const struct bind_facts *f, struct causes *causes)
{
	struct buf b = { 0 };

	if (!f->loopback_down)
		return;
	buf_puts(&b,
		 "the loopback interface of this network namespace is down: nobody can "
		 "connect there until it is up");
	causes_note(causes, &b);
}

static enum bind_verdict inet_verdict(const struct bind_facts *f, struct causes *causes)
{
	enum bind_verdict place = place_verdict(f, causes), range, held, verdict;

	range = range_verdict(f, causes);
	held = bind_among(&f->candidate, holders_of(f, causes->arena), f->n_found);
	verdict = MAX(MAX(place, range), held);
	/* What cannot be seen may hold the port as well. */
	if (verdict == BIND_OK && (f->dump_error || f->place == PLACE_UNKNOWN ||
				   (f->candidate.proto == PROTO_TCP &&
				    f->candidate.addr.port && !f->sees_bound)))
		verdict = BIND_CANNOT_TELL;
	verdict = verdict_of_trial(f, verdict);
	if (f->tried && f->trial_error == 0)
		verdict = BIND_OK;
	else if (f->tried)
		verdict = BIND_CONFLICT;
	if (verdict == BIND_OK) {
		causes->n = 0;
		note_loopback_down(f, causes);
		return verdict;
	}
	add_holders(f, BIND_CONFLICT, causes);
	add_holders(f, BIND_CANNOT_TELL, causes);
	if (!causes->n && f->tried)
		add_trial(f, causes);
	else if (!causes->n && is_refused(f))
		bind_say_plain(f, CAUSE_POLICY, causes);
	else if (!causes->n)
		bind_say_plain(f, CAUSE_UNKNOWN, causes);
	if (held == BIND_CONFLICT && MAX(place, range) != BIND_CONFLICT)
		note_remembered(f, causes);
	return verdict;
}

static bool is_denied_by_path(const struct bind_facts *f)
{
	return f->file == FILE_FORBIDDEN && access_denies(&f->access);
}

/* The caller could not look where another user perhaps can; of itself it knows. */
static enum bind_verdict verdict_of_unseen(const struct bind_facts *f,
					   struct causes *causes)
{
	if (f->access.kind == ACCESS_UNKNOWN)
		bind_say_access(f, causes);
	else
		bind_say_unix(f, CAUSE_UNKNOWN, causes);
	return f->user ? BIND_CANNOT_TELL : BIND_CONFLICT;
}

/* Nothing is in the way by what the tables and the path say. */
static enum bind_verdict verdict_of_path(const struct bind_facts *f,
					 struct causes *causes)
{
	if (f->tried && (f->trial_error == EACCES || f->trial_error == EPERM)) {
		bind_say_plain(f, CAUSE_POLICY, causes);
		return BIND_CONFLICT;
	}
	if (f->access.kind != ACCESS_UNKNOWN)
		return BIND_OK;
	bind_say_access(f, causes);
	return BIND_CANNOT_TELL;
}

/* What nothing can be put in the place of. */
static bool is_mounted(const struct bind_facts *f)
{
	return f->is_mount && (f->file == FILE_STALE || f->file == FILE_OTHER);
}

static enum bind_verdict unix_verdict(const struct bind_facts *f, struct causes *causes)
{
	enum bind_verdict verdict = BIND_NOT_JUDGED;
	static const enum bind_cause by_file[] = {
		[FILE_FREE] = CAUSES,
		[FILE_LIVE] = CAUSE_LIVE,
		[FILE_STALE] = CAUSE_STALE,
		[FILE_UNSURE] = CAUSE_UNKNOWN,
		[FILE_OTHER] = CAUSE_NO_SOCKET,
		[FILE_NO_PARENT] = CAUSE_NO_DIRECTORY,
		[FILE_FORBIDDEN] = CAUSE_POLICY,
		[FILE_UNREAD] = CAUSE_UNKNOWN,
	};

	if (f->file == FILE_FORBIDDEN &&
	    (f->access.kind == ACCESS_UNKNOWN || (f->user && !access_denies(&f->access))))
		return verdict_of_unseen(f, causes);
	if (f->file != FILE_FREE && !is_denied_by_path(f)) {
		bind_say_unix(f, is_mounted(f) ? CAUSE_MOUNT : by_file[f->file], causes);
		verdict = f->file == FILE_UNREAD ? BIND_CANNOT_TELL : BIND_CONFLICT;
	}
	if (access_denies(&f->access)) {
		bind_say_access(f, causes);
		verdict = BIND_CONFLICT;
	}
	if (verdict != BIND_NOT_JUDGED)
		return verdict;
	if (f->taken) {
		bind_say_unix(f, CAUSE_ABSTRACT, causes);
		return BIND_CONFLICT;
	}
	if (f->dump_error) {
		bind_say_plain(f, CAUSE_UNKNOWN, causes);
		return BIND_CANNOT_TELL;
	}
	return verdict_of_path(f, causes);
}

enum bind_verdict cause_of_bind(const struct bind_facts *f, struct causes *causes)
{
	enum bind_verdict verdict = is_unix(f->candidate.proto) ? unix_verdict(f, causes)
								: inet_verdict(f, causes);

	bind_say_elsewhere(f, causes);
	namesake_note(f, causes);
	if (verdict != BIND_OK || f->n_elsewhere)
		bind_say_owners(f->owners_error, causes);
	if (verdict != BIND_OK)
		bind_say_next(f, verdict, causes);
	return verdict;
}
