#include "cmd/inspect/plan.h"

#include <errno.h>
#include <stdlib.h>

#include "view/tally.h"

static void add_node(struct inspect_plan *p, const struct filter_node *node)
{
	p->request.filter = filter_and(&p->arena, p->request.filter, node);
}

static int add_text(struct inspect_plan *p, const struct filter_env *env,
		    const char *text, struct fault *f)
{
	const struct filter_node *node;
	int r = filter_parse(&p->arena, text, env, &node, f);

	if (r == 0)
		add_node(p, node);
	return r;
}

/* Any of the addresses of --src, or of --dst. */
static int add_ends(struct inspect_plan *p, const struct filter_env *env,
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
	r = filter_ends(&p->arena, side, buf_cstr(&text), env, &node, f);
	if (r == 0)
		add_node(p, node);
	return r;
}

/* A leaf over one field, for options whose argument must not be read as an expression. */
static void add_leaf(struct inspect_plan *p, const char *field, enum filter_op op,
		     const struct filter_literal *literals, size_t n)
{
	struct filter_node *node = arena_zalloc(&p->arena, sizeof(*node));

	node->op = op;
	node->field = field_find(field, strlen(field));
	node->literals = arena_dup(&p->arena, literals, n * sizeof(*literals));
	node->n_literals = n;
	add_node(p, node);
}

/* "812" or "800-899", up to the next comma. */
static int parse_pids(struct inspect_plan *p, const char *text, size_t at, size_t len,
		      struct filter_literal *out, struct fault *f)
{
	char *word = arena_strndup(&p->arena, text + at, len), *dash = strchr(word, '-');
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

static int add_pids(struct inspect_plan *p, struct fault *f)
{
	struct filter_literal *pids = NULL;
	size_t n = 0, cap = 0, i, at, len;
	int r = 0;

	for (i = 0; i < p->args->pids.n; i++) {
		const char *text = p->args->pids.v[i];

		for (at = 0; r == 0; at += len + 1) {
			len = strcspn(text + at, ",");
			pids = array_grow(pids, n, &cap, sizeof(*pids));
			r = parse_pids(p, text, at, len, &pids[n++], f);
			if (!text[at + len])
				break;
		}
	}
	if (r == 0 && n)
		add_leaf(p, "pid", FILTER_IN, pids, n);
	free(pids);
	return r;
}

static void add_user(struct inspect_plan *p, uint32_t uid)
{
	add_leaf(p, "uid", FILTER_EQ,
		 &(struct filter_literal){ .kind = LITERAL_NUMBER,
					   .lo = uid,
					   .hi = uid,
					   .mask = UINT64_MAX },
		 1);
}

static void add_text_leaf(struct inspect_plan *p, const char *field, enum filter_op op,
			  const char *text)
{
	add_leaf(p, field, op,
		 &(struct filter_literal){
			 .kind = LITERAL_TEXT, .text = text, .len = strlen(text) },
		 1);
}

/* Who is called that here does not count for a dump of another host. */
static void add_recorded_user(struct inspect_plan *p, const char *name)
{
	uint64_t uid;

	if (num_parse_u64(name, UINT32_MAX - 1, &uid, NULL) == 0)
		add_user(p, (uint32_t)uid);
	else
		add_text_leaf(p, "user", FILTER_EQ, name);
}

/*
 * Several operands are joined by "and". Words that are no expression on their own are one
 * expression that the shell has split: inspect sport = :80
 */
static int add_expressions(struct inspect_plan *p, const struct filter_env *env,
			   const struct strv *expressions, struct fault *f)
{
	_cleanup_buf_ struct buf joined = { 0 };
	size_t i;
	int r = 0;

	if (!expressions->n)
		return 0;
	for (i = 0; i < expressions->n; i++) {
		const struct filter_node *node;

		buf_printf(&joined, "%s%s", i ? " " : "", expressions->v[i]);
		if (expressions->n > 1 && r == 0)
			r = filter_parse(&p->arena, expressions->v[i], env, &node, NULL);
	}
	if (expressions->n == 1 || r < 0)
		return add_text(p, env, arena_strdup(&p->arena, buf_cstr(&joined)), f);
	for (i = 0; i < expressions->n && r == 0; i++)
		r = add_text(p, env, expressions->v[i], f);
	return r;
}

static int build_filter(struct inspect_plan *p, const struct inspect_facts *facts,
			const struct strv *expressions, struct fault *f)
{
	const struct inspect_args *args = p->args;
	const struct filter_env *env = &facts->names;
	int r;

	if (args->ports.n) {
		p->ports_only = filter_ports(&p->arena, SIDE_EITHER, &args->ports);
		add_node(p, p->ports_only);
	}
	if (args->process)
		add_text_leaf(p, "process", FILTER_GLOB, args->process);
	if (args->user && args->from)
		add_recorded_user(p, args->user);
	else if (args->user)
		add_user(p, facts->uid);
	r = add_pids(p, f);
	if (r == 0)
		r = add_ends(p, env, SIDE_LOCAL, &args->src, f);
	if (r == 0)
		r = add_ends(p, env, SIDE_PEER, &args->dst, f);
	if (r == 0)
		r = add_expressions(p, env, expressions, f);
	return r;
}

static int choose_field(const char *option, const char *name, size_t len,
			const struct field **field, struct fault *f)
{
	*field = field_find(name, len);
	if (*field)
		return 0;
	columns_unknown(name, len, f);
	fault_about(f, option, strlen(option));
	return -EINVAL;
}

static int choose_columns(struct inspect_plan *p, struct fault *f)
{
	static const char *const usual[] = { "state", "local",	    "peer",
					     "queue", "recv_queue", "send_queue" };
	uint32_t protos = p->request.protos;
	size_t i;
	int r = 0;

	/* The core keys of JSON are always there. */
	if (p->args->format != VIEW_JSON) {
		if (protos & (protos - 1))
			columns_add(&p->columns, "proto");
		for (i = 0; i < ARRAY_SIZE(usual); i++)
			columns_add(&p->columns, usual[i]);
	}
	if (p->args->processes)
		columns_add(&p->columns, "process");
	for (i = 0; i < p->args->columns.n && r == 0; i++)
		r = columns_parse(&p->columns, p->args->columns.v[i], f);
	return r;
}

/* The core keys of JSON: cheap ones, and what makes a listener and its waiting clients
 * readable. */
enum {
	JSON_NEEDS = NEED_DROPS | NEED_CGROUP | NEED_LISTENER | NEED_WAIT_TIME |
		     NEED_WAITERS | NEED_UNIX_PEER | NEED_DEVICE
};

/* Which tables: as the options say. */
static void choose_tables(struct inspect_plan *p)
{
	const struct inspect_args *c = p->args;
	struct collect_request *q = &p->request;
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
static int choose_order(struct inspect_plan *p, struct fault *f)
{
	const char *sort = p->args->sort, *group = p->args->group;
	size_t len;
	int r = 0;

	if (sort) {
		len = strcspn(sort, ":");
		if (sort[len] && !streq(sort + len, ":desc") &&
		    !streq(sort + len, ":asc"))
			return fault_say(f, EINVAL,
					 "--sort: '%s' is neither asc nor desc",
					 sort + len + 1);
		p->descending = streq(sort + len, ":desc");
		r = choose_field("--sort", sort, len, &p->sort, f);
	}
	if (r == 0 && group)
		r = choose_field("--group", group, strlen(group), &p->group, f);
	return r;
}

/* States that cannot match are not asked for; bound and silent sockets, which cost a
 * walk, only if the expression names them. */
static void choose_states(struct inspect_plan *p)
{
	const struct inspect_args *c = p->args;
	struct collect_request *q = &p->request;
	uint32_t named = filter_named_states(q->filter);

	/* A threshold that names them would never hold otherwise. */
	if (!c->states && !c->listen)
		q->states |= thresholds_named_states(&p->thresholds) &
			     (1u << STATE_BOUND_INACTIVE);
	if (q->filter) {
		uint32_t mask = filter_state_mask(q->filter);

		if (c->states || c->listen)
			q->states &= mask;
		else
			q->states = mask & (q->states | named);
	}
	if (c->ports.n && !c->states && !c->listen &&
	    !(named & 1 << STATE_BOUND_INACTIVE)) {
		q->bound_unless_listening = &c->ports;
		q->states |= 1 << STATE_BOUND_INACTIVE;
	}
}

/* What must be read for all that is shown, sorted by, counted and judged. */
static void choose_needs(struct inspect_plan *p, bool counts)
{
	const struct inspect_args *args = p->args;
	struct collect_request *q = &p->request;
	bool finds = p->findings != FINDINGS_OFF;

	if (!counts)
		q->needs = p->columns.needs |
			   (args->format == VIEW_JSON ? JSON_NEEDS : 0);
	/* Without, a row whose queues are empty does not tell that it loses much. */
	if (p->findings == FINDINGS_ALL && (q->protos & BIT(PROTO_TCP)))
		q->needs |= NEED_INFO;
	/* Who waits for accept() is known when all rows are. */
	if (p->shown_protos & BIT(PROTO_UNIX_STREAM))
		q->needs |= NEED_UNIX_PEER;
	if (p->sort)
		q->needs |= p->sort->needs;
	if (p->group)
		q->needs |= tally_needs(p->group);
	q->needs |= thresholds_needs(&p->thresholds);
	if (args->fail_drops ||
	    (finds && (q->protos & (BIT(PROTO_TCP) | BIT(PROTO_UDP)))))
		q->needs |= NEED_DROPS;
	/* So that --from can tell later who waits, and for how long. */
	if (args->record)
		q->needs |= NEED_WAITERS | NEED_WAIT_TIME | NEED_DROPS;
	q->all_waiters = args->ports.n > 0 || (p->columns.needs & NEED_WAITERS) ||
			 (q->filter && (filter_needs(q->filter) & NEED_WAITERS));
}

/* What no dump tells would match nothing, and that would be taken for an answer. */
static int check_recorded(const struct inspect_plan *p, struct fault *f)
{
	uint32_t needs = filter_needs(p->request.filter) |
			 thresholds_needs(&p->thresholds);

	if (!p->args->from || !(needs & NEED_SOCKOPTS))
		return 0;
	return fault_say(f, EINVAL, "%s", NO_OPTIONS_RECORDED);
}

static void choose_findings(struct inspect_plan *p, bool counts, bool terminal)
{
	const struct inspect_args *args = p->args;
	bool all = !p->request.filter;

	p->findings = (enum findings_mode)args->findings;
	if (p->findings == FINDINGS_AUTO)
		p->findings = args->format == VIEW_TABLE && terminal && !counts &&
					      !args->no_headings && !args->from &&
					      !args->common.quiet
				      ? FINDINGS_ON
				      : FINDINGS_OFF;
	p->whole_tcp = all && (p->request.protos & BIT(PROTO_TCP));
	p->whole_ports = all || p->request.filter == p->ports_only;
	/* Who asks what is wrong does not know that it is datagrams that are lost, or the
	 * queue of a unix socket that is full. */
	if ((args->what & WHAT_PROTOS) || p->findings == FINDINGS_OFF || args->from)
		return;
	if (!args->listen)
		p->request.judged |= BIT(PROTO_UDP);
	if (!(args->what & (WHAT_V4 | WHAT_V6)) && !p->ports_only)
		p->request.judged |= BIT(PROTO_UNIX_STREAM) | BIT(PROTO_UNIX_SEQPACKET) |
				     BIT(PROTO_UNIX_DGRAM);
	p->request.protos |= p->request.judged;
}

static void choose_view(struct inspect_plan *p, bool counts,
			const struct inspect_facts *facts)
{
	const struct inspect_args *args = p->args;
	bool judges = p->findings != FINDINGS_OFF || thresholds_any(&p->thresholds);

	p->rows = args->common.quiet ? ROWS_NOTED
		  : counts	     ? ROWS_COUNTED
		  : p->sort	     ? ROWS_SORTED
				     : ROWS_SHOWN;
	/* Findings and thresholds are about all rows, and so is a record. */
	p->reads_all = judges || args->record;
	p->needs_one = !args->count && !args->summary && !args->allow_empty &&
		       !args->until_gone && !thresholds_any(&p->thresholds);
	p->view = (struct view_options){
		.format = (enum view_format)args->format,
		.columns = p->columns.v,
		.n_columns = p->columns.n,
		.headings = !args->no_headings && !args->common.quiet,
		.ascii = args->ascii || !facts->utf8,
		.words = args->format == VIEW_TABLE && !facts->terminal,
	};
}

int inspect_plan_make(const struct inspect_args *args, const struct strv *expressions,
		      const struct inspect_facts *facts, struct inspect_plan *p,
		      struct fault *f)
{
	bool counts = args->count || args->summary || args->group;
	int r;

	*p = (struct inspect_plan){ .args = args,
				    .files = facts->names.files,
				    .thresholds = { .fill = args->fail_fill,
						    .drops = args->fail_drops } };
	choose_tables(p);
	r = thresholds_parse(&p->thresholds, &p->arena, &args->fail_if, &facts->names, f);
	if (r == 0)
		r = build_filter(p, facts, expressions, f);
	if (r == 0)
		r = check_recorded(p, f);
	if (r == 0)
		r = choose_columns(p, f);
	if (r == 0)
		r = choose_order(p, f);
	if (r < 0)
		return r;
	p->shown_protos = p->request.protos;
	choose_findings(p, counts, facts->terminal);
	choose_states(p);
	choose_needs(p, counts);
	choose_view(p, counts, facts);
	return 0;
}

void inspect_plan_free(struct inspect_plan *p)
{
	arena_free(&p->arena);
	columns_free(&p->columns);
}
