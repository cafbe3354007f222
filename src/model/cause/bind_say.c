#include "model/cause/bind_say.h"

#include <errno.h>

#include "model/cause/kernel_user.h"
#include "model/names.h"

/* Who holds it: a process, or why there is none to name. */
void bind_put_owner(struct buf *b, const struct bind_found *x)
{
	const struct sock *row = x->holder.row;
	const struct owner_words *words = owner_words(row->owner_status);

	if (row->holders) {
		put_culprit(b, row->holders);
		return;
	}
	buf_puts(b, words->who ? words->who : "a process");
	if (x->tunnel)
		buf_printf(b, ", for the tunnel %s,", x->tunnel);
	if (x->tunnel || row->owner_status == OWNER_INVISIBLE ||
	    row->owner_status == OWNER_KERNEL || row->owner_status == OWNER_NOT_READ)
		return;
	buf_puts(b, " (of user ");
	if (x->user)
		buf_put_escaped(b, x->user, strlen(x->user));
	else
		buf_put_u64(b, row->uid);
	if (x->remedy)
		buf_printf(b, "; %s", x->remedy);
	buf_putc(b, ')');
}

void bind_put_age_and_unit(struct buf *b, const struct bind_found *x)
{
	enum halted halted = x->occupants.n ? x->occupants.v[0].halt.by : HALT_NONE;

	if (x->age_ms) {
		buf_puts(b, ", up for ");
		put_span(b, x->age_ms);
	}
	if (x->unit) {
		buf_puts(b, ", unit ");
		buf_put_escaped(b, x->unit, strlen(x->unit));
	}
	if (halted != HALT_NONE)
		buf_printf(b, ", %s", halt_words(halted));
}

void bind_put_address(struct buf *b, const struct addr *a)
{
	struct addr plain = addr_unmapped(a);
	bool six = plain.family == AF_INET6;

	if (six)
		buf_putc(b, '[');
	addr_put_ip(b, &plain);
	if (six)
		buf_putc(b, ']');
	buf_printf(b, ":%u", a->port);
}

/* Why two different addresses are one place. */
static void put_overlap(struct buf *b, const struct bind_candidate *c,
			const struct bind_holder *h)
{
	struct addr mine = addr_unmapped(&c->addr), bare = addr_unmapped(&h->row->local);

	mine.port = bare.port = 0;
	if (addr_same_ip(&mine, &bare))
		return;
	buf_puts(b, " (");
	if (bare.family == AF_INET6 && addr_is_any(&bare) && mine.family == AF_INET)
		buf_puts(b, "dual stack, so it holds ");
	else if (addr_is_any(&bare))
		buf_puts(b, "every address, so it holds ");
	else
		buf_puts(b, "one of the addresses that make up ");
	addr_put_ip(b, &mine);
	buf_puts(b, addr_is_any(&bare) ? " too)" : ")");
}

static const char *sharing_of(const struct bind_holder *h)
{
	if (h->reuseport == KNOWN_ON)
		return h->reuseaddr == KNOWN_ON ? "SO_REUSEADDR and SO_REUSEPORT"
						: "SO_REUSEPORT";
	return h->reuseaddr == KNOWN_ON ? "SO_REUSEADDR" : NULL;
}

static void say_listener(const struct bind_facts *f, const struct bind_group *g,
			 struct buf *s)
{
	const struct sock *row = g->first->holder.row;
	const char *options = sharing_of(&g->first->holder);

	bind_put_owner(s, g->first);
	if (row->state == STATE_LISTEN)
		buf_puts(s, " listens on ");
	else if (row->state == STATE_BOUND_INACTIVE)
		buf_puts(s, " is bound, and neither listens nor is connected, on ");
	else
		buf_puts(s, row->peer.port ? " is connected from " : " receives on ");
	bind_put_address(s, &row->local);
	put_overlap(s, &f->candidate, &g->first->holder);
	if (g->n > 1)
		buf_printf(s, " with %zu sockets", g->n);
	if (options)
		buf_printf(s, ", with %s", options);
	bind_put_age_and_unit(s, g->first);
}

static bool v6only_helps(const struct bind_facts *f, const struct bind_group *g)
{
	struct bind_candidate alone = f->candidate;

	alone.v6only = true;
	return !f->candidate.v6only && f->candidate.addr.family == AF_INET6 &&
	       bind_overlap(&alone, &g->first->holder) == KNOWN_OFF;
}

static void advise_listener(const struct bind_facts *f, const struct bind_group *g,
			    struct buf *a)
{
	const struct sock *row = g->first->holder.row;

	if (g->verdict == BIND_CANNOT_TELL)
		buf_puts(a, "Whether it set the option that would let both be cannot be "
			    "read.");
	else if (v6only_helps(f, g))
		buf_puts(a, "It holds IPv4 only: with IPV6_V6ONLY (--v6only) yours would "
			    "go beside it.");
	else if (f->candidate.reuseaddr && row->state == STATE_LISTEN)
		buf_puts(a, "SO_REUSEADDR does not help against a socket that listens.");
	else if (row->state == STATE_BOUND_INACTIVE &&
		 g->first->holder.reuseaddr == KNOWN_ON && !f->candidate.reuseaddr)
		buf_puts(a,
			 "SO_REUSEADDR on your socket would do: it has it set, and does "
			 "not listen.");
}

static void advise_reuseport(const struct bind_facts *f, const struct bind_group *g,
			     struct buf *a)
{
	const struct bind_found *x = g->first;

	if (!f->candidate.reuseport) {
		buf_puts(a, "Set SO_REUSEPORT too");
		if (x->holder.row->uid != f->candidate.uid)
			buf_puts(a, " and run as its user");
		buf_puts(a, ", and both share the port.");
	} else if (x->holder.row->uid != f->candidate.uid) {
		buf_puts(a, "SO_REUSEPORT shares a port among sockets of one user; it is "
			    "of ");
		if (x->user)
			buf_put_escaped(a, x->user, strlen(x->user));
		else
			buf_printf(a, "user %u", x->holder.row->uid);
		buf_puts(a, ", root is no exception.");
	} else {
		buf_puts(a, "SO_REUSEPORT is off there: both must set it.");
	}
}

/* "2 in TIME_WAIT, 1 in LAST_ACK" and the longest time left. */
static void put_states(struct buf *s, const struct bind_group *g)
{
	unsigned count[STATE_COUNT] = { 0 }, state;
	const char *between = "";
	size_t i;

	for (i = 0; i < g->n; i++)
		count[g->members[i]->holder.row->state]++;
	for (state = 1; state < STATE_COUNT; state++) {
		if (!count[state])
			continue;
		buf_puts(s, between);
		if (count[state] != g->n)
			buf_printf(s, "%u ", count[state]);
		buf_printf(s, "in %s", state_name(state));
		between = ", ";
	}
}

static bool longest_left(const struct bind_group *g, uint32_t *ms)
{
	bool endless = false;
	size_t i;

	*ms = 0;
	for (i = 0; i < g->n; i++) {
		const struct sock *row = g->members[i]->holder.row;

		if (row->timer == TIMER_REMNANT)
			*ms = MAX(*ms, row->expires_ms);
		else
			endless = true;
	}
	return !endless;
}

/* What SO_REUSEADDR does about connections, by what is known of both sides. */
static void advise_reuseaddr(const struct bind_facts *f, const struct bind_group *g,
			     struct buf *a)
{
	enum known theirs = g->first->holder.reuseaddr;
	bool mine = f->candidate.reuseaddr;

	if (theirs == KNOWN_ON && !mine)
		buf_puts(a, "SO_REUSEADDR on your socket would do: the other side has it "
			    "set.");
	else if (theirs == KNOWN_OFF)
		buf_puts(a, "It was made without SO_REUSEADDR, so setting it on your "
			    "socket does not help: both sides need it.");
	else if (theirs == KNOWN_NOT && mine && f->tried)
		buf_puts(a, "bind() shows that it was made without SO_REUSEADDR: both "
			    "sides need it.");
	else if (theirs == KNOWN_NOT && !f->tried)
		buf_printf(a,
			   "SO_REUSEADDR on your socket helps only if the %s had set it "
			   "too: cannot tell%s.",
			   g->cause == CAUSE_OUTGOING ? "other" : "old server",
			   f->candidate.proto == PROTO_TCP ? " without --try" : "");
}

static void say_connections(const struct bind_facts *f, const struct bind_group *g,
			    struct buf *s, struct buf *a)
{
	const struct sock *row = g->first->holder.row;
	uint32_t left;
	bool ends = longest_left(g, &left);

	if (g->cause == CAUSE_CHILDREN) {
		if (row->holders && g->n > 1)
			put_process(s, row->holders);
		else
			bind_put_owner(s, g->first);
		buf_printf(s, " holds %zu connection%s of a listener that is gone ", g->n,
			   g->n == 1 ? "" : "s");
		put_states(s, g);
		bind_put_age_and_unit(s, g->first);
	} else {
		buf_printf(s, "%zu connection%s of a server that is gone %s ", g->n,
			   g->n == 1 ? "" : "s", g->n == 1 ? "is" : "are");
		put_states(s, g);
		if (left) {
			buf_puts(s, g->n == 1 ? ", for " : ", the last for ");
			put_span(s, left);
			buf_puts(s, " more");
		}
		if (!ends)
			buf_puts(s, "; the kernel says no end for what is not TIME_WAIT");
	}
	advise_reuseaddr(f, g, a);
}

/* The file holds one list: what is written replaces it. */
static void put_reserving(const struct bind_facts *f, uint16_t port, struct buf *a)
{
	_cleanup_buf_ struct buf list = { 0 };

	buf_printf(&list, "%s%s%u", f->reserved ? f->reserved : "",
		   f->reserved ? "," : "", port);
	buf_puts(a, "So that the kernel does not give it away again:");
	advise(a, ADVICE_RESERVE_PORT, (struct advised){ .uid = f->asker },
	       buf_cstr(&list));
	buf_putc(a, '\n');
}

static void advise_reserving(const struct bind_facts *f, uint16_t port, struct buf *a)
{
	if (f->port_reserved)
		buf_puts(a,
			 "It is in net.ipv4.ip_local_reserved_ports now: the kernel does "
			 "not give it away again.\n");
	else
		put_reserving(f, port, a);
}

static void say_outgoing(const struct bind_facts *f, const struct bind_group *g,
			 struct buf *s, struct buf *a)
{
	const struct sock *row = g->first->holder.row;
	uint16_t port = row->local.port;
	bool drawn = port >= f->range_lo && port <= f->range_hi;

	if (row->inode) {
		bind_put_owner(s, g->first);
		buf_printf(s,
			   drawn ? " drew %u as its local port for "
				 : " is connected from port %u to ",
			   port);
	} else {
		buf_printf(s, "an outgoing connection from port %u (", port);
		put_states(s, g);
		if (row->timer == TIMER_REMNANT) {
			buf_puts(s, ", ");
			put_span(s, row->expires_ms);
			buf_puts(s, " more");
		}
		buf_puts(s, ") to ");
	}
	bind_put_address(s, &row->peer);
	if (g->n > 1)
		buf_printf(s, " and %zu more", g->n - 1);
	if (drawn)
		buf_printf(s, ": ip_local_port_range is %u to %u here", f->range_lo,
			   f->range_hi);
	if (drawn)
		advise_reserving(f, port, a);
	advise_reuseaddr(f, g, a);
}

static void advise_kernel(const struct bind_found *x, struct buf *a)
{
	const struct kernel_user *user = kernel_user(x->holder.row);

	if (x->link) {
		buf_puts(a, "The port is free once the tunnel is removed or set down.");
	} else if (x->tunnel) {
		buf_puts(a, "The port is free once all of them are removed or set down:");
		advise(a, ADVICE_TUNNELS, (struct advised){ 0 });
	} else if (user) {
		buf_printf(a, "%s of the kernel uses this port:", user->name);
		advise(a, user->advice, (struct advised){ 0 });
	}
}

static void advise_candidates(const struct bind_facts *f, struct buf *a)
{
	if (f->candidates)
		buf_printf(a, "It may be %s: the port is free once that program ends.",
			   f->candidates);
	else
		buf_puts(a, "It may be of a process that a sandbox or a security module "
			    "hides, in flight in a message, registered with an "
			    "io_uring, or of a service of the kernel.");
}

void bind_say_group(const struct bind_facts *f, const struct bind_group *g,
		    struct causes *causes)
{
	struct buf s = { 0 }, a = { 0 };

	switch (g->cause) {
	case CAUSE_CHILDREN:
	case CAUSE_REMNANT:
		say_connections(f, g, &s, &a);
		break;
	case CAUSE_OUTGOING:
		say_outgoing(f, g, &s, &a);
		break;
	case CAUSE_REUSEPORT:
		say_listener(f, g, &s);
		advise_reuseport(f, g, &a);
		break;
	case CAUSE_KERNEL:
		say_listener(f, g, &s);
		advise_kernel(g->first, &a);
		break;
	case CAUSE_NO_DESCRIPTOR:
		say_listener(f, g, &s);
		advise_candidates(f, &a);
		break;
	case CAUSE_LISTENER:
	case CAUSE_BOUND:
	case CAUSE_EXHAUSTED:
	case CAUSE_PRIVILEGED:
	case CAUSE_NOT_LOCAL:
	case CAUSE_LOOPBACK_DOWN:
	case CAUSE_IPV6_OFF:
	case CAUSE_NO_SCOPE:
	case CAUSE_STALE:
	case CAUSE_LIVE:
	case CAUSE_MOUNT:
	case CAUSE_NO_SOCKET:
	case CAUSE_ABSTRACT:
	case CAUSE_NO_DIRECTORY:
	case CAUSE_NO_PERMISSION:
	case CAUSE_POLICY:
	case CAUSE_UNKNOWN:
	case CAUSES:
		say_listener(f, g, &s);
		advise_listener(f, g, &a);
		break;
	}
	causes_add(causes, bind_causes[g->cause].id, &s, &a,
		   g->first->holder.row->holders);
}

void bind_say_unix(const struct bind_facts *f, enum bind_cause cause,
		   struct causes *causes)
{
	struct buf s = { 0 }, a = { 0 };
	const struct sock *row = f->taken ? f->taken->holder.row : NULL;

	if (row) {
		bind_put_owner(&s, f->taken);
		buf_printf(&s, " %s %s%s",
			   row->state == STATE_LISTEN ? "listens on" : "is bound to",
			   f->address,
			   f->taken_elsewhere ? ", in another network namespace" : "");
		bind_put_age_and_unit(&s, f->taken);
	} else if (cause == CAUSE_LIVE) {
		buf_printf(&s, "a live socket has %s; its process is not visible here",
			   f->address);
	} else if (cause == CAUSE_STALE) {
		buf_printf(&s,
			   "%s is the file of a socket that no program holds any more",
			   f->address);
		buf_puts(&a, "Remove the stale file; bind() never replaces one.");
	} else if (cause == CAUSE_MOUNT) {
		buf_printf(&s, "%s is mounted here, and is %s", f->address,
			   f->file == FILE_STALE
				   ? "the file of a socket that no program holds any more"
				   : f->file_kind);
		buf_puts(&a, "It cannot be removed (EBUSY) while it is mounted.");
	} else if (cause == CAUSE_NO_SOCKET) {
		buf_printf(&s, "%s is %s", f->address, f->file_kind);
		buf_puts(&a,
			 f->is_empty
				 ? "A container runtime makes such a directory where the "
				   "socket that it has to mount is missing."
				 : "Choose another path: bind() makes the file itself.");
	} else if (cause == CAUSE_NO_DIRECTORY) {
		buf_printf(&s, "the directory of %s is not there", f->address);
	} else if (cause == CAUSE_POLICY) {
		buf_printf(&s, "the kernel refuses it, whatever the permissions say: %s",
			   strerror(f->file_error));
	} else if (f->file == FILE_UNREAD) {
		buf_printf(&s, "what is at %s could not be seen: %s", f->address,
			   strerror(f->file_error));
	} else {
		buf_printf(&s,
			   "the file %s is there; whether a program holds it cannot be "
			   "seen from here",
			   f->address);
		if (f->enter_remedy)
			buf_printf(&a,
				   "Other network namespaces may not be looked into: %s.",
				   f->enter_remedy);
	}
	causes_add(causes, bind_causes[cause].id, &s, &a, row ? row->holders : NULL);
}

void bind_say_access(const struct bind_facts *f, struct causes *causes)
{
	enum bind_cause cause = access_denies(&f->access) ? CAUSE_NO_PERMISSION
							  : CAUSE_UNKNOWN;
	struct buf s = { 0 }, a = { 0 }, command = { 0 };

	access_say(&f->access, f->asker, &s, &a, &command);
	buf_free(&command);
	causes_add(causes, bind_causes[cause].id, &s, &a, NULL);
}

void bind_put_searched(size_t searched, struct buf *b)
{
	buf_printf(b, "not all namespaces were searched (%zu %s)", searched,
		   searched == 1 ? "was" : "were");
}

void bind_put_cut(const struct other_netns *o, struct buf *b)
{
	if (!o->cut)
		return;
	buf_puts(b, "; ");
	bind_put_searched(o->searched, b);
}

void bind_say_elsewhere(const struct bind_facts *f, struct causes *causes)
{
	struct buf b = { 0 };

	if (!f->n_elsewhere)
		return;
	bind_put_owner(&b, &f->elsewhere[0]);
	buf_puts(&b, " listens on ");
	bind_put_address(&b, &f->elsewhere[0].holder.row->local);
	buf_puts(&b, " in another network namespace");
	if (f->n_elsewhere > 1)
		buf_printf(&b, " (and %zu more do)", f->n_elsewhere - 1);
	buf_puts(&b, ", which is no conflict");
	bind_put_cut(&f->other_netns, &b);
	causes_note(causes, &b);
}

void bind_say_owners(int err, struct causes *causes)
{
	struct buf b = { 0 };

	if (!err)
		return;
	buf_printf(&b, "not all processes could be read: %s", strerror(err));
	causes_note(causes, &b);
}

static const struct bind_found *first_without_reuseport(const struct bind_facts *f)
{
	size_t i = 0;

	while (i + 1 < f->n_found &&
	       (f->found[i].holder.reuseport != KNOWN_OFF ||
		bind_between(&f->candidate, &f->found[i].holder) != BIND_CONFLICT))
		i++;
	return &f->found[i];
}

void bind_say_remembered(const struct bind_facts *f, struct causes *causes)
{
	struct buf b = { 0 };

	buf_puts(&b, "the kernel remembers SO_REUSEPORT for a port: if ");
	bind_put_owner(&b, first_without_reuseport(f));
	buf_puts(&b,
		 " has cleared it since bind(), this bind() may succeed all the same; "
		 "--try shows it");
	causes_note(causes, &b);
}
