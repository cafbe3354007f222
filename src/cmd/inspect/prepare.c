/* From the command line of `inspect` to a request: pure but for names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/inspect/inspect.h"
#include "kernel/proc/cgroup.h"
#include "kernel/proc/netns.h"
#include "kernel/proc/procfile.h"

struct lookup {
	const struct target *t;
	struct resolve_how how;
	struct resolve *running;
};

/* The thread that asks is of the namespace in which it was started. */
static void look_up(void *ctx)
{
	struct lookup *l = ctx;

	l->running = resolve_start(l->t, &l->how);
}

int inspect_resolve(const struct inspect_config *c, const struct target *t,
		    uint64_t deadline_us, struct endpoint_list *list, struct fault *f)
{
	struct lookup l = {
		.t = t,
		.how = { .deadline_us = deadline_us, .empty = RESOLVE_EMPTY_ANY },
	};
	char shown[128];
	int r = 0;

	if (c->netns && t->host == TARGET_HOST_NAME)
		r = netns_call(c->home, look_up, &l);
	else
		look_up(&l);
	if (r < 0)
		return fault_say(
			f, EIO, "%s: cannot be looked up where --netns came from: %s",
			escape_text(shown, sizeof(shown), t->name, strlen(t->name)),
			strerror(-r));
	return resolve_finish(l.running, 0, list, f);
}

static int resolve_at_home(void *ctx, const char *name, struct arena *a,
			   struct addr **addrs, size_t *n, struct fault *f)
{
	const struct inspect_config *c = ctx;
	struct target t = { .proto = TARGET_TCP,
			    .host = TARGET_HOST_NAME,
			    .name = (char *)(uintptr_t)name };
	_cleanup_endpoints_ struct endpoint_list list = { 0 };
	int r = inspect_resolve(c, &t, c->wait_until_us, &list, f);
	size_t i;

	if (r < 0) {
		/* Of a wait the deadline has passed, without one it is the name's. */
		if (resolve_says_no_name(r) && r != -ETIMEDOUT)
			f->err = ENXIO;
		return r;
	}
	*addrs = arena_alloc(a, list.n * sizeof(**addrs));
	*n = 0;
	for (i = 0; i < list.n; i++)
		if (endpoint_addr(&list.v[i], &(*addrs)[*n]))
			++*n;
	return 0;
}

static void add_node(struct inspect_config *c, const struct filter_node *node)
{
	c->request.filter = filter_and(&c->arena, c->request.filter, node);
}

static int add_text(struct inspect_config *c, const struct filter_env *env,
		    const char *text, struct fault *f)
{
	const struct filter_node *node;
	int r = filter_parse(&c->arena, text, env, &node, f);

	if (r == 0)
		add_node(c, node);
	return r;
}

/* Any of the addresses of --src, or of --dst. */
static int add_ends(struct inspect_config *c, const struct filter_env *env,
		    enum filter_side side, const struct strv *values, struct fault *f)
{
	_cleanup_buf_ struct buf text = { 0 };
	const struct filter_node *node;
	size_t i;
	int r;

	if (!values->n)
		return 0;
	for (i = 0; i < values->n; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", values->v[i]);
	r = filter_ends(&c->arena, side, buf_cstr(&text), env, &node, f);
	if (r == 0)
		add_node(c, node);
	return r;
}

/* A leaf over one field, for options whose argument must not be read as an expression. */
static void add_leaf(struct inspect_config *c, const char *field, enum filter_op op,
		     const struct filter_literal *literals, size_t n)
{
	struct filter_node *node = arena_zalloc(&c->arena, sizeof(*node));

	node->op = op;
	node->field = field_find(field, strlen(field));
	node->literals = arena_dup(&c->arena, literals, n * sizeof(*literals));
	node->n_literals = n;
	add_node(c, node);
}

/* "812" or "800-899", up to the next comma. */
static int parse_pids(struct inspect_config *c, const char *text, size_t at, size_t len,
		      struct filter_literal *out, struct fault *f)
{
	char *word = arena_strndup(&c->arena, text + at, len), *dash = strchr(word, '-');
	char shown[80];

	*out = (struct filter_literal){ .mask = UINT64_MAX };
	if (dash)
		*dash = '\0';
	if (num_parse_u64(word, INT32_MAX, &out->lo, NULL) < 0 ||
	    num_parse_u64(dash ? dash + 1 : word, INT32_MAX, &out->hi, NULL) < 0 ||
	    out->hi < out->lo) {
		fault_say(f, EINVAL, "--pid: '%s' is not the number of a process",
			  escape_text(shown, sizeof(shown), text + at, len));
		fault_hint(f, "processes are asked for by name with --process");
		fault_mark(f, text, at);
		return -EINVAL;
	}
	out->kind = dash ? LITERAL_RANGE : LITERAL_NUMBER;
	return 0;
}

static int add_pids(struct inspect_config *c, struct fault *f)
{
	struct filter_literal *pids = NULL;
	size_t n = 0, cap = 0, i, at, len;
	int r = 0;

	for (i = 0; i < c->pids.n; i++) {
		const char *text = c->pids.v[i];

		for (at = 0; r == 0; at += len + 1) {
			len = strcspn(text + at, ",");
			pids = array_grow(pids, n, &cap, sizeof(*pids));
			r = parse_pids(c, text, at, len, &pids[n++], f);
			if (!text[at + len])
				break;
		}
	}
	if (r == 0 && n)
		add_leaf(c, "pid", FILTER_IN, pids, n);
	free(pids);
	return r;
}

static int add_user(struct inspect_config *c, struct fault *f)
{
	struct inspect_user user;
	int r;

	if (!c->user)
		return 0;
	r = inspect_find_user("--user", c->user, &user, f);
	if (r < 0)
		return r;
	add_leaf(c, "uid", FILTER_EQ,
		 &(struct filter_literal){ .kind = LITERAL_NUMBER,
					   .lo = user.uid,
					   .hi = user.uid,
					   .mask = UINT64_MAX },
		 1);
	return 0;
}

static int build_filter(struct inspect_config *c, const struct strv *expressions,
			struct fault *f)
{
	struct filter_env env = { .resolve = resolve_at_home,
				  .cgroup_id = cgroup_id_of,
				  .ctx = c };
	_cleanup_buf_ struct buf joined = { 0 };
	size_t i;
	int r = 0;

	/* Only "autobound" asks for it. */
	if (expressions->n || c->fail_if.n)
		procfile_port_range(&env.ephemeral_lo, &env.ephemeral_hi);
	inspect_findings_begin(c);
	r = threshold_prepare(c, &env, f);
	if (r < 0)
		return r;
	if (c->ports.n) {
		c->ports_only = filter_ports(&c->arena, SIDE_EITHER, &c->ports);
		add_node(c, c->ports_only);
	}
	if (c->process)
		add_leaf(c, "process", FILTER_GLOB,
			 &(struct filter_literal){ .kind = LITERAL_TEXT,
						   .text = c->process,
						   .len = strlen(c->process) },
			 1);
	r = add_user(c, f);
	if (r == 0)
		r = add_pids(c, f);
	if (r == 0)
		r = add_ends(c, &env, SIDE_LOCAL, &c->src, f);
	if (r == 0)
		r = add_ends(c, &env, SIDE_PEER, &c->dst, f);
	if (r < 0 || !expressions->n)
		return r;
	/*
	 * Several operands are joined by "and". Words that are no expression on their own
	 * are one expression that the shell has split: inspect sport = :80
	 */
	for (i = 0; i < expressions->n; i++) {
		const struct filter_node *node;

		buf_printf(&joined, "%s%s", i ? " " : "", expressions->v[i]);
		if (expressions->n > 1 && r == 0)
			r = filter_parse(&c->arena, expressions->v[i], &env, &node, NULL);
	}
	if (expressions->n == 1 || r < 0)
		return add_text(c, &env, arena_strdup(&c->arena, buf_cstr(&joined)), f);
	for (i = 0; i < expressions->n && r == 0; i++)
		r = add_text(c, &env, expressions->v[i], f);
	return r;
}

static int choose_field(const char *option, const char *name, size_t len,
			const struct field **field, struct fault *f)
{
	const char *nearest;
	char shown[80];

	*field = field_find(name, len);
	if (*field)
		return 0;
	fault_say(f, EINVAL, "%s: there is no column '%s'", option,
		  escape_text(shown, sizeof(shown), name, len));
	nearest = field_nearest(name, len);
	if (nearest)
		fault_hint(f, "did you mean '%s'? '-o help' lists them all", nearest);
	else
		fault_hint(f, "'-o help' lists them all");
	return -EINVAL;
}

static int choose_columns(struct inspect_config *c, uint32_t protos, struct fault *f)
{
	static const char *const usual[] = { "state", "local",	    "peer",
					     "queue", "recv_queue", "send_queue" };
	size_t i;
	int r = 0;

	if (c->format == VIEW_JSON) {
		/* The core keys are always there. */
		c->shown.n = 0;
	} else {
		if (protos & (protos - 1))
			columns_add(&c->shown, "proto");
		for (i = 0; i < ARRAY_SIZE(usual); i++)
			columns_add(&c->shown, usual[i]);
	}
	if (c->processes)
		columns_add(&c->shown, "process");
	for (i = 0; i < c->columns.n && r == 0; i++)
		r = columns_parse(&c->shown, c->columns.v[i], f);
	return r;
}

/* The core keys of JSON: cheap ones, and what makes a listener and its waiting clients
 * readable. */
enum {
	JSON_NEEDS = NEED_DROPS | NEED_CGROUP | NEED_LISTENER | NEED_WAIT_TIME |
		     NEED_WAITERS | NEED_UNIX_PEER
};

/* Which tables: as the options say. */
static void choose_tables(struct inspect_config *c)
{
	struct collect_request *q = &c->request;
	bool tcp = (c->what & WHAT_TCP) || !(c->what & WHAT_PROTOS);

	q->protos = (tcp ? BIT(PROTO_TCP) : 0) |
		    (c->what & WHAT_UDP ? BIT(PROTO_UDP) : 0) |
		    (c->what & WHAT_UNIX
			     ? BIT(PROTO_UNIX_STREAM) | BIT(PROTO_UNIX_DGRAM) |
				       BIT(PROTO_UNIX_SEQPACKET)
			     : 0);
	q->v4 = c->what & WHAT_V4;
	q->v6 = c->what & WHAT_V6;
	q->from = c->from;
	q->states = c->states ? c->states : STATES_DEFAULT;
	/* A server of datagrams does not listen(). */
	if (c->listen)
		q->states = 1 << STATE_LISTEN |
			    (c->what & (WHAT_UDP | WHAT_UNIX) ? 1 << STATE_CLOSE : 0);
}

/* --sort and --group. */
static int choose_order(struct inspect_config *c, struct fault *f)
{
	size_t len;
	int r = 0;

	if (c->sort) {
		len = strcspn(c->sort, ":");
		if (c->sort[len] && !streq(c->sort + len, ":desc") &&
		    !streq(c->sort + len, ":asc"))
			return fault_say(f, EINVAL,
					 "--sort: '%s' is neither asc nor desc",
					 c->sort + len + 1);
		c->sort_descending = streq(c->sort + len, ":desc");
		r = choose_field("--sort", c->sort, len, &c->sort_field, f);
	}
	if (r == 0 && c->group)
		r = choose_field("--group", c->group, strlen(c->group), &c->group_field,
				 f);
	return r;
}

/* States that cannot match are not asked for; bound and silent sockets, which cost a
 * walk, only if the expression names them. */
static void choose_states(struct inspect_config *c)
{
	struct collect_request *q = &c->request;
	uint32_t named = filter_named_states(q->filter);

	if (q->filter) {
		uint32_t mask = filter_state_mask(q->filter);

		if (c->states || c->listen)
			q->states &= mask;
		else
			q->states = mask & (STATES_DEFAULT | named);
	}
	if (c->ports.n && !c->states && !c->listen &&
	    !(named & 1 << STATE_BOUND_INACTIVE)) {
		q->bound_unless_listening = &c->ports;
		q->states |= 1 << STATE_BOUND_INACTIVE;
	}
}

/* What must be read for all that is shown, sorted by, counted and judged. */
static void choose_needs(struct inspect_config *c)
{
	struct collect_request *q = &c->request;
	size_t i;

	if (!c->count && !c->summary && !c->group)
		q->needs = c->shown.needs | (c->format == VIEW_JSON ? JSON_NEEDS : 0);
	if (c->sort_field)
		q->needs |= c->sort_field->needs;
	if (c->group_field)
		q->needs |= c->group_field->needs;
	for (i = 0; i < c->n_fail_rules; i++)
		q->needs |= filter_needs(c->fail_rules[i].filter);
	if (c->fail_drops || (c->detect && (q->protos & BIT(PROTO_UDP))))
		q->needs |= NEED_DROPS;
	/* So that --from can tell later who waits, and for how long. */
	if (c->record)
		q->needs |= NEED_WAITERS | NEED_WAIT_TIME | NEED_DROPS;
	q->all_waiters = c->ports.n > 0 || (c->shown.needs & NEED_WAITERS) ||
			 (q->filter && (filter_needs(q->filter) & NEED_WAITERS));
}

/* What no dump tells would match nothing, and that would be taken for an answer. */
static int check_recorded(const struct inspect_config *c, struct fault *f)
{
	uint32_t needs = filter_needs(c->request.filter);
	size_t i;

	for (i = 0; i < c->n_fail_rules; i++)
		needs |= filter_needs(c->fail_rules[i].filter);
	if (!c->from || !(needs & (NEED_OWNERS | NEED_PEER_OWNERS)))
		return 0;
	return fault_say(f, EINVAL, "%s", NO_OWNERS_RECORDED);
}

int inspect_prepare(struct inspect_config *c, const struct strv *expressions,
		    struct fault *f)
{
	int r;

	choose_tables(c);
	r = build_filter(c, expressions, f);
	if (r == 0)
		r = check_recorded(c, f);
	if (r == 0)
		r = choose_columns(c, c->request.protos, f);
	if (r == 0)
		r = choose_order(c, f);
	if (r < 0)
		return r;
	c->shown_protos = c->request.protos;
	/* Who asks what is wrong does not know that it is datagrams that are lost. */
	if (!(c->what & WHAT_PROTOS) && c->detect && !c->listen && !c->from)
		c->request.protos |= BIT(PROTO_UDP);
	choose_states(c);
	choose_needs(c);
	return 0;
}

void inspect_config_free(struct inspect_config *c)
{
	if (c->detect)
		detect_free(c->detect);
	arena_free(&c->arena);
	columns_free(&c->shown);
}
