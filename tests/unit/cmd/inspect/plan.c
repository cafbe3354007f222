/*
 * What each command line of inspect becomes: the plan in words, beside the one that is
 * expected. Names are looked up in a table, so nothing of this machine is in the answers.
 */
#include "cmd/inspect/plan.h"

#include <errno.h>

#include "model/names.h"
#include "unit/unit.h"

static void put_states(struct buf *b, uint32_t states)
{
	const char *comma = "";
	unsigned i;

	if (states == STATES_DEFAULT || states == STATES_ALL) {
		buf_puts(b, states == STATES_ALL ? "all" : "default");
		return;
	}
	if (__builtin_popcount(states) > STATE_COUNT / 2) {
		buf_puts(b, "all but ");
		states = STATES_ALL & ~states;
	}
	for (i = 0; i < STATE_COUNT; i++)
		if (states & BIT(i)) {
			buf_printf(b, "%s%s", comma, state_name(i));
			comma = ",";
		}
}

static void put_needs(struct buf *b, uint32_t needs)
{
	static const char *const names[] = {
		"info",	   "skmem",	 "meminfo",   "cong", "cc-info", "tos",
		"class",   "owners",	 "cgroup",    "user", "device",	 "drops",
		"waiters", "listener",	 "wait-time", "peer", "peers",	 "sockopts",
		"icons",   "attributes", "bpf",
	};
	const char *comma = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (needs & BIT(i)) {
			buf_printf(b, "%s%s", comma, names[i]);
			comma = ",";
		}
}

static void put_host(struct buf *b, const struct filter_host *h)
{
	if (h->path)
		buf_puts(b, h->path);
	if (h->prefix.family) {
		addr_put_ip(b, &h->prefix);
		buf_printf(b, "/%u", h->prefix.prefix);
	}
	if (h->has_port)
		buf_printf(b, ":%u", h->port_lo);
	if (h->has_port && h->port_hi != h->port_lo)
		buf_printf(b, "-%u", h->port_hi);
}

static void put_literal(struct buf *b, const struct filter_literal *l)
{
	if (l->kind == LITERAL_TEXT)
		buf_put(b, l->text, l->len);
	else
		buf_put_u64(b, l->lo);
	if (l->kind == LITERAL_RANGE)
		buf_printf(b, "-%llu", (unsigned long long)l->hi);
}

static void put_filter(struct buf *b, const struct filter_node *n)
{
	static const char *const words[] = {
		[FILTER_AND] = " and ", [FILTER_OR] = " or ", [FILTER_EQ] = "=",
		[FILTER_NE] = "!=",	[FILTER_LT] = "<",    [FILTER_LE] = "<=",
		[FILTER_GT] = ">",	[FILTER_GE] = ">=",   [FILTER_GLOB] = "~",
		[FILTER_IN] = " in ",	[FILTER_TRUE] = "",   [FILTER_ADDR] = " ",
	};
	static const char *const sides[] = { "", "local", "peer", "either" };
	size_t i;

	if (n->op == FILTER_AND || n->op == FILTER_OR) {
		buf_putc(b, '(');
		put_filter(b, n->left);
		buf_puts(b, words[n->op]);
		put_filter(b, n->right);
		buf_putc(b, ')');
	} else if (n->op == FILTER_NOT) {
		buf_puts(b, "not ");
		put_filter(b, n->left);
	} else if (n->op == FILTER_STATE) {
		buf_puts(b, "state ");
		put_states(b, n->states);
	} else if (n->op == FILTER_ALL) {
		buf_puts(b, "everything");
	} else {
		buf_puts(b, n->field ? n->field->name : sides[n->side]);
		buf_puts(b, words[n->op]);
		for (i = 0; i < n->n_literals; i++) {
			buf_puts(b, i ? "," : "");
			put_literal(b, &n->literals[i]);
		}
		for (i = 0; i < n->n_hosts; i++) {
			buf_puts(b, i ? "," : "");
			put_host(b, &n->hosts[i]);
		}
	}
}

#define UNIX  "(unix) (unix-dgram) (unix-seqpacket) "
#define USUAL "state,local,peer,queue,recv_queue,send_queue"

/* Of the protocols, in brackets those that are judged only. */
static void put_request(struct buf *b, const struct inspect_plan *p)
{
	const struct collect_request *q = &p->request;
	struct collect_how how = collect_how(q);
	unsigned i;

	for (i = 0; i < PROTO_COUNT; i++)
		if (q->protos & BIT(i))
			buf_printf(b, p->shown_protos & BIT(i) ? "%s " : "(%s) ",
				   proto_name(i));
	buf_puts(b, q->v4 ? "v4 " : "");
	buf_puts(b, q->v6 ? "v6 " : "");
	put_states(b, q->states);
	buf_puts(b, q->bound_unless_listening ? " or bound" : "");
	buf_puts(b, q->all_waiters ? ", all waiters" : "");
	if (q->from)
		buf_printf(b, ", from %s", q->from);
	if (q->filter) {
		buf_puts(b, "; if ");
		put_filter(b, q->filter);
	}
	if (how.needs) {
		buf_puts(b, "; needs ");
		put_needs(b, how.needs);
	}
	buf_puts(b, how.owners_first ? ", owners first" : "");
	buf_puts(b, how.owners_later ? ", owners of what is left" : "");
}

static void put_rows(struct buf *b, const struct inspect_plan *p)
{
	static const char *const formats[] = { "table", "raw", "json" };
	static const char *const rows[] = { "shown", "sorted", "counted", "noted" };
	_cleanup_buf_ struct buf columns = { 0 };
	const char *text, *usual;
	size_t i;

	buf_printf(b, "; %s", rows[p->rows]);
	if (p->sort)
		buf_printf(b, " by %s%s", p->sort->name, p->descending ? " down" : "");
	if (p->group)
		buf_printf(b, " by %s", p->group->name);
	buf_puts(b, p->reads_all ? " of all" : "");
	buf_puts(b, p->needs_one ? ", one at least" : "");
	buf_printf(b, "; %s%s%s", formats[p->view.format],
		   p->view.headings ? "" : " without headings",
		   p->view.ascii ? " in ASCII" : "");
	for (i = 0; i < p->view.n_columns; i++)
		buf_printf(&columns, "%s%s", i ? "," : "", p->view.columns[i]->name);
	text = buf_cstr(&columns);
	usual = strstr(text, USUAL);
	if (usual)
		buf_printf(b, " %.*susual%s", (int)(usual - text), text,
			   usual + strlen(USUAL));
	else
		buf_printf(b, " %s", *text ? text : "no columns");
}

static void put_judgement(struct buf *b, const struct inspect_plan *p)
{
	static const char *const modes[] = { "", "findings", "all findings" };
	const struct thresholds *t = &p->thresholds;
	size_t i;

	if (p->findings != FINDINGS_OFF)
		buf_printf(b, "; %s%s%s", modes[p->findings],
			   p->whole_tcp ? " of all TCP" : "",
			   p->whole_ports ? " of whole ports" : "");
	if (t->fill != UINT64_MAX)
		buf_printf(b, "; fail at %llu %%", (unsigned long long)t->fill);
	buf_puts(b, t->drops ? "; fail if dropped" : "");
	for (i = 0; i < t->n; i++) {
		buf_puts(b, "; fail if ");
		put_filter(b, t->v[i].filter);
		buf_printf(b, " %s %llu",
			   t->v[i].op == FILTER_GT   ? ">"
			   : t->v[i].op == FILTER_LT ? "<"
						     : "?",
			   (unsigned long long)t->v[i].limit);
	}
}

static int resolve_from_table(void *ctx, const char *name, struct arena *a,
			      struct addr **addrs, size_t *n, struct fault *f)
{
	(void)ctx;
	if (!streq(name, "two"))
		return fault_say(f, ENXIO, "%s: there is no such name", name);
	*addrs = arena_zalloc(a, 2 * sizeof(**addrs));
	for (*n = 0; *n < 2; ++*n) {
		char text[] = {
			'1', '9', '2', '.', '0', '.', '2', '.', (char)('1' + *n)
		};

		addr_parse_ip(text, sizeof(text), false, &(*addrs)[*n]);
	}
	return 0;
}

/* Words are separated by blanks; 'what is quoted' is one. */
static void split(char *line, char **argv, int *argc)
{
	*argc = 1;
	argv[0] = (char *)(uintptr_t) "inspect";
	while (*line) {
		char end = *line == '\'' ? '\'' : ' ';

		line += end == '\'';
		argv[(*argc)++] = line;
		line = strchr(line, end);
		if (!line)
			return;
		*line++ = '\0';
		line += strspn(line, " ");
	}
}

static void plan_of(struct buf *b, const char *line)
{
	const struct inspect_facts facts = {
		.names = { .resolve = resolve_from_table,
			   .ephemeral_lo = 32768,
			   .ephemeral_hi = 60999 },
		.uid = 33,
		.terminal = true,
		.utf8 = true,
	};
	struct inspect_args args = INSPECT_ARGS_INIT;
	struct opt_operands operands = { 0 };
	struct inspect_plan plan = { 0 };
	struct fault f = FAULT_INIT;
	char copy[256], *argv[32];
	int argc;

	snprintf(copy, sizeof(copy), "%s", line);
	split(copy, argv, &argc);
	if (opt_parse(inspect_groups, N_INSPECT_GROUPS, argc, argv, &args, &operands,
		      &f) < 0 ||
	    inspect_args_check(&args, &f) < 0 ||
	    inspect_plan_make(&args, &operands.words, &facts, &plan, &f) < 0) {
		buf_printf(b, "%s", f.what);
	} else {
		put_request(b, &plan);
		put_rows(b, &plan);
		put_judgement(b, &plan);
	}
	inspect_plan_free(&plan);
	inspect_args_free(&args);
	strv_free(&operands.words);
}

static void plans(void)
{
	static const struct {
		const char *line, *plan;
	} rows[] = {
		{ "", "tcp (udp) " UNIX "default; needs device,drops,listener,peer; "
		      "shown of all, one at least; table usual; "
		      "findings of all TCP of whole ports" },
		{ "-u",
		  "udp default; needs device,drops,listener,peer; shown of all, one at least; "
		  "table usual; findings of whole ports" },
		{ "-tux", "tcp udp unix unix-dgram unix-seqpacket default; "
			  "needs device,drops,listener,peer; shown of all, one at least; "
			  "table proto,usual; findings of all TCP of whole ports" },
		{ "-4 -6 -tu", "tcp udp v4 v6 default; needs device,drops,listener,peer; "
			       "shown of all, one at least; table proto,usual; "
			       "findings of all TCP of whole ports" },
		{ "-l",
		  "tcp " UNIX
		  "LISTEN; needs device,drops,listener,peer; shown of all, one at least; "
		  "table usual; findings of all TCP of whole ports" },
		{ "-tlnp",
		  "tcp LISTEN; needs owners,device,drops,listener,peer, owners of what is left; "
		  "shown of all, one at least; table usual,process; "
		  "findings of all TCP of whole ports" },
		{ "-ul",
		  "udp CLOSE,LISTEN; needs device,drops,listener,peer; "
		  "shown of all, one at least; table usual; findings of whole ports" },
		{ "-x --listen",
		  "unix unix-dgram unix-seqpacket CLOSE,LISTEN; needs device,listener,peer; "
		  "shown of all, one at least; table proto,usual; "
		  "findings of whole ports" },
		{ "--state connected",
		  "tcp (udp) " UNIX "all but CLOSE,LISTEN,BOUND_INACTIVE; "
		  "needs device,drops,listener,peer; shown of all, one at least; table usual; "
		  "findings of all TCP of whole ports" },
		{ "--state listen,close-wait",
		  "tcp (udp) " UNIX
		  "CLOSE_WAIT,LISTEN; needs device,drops,listener,peer; "
		  "shown of all, one at least; table usual; "
		  "findings of all TCP of whole ports" },
		{ "--port 80",
		  "tcp (udp) all or bound, all waiters; if either :80; "
		  "needs device,drops,listener,peer; shown of all, one at least; table usual; "
		  "findings of whole ports" },
		{ "--port 80,8000-8010 -l",
		  "tcp LISTEN, all waiters; if either :80,:8000-8010; "
		  "needs device,drops,listener,peer; shown of all, one at least; table usual; "
		  "findings of whole ports" },
		{ "state = close-wait",
		  "tcp (udp) " UNIX "CLOSE_WAIT; if state CLOSE_WAIT; "
		  "needs device,drops,listener,peer; shown of all, one at least; table usual; "
		  "findings" },
		{ "sport = :80",
		  "tcp (udp) " UNIX
		  "default; if local :80; needs device,drops,listener,peer; "
		  "shown of all, one at least; table usual; findings" },
		{ "listen 'sport = 80'",
		  "tcp (udp) " UNIX "LISTEN; if (state LISTEN and local :80); "
		  "needs device,drops,listener,peer; shown of all, one at least; table usual; "
		  "findings" },
		{ "'sport = :80 and state = bound'",
		  "tcp (udp) " UNIX
		  "BOUND_INACTIVE; if (local :80 and state BOUND_INACTIVE); "
		  "needs device,drops,listener,peer; shown of all, one at least; table usual; "
		  "findings" },
		{ "'waiting > 1'",
		  "tcp (udp) " UNIX "LISTEN, all waiters; if waiting>1; "
		  "needs device,drops,waiters,listener,peer; shown of all, one at least; "
		  "table usual; findings" },
		{ "'dst two'",
		  "tcp (udp) " UNIX "all but LISTEN,BOUND_INACTIVE; "
		  "if peer 192.0.2.1/32,192.0.2.2/32; needs device,drops,listener,peer; "
		  "shown of all, one at least; table usual; findings" },
		{ "--src 10.0.0.0/8 --dst two",
		  "tcp (udp) " UNIX "all but LISTEN,BOUND_INACTIVE; "
		  "if (local 10.0.0.0/8 and peer 192.0.2.1/32,192.0.2.2/32); "
		  "needs device,drops,listener,peer; shown of all, one at least; table usual; "
		  "findings" },
		{ "--pid 1,800-899 --process ng*",
		  "tcp (udp) " UNIX "default; if (process~ng* and pid in 1,800-899); "
		  "needs owners,device,drops,listener,peer, owners first; "
		  "shown of all, one at least; table usual; findings" },
		{ "--user www-data",
		  "tcp (udp) " UNIX
		  "default; if uid=33; needs device,drops,listener,peer; "
		  "shown of all, one at least; table usual; findings" },
		{ "-o +rtt,cwnd --sort rtt:desc",
		  "tcp (udp) " UNIX "default; needs info,device,drops,listener,peer; "
		  "sorted by rtt down of all, one at least; table usual,rtt,cwnd; "
		  "findings of all TCP of whole ports" },
		{ "-o pid",
		  "tcp (udp) " UNIX "default; needs owners,drops, owners first; "
		  "shown of all, one at least; table pid; "
		  "findings of all TCP of whole ports" },
		{ "-o +waiting",
		  "tcp (udp) " UNIX
		  "default, all waiters; needs device,drops,waiters,listener,peer; "
		  "shown of all, one at least; table usual,waiting; "
		  "findings of all TCP of whole ports" },
		{ "--sort inode --limit 3",
		  "tcp (udp) " UNIX "default; needs device,drops,listener,peer; "
		  "sorted by inode of all, one at least; table usual; "
		  "findings of all TCP of whole ports" },
		{ "--json",
		  "tcp default; needs cgroup,device,drops,waiters,listener,wait-time,peer; "
		  "shown, one at least; json no columns" },
		{ "--json --findings",
		  "tcp (udp) " UNIX "default; "
		  "needs cgroup,device,drops,waiters,listener,wait-time,peer; "
		  "shown of all, one at least; json no columns; "
		  "findings of all TCP of whole ports" },
		{ "--json -l 'drops > 0'",
		  "tcp LISTEN; if drops>0; "
		  "needs cgroup,device,drops,waiters,listener,wait-time,peer; "
		  "shown, one at least; json no columns" },
		{ "--format raw -H",
		  "tcp default; needs device,listener,peer; shown, one at least; "
		  "raw without headings usual" },
		{ "--count", "tcp default; counted; table usual" },
		{ "--summary --findings",
		  "tcp (udp) " UNIX "default; needs drops; counted of all; table usual; "
		  "findings of all TCP of whole ports" },
		{ "--group state --limit 2",
		  "tcp default; counted by state, one at least; table usual" },
		{ "-q", "tcp default; needs device,listener,peer; noted, one at least; "
			"table without headings usual" },
		{ "-q --count", "tcp default; noted; table without headings usual" },
		{ "--no-findings",
		  "tcp default; needs device,listener,peer; shown, one at least; table usual" },
		{ "--findings=all --port 443",
		  "tcp (udp) all or bound, all waiters; if either :443; "
		  "needs info,device,drops,listener,peer; shown of all, one at least; "
		  "table usual; all findings of whole ports" },
		{ "--allow-empty --ascii",
		  "tcp (udp) " UNIX
		  "default; needs device,drops,listener,peer; shown of all; "
		  "table in ASCII usual; findings of all TCP of whole ports" },
		{ "--fail-fill 80",
		  "tcp (udp) " UNIX
		  "default; needs device,drops,listener,peer; shown of all; "
		  "table usual; findings of all TCP of whole ports; fail at 80 %" },
		{ "--fail-drops",
		  "tcp (udp) " UNIX
		  "default; needs device,drops,listener,peer; shown of all; "
		  "table usual; findings of all TCP of whole ports; fail if dropped" },
		{ "--fail-if close-wait --fail-if 'count(state = time-wait) > 100'",
		  "tcp (udp) " UNIX
		  "default; needs device,drops,listener,peer; shown of all; "
		  "table usual; findings of all TCP of whole ports; "
		  "fail if state CLOSE_WAIT > 0; fail if state TIME_WAIT > 100" },
		{ "--record x -q",
		  "tcp default; needs device,drops,waiters,listener,wait-time,peer; "
		  "noted of all, one at least; table without headings usual" },
		{ "--from x -o cgroup,waiting",
		  "tcp default, all waiters, from x; needs cgroup,waiters; "
		  "shown, one at least; table cgroup,waiting" },
		{ "--from x",
		  "tcp default, from x; needs device,listener,peer; shown, one at least; "
		  "table usual" },
		{ "--from x --port 80",
		  "tcp all or bound, all waiters, from x; if either :80; "
		  "needs device,listener,peer; shown, one at least; table usual" },
		{ "--wait 5s --port 8080 -l",
		  "tcp LISTEN, all waiters; if either :8080; needs device,drops,listener,peer; "
		  "shown of all, one at least; table usual; findings of whole ports" },
		{ "--wait 5s --until-gone 'dst 10.0.0.1'",
		  "tcp (udp) " UNIX "all but LISTEN,BOUND_INACTIVE; if peer 10.0.0.1/32; "
		  "needs device,drops,listener,peer; shown of all; table usual; findings" },
		{ "--sort inode:up", "--sort: 'up' is neither asc nor desc" },
		{ "--sort statee", "--sort: there is no column 'statee'" },
		{ "--group statee", "--group: there is no column 'statee'" },
		{ "-o nothing", "there is no column 'nothing'" },
		{ "--pid x", "--pid: 'x' is not the number of a process" },
		{ "--from x reuseaddr",
		  "a recorded dump does not have the options that only a descriptor of "
		  "the socket tells" },
		{ "'dst three'", "three: there is no such name" },
		{ "--fail-if 'count(listen)'",
		  "--fail-if: count(...) wants a comparison behind it, as '> 100'" },
		{ "--count --sort inode",
		  "--sort has nothing to sort with --count, --summary or --group" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = { 0 };

		plan_of(&b, rows[i].line);
		if (streq(buf_cstr(&b), rows[i].plan))
			continue;
		printf("# inspect %s\n# - %s\n# + %s\n", rows[i].line, rows[i].plan,
		       buf_cstr(&b));
		unit_failures++;
	}
}

int main(void)
{
	RUN(plans, "command lines become these plans");
	return unit_done();
}
