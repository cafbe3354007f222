#include "model/occupant.h"

#include "model/sock.h"

const char *halt_words(enum halted by)
{
	static const char *const words[HALTS] = {
		[HALT_STOPPED] = "stopped",
		[HALT_TRACED] = "stopped by a debugger",
		[HALT_FROZEN] = "frozen by a cgroup",
		[HALT_BLOCKED] = "blocked in the kernel (state D)",
	};

	return words[by];
}

static void put_name(struct buf *b, const char *command, int32_t pid)
{
	buf_put_escaped(b, command, strlen(command));
	buf_printf(b, "[%d]", pid);
}

/* A container's port is held by a proxy that belongs to the service of all containers. */
static bool is_proxy(const struct occupant *x)
{
	return streq(x->command, "docker-proxy");
}

/* Neither a service nor a container keeps it. */
static bool is_bare(const struct occupant *x)
{
	return x->keeper.kind == KEEPER_NONE && !is_proxy(x);
}

static bool is_systemd(const struct occupant *x)
{
	return x->keeper.kind == KEEPER_SYSTEMD || x->keeper.kind == KEEPER_USER_SYSTEMD;
}

static bool is_started_by_another(const struct occupants *o, const struct occupant *x)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (o->v[i].pid == x->parent &&
		    (is_bare(&o->v[i]) || o->v[i].keeper.kind == KEEPER_INSIDE))
			return true;
	return false;
}

typedef bool (*which_fn)(const struct occupants *o, const struct occupant *x);

/* Who started the others ends them, too, and starts nobody anew. */
static bool is_to_be_ended(const struct occupants *o, const struct occupant *x)
{
	return is_bare(x) && !is_started_by_another(o, x);
}

static bool is_stopped(const struct occupants *o, const struct occupant *x)
{
	(void)o;
	return x->halt.by == HALT_STOPPED;
}

static bool is_bare_and_stopped(const struct occupants *o, const struct occupant *x)
{
	return is_bare(x) && is_stopped(o, x);
}

static bool any_is(const struct occupants *o, which_fn which)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (which(o, &o->v[i]))
			return true;
	return false;
}

/* "kill 5 6": those, which are some. */
static void put_signal(struct buf *b, const struct occupants *o, enum advice_line line,
		       which_fn which, uint32_t asker)
{
	struct advised who = { .uid = asker, .owner = asker };
	size_t i, first = o->n;

	for (i = 0; i < o->n; i++) {
		if (!which(o, &o->v[i]))
			continue;
		first = MIN(first, i);
		who.owner = o->v[i].uid != asker ? o->v[i].uid : who.owner;
	}
	advise(b, line, who, (unsigned)o->v[first].pid);
	for (i = first + 1; i < o->n; i++)
		if (which(o, &o->v[i]))
			advise_number(b, (unsigned)o->v[i].pid);
}

/* Whether its service, or a control group above or below that, was frozen. */
static bool is_whole_unit(const struct occupant *x)
{
	const char *file = x->halt.freezer, *name = x->keeper.name;
	const char *slash = file ? strrchr(file, '/') : NULL;
	size_t n = name ? strlen(name) : 0;

	return !slash || x->keeper.kind != KEEPER_UNIT ||
	       (slash >= file + n && memcmp(slash - n, name, n) == 0);
}

/* False if it is said in words. */
static bool put_thaw(struct buf *b, const struct occupant *x, uint32_t asker)
{
	static const char old[] = "/freezer.state";
	struct advised who = { .uid = asker };
	const char *file = x->halt.freezer;

	if (is_whole_unit(x) && keeper_advise_thaw(b, &x->keeper, asker))
		return true;
	if (!file)
		advise_in_words(b, "thaw the cgroup in /proc/%d/cgroup", x->pid);
	else if (strstr(file, old))
		advise(b, ADVICE_THAW_FREEZER, who, file);
	else
		advise(b, ADVICE_THAW_CGROUP, who, file);
	return file != NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && streq(a, b));
}

static bool is_kept_as(const struct occupant *a, const struct occupant *b)
{
	return a->keeper.kind == b->keeper.kind &&
	       same_text(a->keeper.name, b->keeper.name) && is_proxy(a) == is_proxy(b);
}

/* Whether one before it has the same way to end, or to be thawed. */
static bool is_told(const struct occupants *o, const struct occupant *x, bool frozen)
{
	const struct occupant *p;

	for (p = o->v; p < x; p++)
		if (is_kept_as(p, x) &&
		    (!frozen || (p->halt.by == HALT_FROZEN &&
				 same_text(p->halt.freezer, x->halt.freezer))))
			return true;
	return false;
}

static void put_thaws(struct buf *b, const struct occupants *o, which_fn which,
		      uint32_t asker)
{
	const struct occupant *x;

	for (x = o->v; x < o->v + o->n; x++) {
		if (x->halt.by != HALT_FROZEN || !which(o, x) || is_told(o, x, true))
			continue;
		put_thaw(b, x, asker);
	}
}

static bool is_any(const struct occupants *o, const struct occupant *x)
{
	(void)o;
	(void)x;
	return true;
}

static bool is_bare_of(const struct occupants *o, const struct occupant *x)
{
	(void)o;
	return is_bare(x);
}

static void put_tracer(struct buf *b, const struct occupant *x)
{
	if (x->halt.tracer) {
		put_name(b, x->halt.debugger ? x->halt.debugger : "process",
			 x->halt.tracer);
		buf_puts(b, ", which has stopped ");
	} else {
		buf_puts(b, "the debugger of ");
	}
	put_name(b, x->command, x->pid);
	buf_puts(b, x->halt.tracer ? " (state t)," : "");
}

static void put_stack(struct buf *b, const struct occupant *x, uint32_t asker)
{
	advise(b, ADVICE_STACK, (struct advised){ .uid = asker, .owner = x->uid },
	       (unsigned)x->pid);
}

/* The socket unit of a service that has its socket, too; or NULL. */
static const struct occupant *activated(const struct occupants *o,
					const struct occupant *systemd)
{
	bool of_user = systemd->keeper.kind == KEEPER_USER_SYSTEMD;
	size_t i;

	for (i = 0; i < o->n; i++)
		if (o->v[i].keeper.socket &&
		    (o->v[i].keeper.kind == KEEPER_USER_UNIT) == of_user)
			return &o->v[i];
	return NULL;
}

static bool is_activated(const struct occupants *o, const struct occupant *x)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (is_systemd(&o->v[i]) && activated(o, &o->v[i]) &&
		    is_kept_as(activated(o, &o->v[i]), x))
			return true;
	return false;
}

static void end_kept(struct buf *b, const struct occupants *o, const struct occupant *x,
		     uint32_t asker, uint16_t port)
{
	const struct occupant *service = is_systemd(x) ? activated(o, x) : NULL;

	if (service && keeper_advise_stop_both(b, &service->keeper, asker))
		return;
	if (is_proxy(x)) {
		struct advised who = { .uid = asker };

		if (port)
			advise(b, ADVICE_DOCKER_PORT, who, (unsigned)port);
		else
			advise(b, ADVICE_DOCKER_LIST, who);
		advise_in_words(b, "and 'docker stop' the container that it shows");
		return;
	}
	if (x->halt.by == HALT_FROZEN && put_thaw(b, x, asker))
		advise_then(b);
	keeper_advise_stop(b, &x->keeper, asker);
}

static void end_all_kept(struct buf *b, const struct occupants *o, bool systemd,
			 uint32_t asker, uint16_t port)
{
	const struct occupant *x;

	for (x = o->v; x < o->v + o->n; x++)
		if (!is_bare(x) && is_systemd(x) == systemd && !is_told(o, x, false) &&
		    !is_activated(o, x))
			end_kept(b, o, x, asker, port);
}

/* What a signal does not end at once, and why. */
static void put_obstacles(struct buf *b, const struct occupants *o, uint32_t asker)
{
	const struct occupant *x;

	for (x = o->v; x < o->v + o->n; x++) {
		if (!is_bare(x))
			continue;
		if (x->halt.by == HALT_TRACED) {
			advise_in_words(b, "then let ");
			put_tracer(b, x);
			buf_puts(b, " continue or detach: until then the signal waits");
		} else if (x->halt.by == HALT_BLOCKED) {
			advise_in_words(b, "%s", "");
			put_name(b, x->command, x->pid);
			buf_printf(b,
				   " is %s, and ends only when that is over; what it "
				   "waits for, a disk or a file server mostly:",
				   halt_words(HALT_BLOCKED));
			put_stack(b, x, asker);
		}
	}
}

static bool is_stopped_and_to_be_ended(const struct occupants *o,
				       const struct occupant *x)
{
	return is_to_be_ended(o, x) && is_stopped(o, x);
}

/* To one that is stopped the signal comes first: it acts before anything else does when
 * that goes on. Workers go on before their master ends them. */
static void put_signals(struct buf *b, const struct occupants *o, uint32_t asker)
{
	bool stopped = any_is(o, is_bare_and_stopped),
	     first = any_is(o, is_stopped_and_to_be_ended);

	if (stopped && !first) {
		put_signal(b, o, ADVICE_CONTINUE, is_bare_and_stopped, asker);
		advise_then(b);
	}
	put_signal(b, o, ADVICE_KILL, is_to_be_ended, asker);
	if (first) {
		advise_then(b);
		put_signal(b, o, ADVICE_CONTINUE, is_bare_and_stopped, asker);
	}
}

static void end_bare(struct buf *b, const struct occupants *o, uint32_t asker)
{
	put_thaws(b, o, is_bare_of, asker);
	put_signals(b, o, asker);
	put_obstacles(b, o, asker);
}

struct keeper occupants_keeper(const struct occupants *o)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (keeper_unit(&o->v[i].keeper) || keeper_is_container(&o->v[i].keeper))
			return o->v[i].keeper;
	return (struct keeper){ 0 };
}

void occupants_advise_end(struct buf *b, const struct occupants *o, uint32_t asker,
			  uint16_t port)
{
	end_all_kept(b, o, true, asker, port);
	end_all_kept(b, o, false, asker, port);
	if (any_is(o, is_to_be_ended))
		end_bare(b, o, asker);
}

bool occupants_are_halted(const struct occupants *o)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (o->v[i].halt.by == HALT_NONE)
			return false;
	return o->n > 0;
}

/* Returns how many are halted so. */
static size_t put_halted_by(struct buf *b, const struct occupants *o, enum halted by)
{
	enum { NAMED = 4 };
	size_t i, n = 0;

	for (i = 0; i < o->n; i++) {
		if (o->v[i].halt.by != by || n++ >= NAMED)
			continue;
		buf_puts(b, b->len ? ", " : "");
		put_name(b, o->v[i].command, o->v[i].pid);
	}
	if (n > NAMED)
		buf_printf(b, " and %zu more", n - NAMED);
	return n;
}

void occupants_put_halted(struct buf *b, const struct occupants *o)
{
	_cleanup_buf_ struct buf all = { 0 };
	enum halted h;
	size_t n;

	for (h = HALT_STOPPED; h < HALTS; h++) {
		n = put_halted_by(&all, o, h);
		if (n)
			buf_printf(&all, " %s %s", n == 1 ? "is" : "are", halt_words(h));
	}
	buf_put(b, all.data, all.len);
}

/* The first that is halted in some way, of the first way there is. */
static const struct occupant *first_halted(const struct occupants *o)
{
	enum halted h;
	size_t i;

	for (h = HALT_STOPPED; h < HALTS; h++)
		for (i = 0; i < o->n; i++)
			if (o->v[i].halt.by == h)
				return &o->v[i];
	return NULL;
}

bool occupants_advise_go_on(struct buf *b, const struct occupants *o, uint32_t asker)
{
	const struct occupant *x = first_halted(o);

	if (!x)
		return false;
	switch (x->halt.by) {
	case HALT_STOPPED:
		put_signal(b, o, ADVICE_CONTINUE, is_stopped, asker);
		advise_in_words(b, "after a look at what stopped it: SIGSTOP, or Ctrl-Z");
		break;
	case HALT_TRACED:
		advise_in_words(b, "let ");
		put_tracer(b, x);
		buf_puts(b, " continue or detach");
		break;
	case HALT_FROZEN:
		put_thaws(b, o, is_any, asker);
		break;
	case HALT_BLOCKED:
		advise_in_words(b,
				"see what process %d waits for, a disk or a file server "
				"mostly; signals do not end it:",
				x->pid);
		put_stack(b, x, asker);
		break;
	case HALT_NONE:
	case HALTS:
		break;
	}
	return true;
}
