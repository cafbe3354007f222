/* What to do next: a command for each cause, as all of them are in the way. */
#include <errno.h>

#include "model/cause/bind_say.h"

static struct advised advised(const struct bind_facts *f, uint32_t owner)
{
	return (struct advised){ .uid = f->asker, .owner = owner };
}

static enum bind_cause cause_by_id(const char *id)
{
	unsigned i = 0;

	while (bind_causes[i].id && !streq(bind_causes[i].id, id))
		i++;
	return (enum bind_cause)i;
}

struct again {
	bool reuseaddr, reuseport, try, sudo;
};

/* The same question with other options. */
static void put_question(const struct bind_facts *f, struct buf *b, struct again how)
{
	advise_begin(b, how.sudo && f->asker);
	advise_word(b, "sockctl");
	advise_word(b, "inspect");
	advise_word(b, "--bindable");
	advise_escaped_word(b, f->asked);
	if (f->candidate.v6only && f->candidate.addr.family == AF_INET6)
		advise_word(b, "--v6only");
	if (how.reuseaddr)
		advise_word(b, "--reuseaddr");
	if (how.reuseport)
		advise_word(b, "--reuseport");
	if (f->user) {
		advise_word(b, "--as-user");
		advise_word(b, f->user);
	}
	if (how.try)
		advise_word(b, "--try");
}

static const struct bind_found *found_of(const struct bind_facts *f,
					 const struct cause *cause)
{
	size_t i;

	if (f->taken)
		return f->taken;
	for (i = 0; i < f->n_found && cause->processes; i++)
		if (f->found[i].holder.row->holders == cause->processes)
			return &f->found[i];
	return NULL;
}

static void put_stop(const struct bind_facts *f, struct buf *b, const struct cause *cause)
{
	const struct bind_found *x = found_of(f, cause);

	if (x)
		occupants_advise_end(b, &x->occupants, f->asker, f->candidate.addr.port);
}

/* Until the last remnant is forgotten; false if one of them has no end. */
static bool put_wait(const struct bind_facts *f, struct buf *b)
{
	uint32_t ms = 0;
	size_t i;

	for (i = 0; i < f->n_found; i++) {
		const struct sock *row = f->found[i].holder.row;

		if (row->inode || row->state == STATE_LISTEN)
			continue;
		if (row->timer != TIMER_REMNANT)
			return false;
		ms = MAX(ms, row->expires_ms);
	}
	if (!ms)
		return false;
	advise_in_words(b, "wait ");
	put_span(b, ms);
	return true;
}

static void next_for_remnant(const struct bind_facts *f, struct buf *b)
{
	struct again again = { true, f->candidate.reuseport, true, false };

	if (f->candidate.proto == PROTO_TCP && !f->tried)
		put_question(f, b, again);
	else if (!put_wait(f, b))
		advise_in_words(b, "wait until the kernel gives up on them");
}

/* "another port", or what an address has in its place. */
static const char *another(const struct bind_facts *f)
{
	return f->candidate.addr.family ? "port" : *f->address == '@' ? "name" : "path";
}

/* How to learn who holds what is in the way, or NULL. */
static const char *unnamed_remedy(const struct bind_facts *f)
{
	size_t i;

	if (f->owners_error == EMFILE)
		return "raise 'ulimit -n'";
	if (f->taken && f->taken->remedy)
		return f->taken->remedy;
	for (i = 0; i < f->n_found; i++)
		if (f->found[i].remedy)
			return f->found[i].remedy;
	return NULL;
}

static void next_for_culprit(const struct bind_facts *f, struct buf *b,
			     const struct cause *cause)
{
	const char *remedy = unnamed_remedy(f);
	struct again again = { f->candidate.reuseaddr, f->candidate.reuseport, false,
			       true };

	if (cause->processes) {
		put_stop(f, b, cause);
	} else if (remedy && streq(remedy, TRY_SUDO)) {
		put_question(f, b, again);
		advise_in_words(b, "which names the owner");
	} else if (remedy) {
		advise_in_words(b, "to see the owner: %s", remedy);
	}
}

static void next_for_group(const struct bind_facts *f, struct buf *b,
			   const struct cause *cause)
{
	struct again again = { f->candidate.reuseaddr, true, false, false };

	if (f->candidate.reuseport)
		next_for_culprit(f, b, cause);
	else
		put_question(f, b, again);
}

static void next_for_access(const struct bind_facts *f, struct buf *b)
{
	_cleanup_buf_ struct buf s = { 0 }, a = { 0 };

	access_say(&f->access, f->asker, &s, &a, b);
}

/* Each of them alone has its port. */
static void next_for_tunnel(const struct bind_facts *f, struct buf *b)
{
	size_t i;

	for (i = 0; i < f->n_found; i++)
		if (f->found[i].link) {
			advise(b, ADVICE_REMOVE_LINK, advised(f, 0), f->found[i].link);
			return;
		}
}

/* The command or the words for one cause; nothing where nothing is known. */
static void next_for(const struct bind_facts *f, struct buf *b, const struct cause *cause)
{
	switch (cause_by_id(cause->id)) {
	case CAUSE_REUSEPORT:
		next_for_group(f, b, cause);
		break;
	case CAUSE_LISTENER:
	case CAUSE_CHILDREN:
	case CAUSE_BOUND:
	case CAUSE_LIVE:
	case CAUSE_ABSTRACT:
		next_for_culprit(f, b, cause);
		break;
	case CAUSE_REMNANT:
		next_for_remnant(f, b);
		break;
	case CAUSE_OUTGOING:
		if (cause->processes)
			next_for_culprit(f, b, cause);
		else
			next_for_remnant(f, b);
		break;
	case CAUSE_STALE:
		advise(b, ADVICE_REMOVE, advised(f, f->may_change ? f->asker : 0),
		       f->address);
		break;
	case CAUSE_MOUNT:
		advise_in_words(b, "start the container without this mount");
		break;
	case CAUSE_NO_SOCKET:
		if (f->is_empty)
			advise(b, ADVICE_REMOVE_DIRECTORY,
			       advised(f, f->may_change ? f->asker : 0), f->address);
		break;
	case CAUSE_EXHAUSTED:
		advise(b, ADVICE_PORT_RANGE, advised(f, 0));
		break;
	case CAUSE_PRIVILEGED:
		if (!f->netns_is_above)
			advise(b, ADVICE_SETCAP, advised(f, 0), "PROGRAM");
		break;
	case CAUSE_LOOPBACK_DOWN:
		advise(b, ADVICE_LOOPBACK_UP, advised(f, 0));
		break;
	case CAUSE_IPV6_OFF:
		ipv6_advise_on(&f->ipv6, f->asker, b);
		break;
	case CAUSE_NOT_LOCAL:
		bind_next_place(f->place, f->device, advised(f, 0), b);
		break;
	case CAUSE_NO_SCOPE:
		advise(b, ADVICE_ADDRESSES, advised(f, 0));
		break;
	case CAUSE_NO_DIRECTORY:
		if (f->directory)
			advise(b, ADVICE_MAKE_DIRECTORY,
			       advised(f, f->may_change ? f->asker : 0), f->directory);
		break;
	case CAUSE_NO_PERMISSION:
		next_for_access(f, b);
		break;
	case CAUSE_KERNEL:
		next_for_tunnel(f, b);
		break;
	case CAUSE_NO_DESCRIPTOR:
	case CAUSE_POLICY:
	case CAUSE_UNKNOWN:
	case CAUSES:
		break;
	}
}

/* Whether another port, path or name is a way out; low ports are in the way themselves.
 */
static bool is_escapable(enum bind_cause cause)
{
	return cause != CAUSE_STALE && cause != CAUSE_NOT_LOCAL &&
	       cause != CAUSE_NO_SCOPE && cause != CAUSE_LOOPBACK_DOWN &&
	       cause != CAUSE_IPV6_OFF && cause != CAUSE_NO_DIRECTORY &&
	       cause != CAUSE_EXHAUSTED && cause != CAUSE_POLICY && cause < CAUSE_UNKNOWN;
}

/* The way around all of them. */
static void put_escape(const struct bind_facts *f, struct buf *b,
		       const struct causes *causes)
{
	bool low = false;
	size_t i;

	for (i = 0; i < causes->n; i++) {
		enum bind_cause cause = cause_by_id(causes->v[i].id);

		low |= cause == CAUSE_PRIVILEGED;
		/* What was made in the place of a socket is in nobody's way for long. */
		if (!is_escapable(cause) || (cause == CAUSE_NO_SOCKET && f->is_empty))
			return;
	}
	advise_in_words(b, "%schoose another %s", b->len ? "or " : "", another(f));
	if (low)
		buf_printf(b, ", from %u on", f->unprivileged_from);
}

static bool has_line(const struct buf *b, const struct buf *line)
{
	return b->len >= line->len && line->len &&
	       memmem(b->data, b->len, line->data, line->len);
}

enum { TOLD_MOST = 4 }; /* causes; who stops so many looks again */

void bind_say_next(const struct bind_facts *f, enum bind_verdict verdict,
		   struct causes *causes)
{
	struct again again = { f->candidate.reuseaddr, f->candidate.reuseport, true,
			       f->cannot_try };
	struct buf b = { 0 };
	size_t i;

	if (!causes->n)
		return;
	if (verdict == BIND_CANNOT_TELL && f->candidate.proto == PROTO_TCP && !f->tried) {
		put_question(f, &b, again);
		causes_next(causes, &b);
		return;
	}
	for (i = 0; i < causes->n && i < TOLD_MOST; i++) {
		_cleanup_buf_ struct buf one = { 0 };

		next_for(f, &one, &causes->v[i]);
		if (one.len && !has_line(&b, &one)) {
			if (b.len)
				buf_putc(&b, '\n');
			buf_put(&b, one.data, one.len);
		}
	}
	put_escape(f, &b, causes);
	causes_next(causes, &b);
}
