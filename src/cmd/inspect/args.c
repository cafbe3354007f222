/* The option table of `sockctl inspect`, and what cannot be asked together. */
#include "cmd/inspect/args.h"

#include <errno.h>

#include "base/opt_rows.h"
#include "base/outpath.h"
#include "cmd/exclude.h"
#include "model/names.h"
#include "view/view.h"

static const char *const findings_names[] = { "off", "on", "all", NULL };
static const char *const format_names[] = { "table", "raw", "json", NULL };

static int parse_states(const char *arg, void *destination, struct fault *f)
{
	uint32_t *states = destination;
	size_t at = 0;

	for (;;) {
		size_t len = strcspn(arg + at, ",");
		uint32_t mask = state_parse(arg + at, len);
		const char *const *words;
		const char *nearest;
		char shown[64];
		size_t n;

		if (!mask) {
			_cleanup_free_ char *word = xstrndup(arg + at, len);

			fault_say(f, EINVAL, "there is no state '%s'",
				  escape_text(shown, sizeof(shown), arg + at, len));
			words = state_words(&n);
			nearest = opt_nearest(word, words, n);
			if (nearest)
				fault_hint(f, "did you mean '%s'?", nearest);
			else
				fault_hint(f, STATES_HINT);
			fault_mark(f, arg, at);
			return -EINVAL;
		}
		*states |= mask;
		at += len;
		if (!arg[at])
			return 0;
		at++;
	}
}

#define AT(member) offsetof(struct inspect_args, member)
#define WHAT(n, l, bit, ...)                                                            \
	{                                                                               \
		.name = n, .letter = l, .kind = OPT_BITS, .at = AT(what), .value = bit, \
		__VA_ARGS__                                                             \
	}

static const struct opt what_opts[] = {
	WHAT("tcp", 't', WHAT_TCP, .flags = OPT_COMMON,
	     .help = "TCP sockets (the default)"),
	WHAT("udp", 'u', WHAT_UDP, .flags = OPT_COMMON, .help = "UDP sockets"),
	WHAT("unix", 'x', WHAT_UNIX, .flags = OPT_COMMON, .help = "unix sockets"),
	WHAT("ipv4", '4', WHAT_V4, .help = "IPv4 only, v4-mapped connections included"),
	WHAT("ipv6", '6', WHAT_V6, .help = "IPv6 only"),
	TAKES("netns", 0, OPT_TEXT, AT(netns), "NS", .complete = "netns",
	      .flags = OPT_COMMON,
	      .help = "another network namespace: name, pid or path"),
	TAKES("from", 0, OPT_TEXT, AT(from), "FILE", .complete = "file",
	      .help = "read a dump that --record or 'ss -D' wrote; - is stdin"),
	TAKES("record", 0, OPT_TEXT, AT(record), "FILE", .complete = "file",
	      .help = "also write the kernel's answers to FILE; - is stdout"),
};

static const struct opt which_opts[] = {
	TAKES("port", 0, OPT_PORTS, AT(ports), "LIST", .complete = "port",
	      .flags = OPT_COMMON,
	      .help = "local or peer port, such as 80,https,8000-8010"),
	TAKES("state", 0, OPT_PARSE, AT(states), "LIST", .parse = parse_states,
	      .complete = "state", .flags = OPT_COMMON,
	      .help = "such as listen,close-wait; groups: connected, all"),
	FLAG("listen", 'l', AT(listen), .flags = OPT_COMMON, .help = "listeners only"),
	TAKES("pid", 0, OPT_LIST, AT(pids), "LIST", .complete = "pid",
	      .help = "sockets of these processes"),
	TAKES("process", 0, OPT_TEXT, AT(process), "NAME", .complete = "process",
	      .flags = OPT_COMMON,
	      .help = "sockets of processes of this name; globs work"),
	TAKES("user", 0, OPT_TEXT, AT(user), "NAME", .complete = "user",
	      .help = "sockets of this user, by name or number"),
	TAKES("src", 0, OPT_LIST, AT(src), "ADDR", .complete = "host",
	      .help = "local address, prefix or host, with or without port"),
	TAKES("dst", 0, OPT_LIST, AT(dst), "ADDR", .complete = "host",
	      .help = "peer address, prefix or host, with or without port"),
	IGNORED("all", 'a',
		.help = "accepted for users of ss: all states are shown anyway"),
	IGNORED("numeric", 'n',
		.help = "accepted for users of ss: numbers are never resolved"),
	WRONG('U', "unix sockets are -x, UDP is -u"),
	WRONG('e', "columns: -o +uid,inode,cookie,timer"),
	WRONG('i', "all of tcp_info: -o +tcp"),
	WRONG('m', "memory: -o +memory"),
	WRONG('r', "numbers are never resolved"),
	WRONG('s', "counts: --summary"),
	WRONG('z', "to test a port: sockctl probe HOST:PORT"),
};

static const struct opt show_opts[] = {
	TAKES(NULL, 'o', OPT_LIST, AT(columns), "COLUMNS", .complete = "column",
	      .flags = OPT_COMMON,
	      .help = "columns to show; +COL adds one; 'help' lists them"),
	FLAG("processes", 'p', AT(processes), .flags = OPT_COMMON,
	     .help = "show which programs hold each socket"),
	TAKES("sort", 0, OPT_TEXT, AT(sort), "COL[:desc]", .complete = "column",
	      .flags = OPT_COMMON, .help = "sort by a column"),
	TAKES("group", 0, OPT_TEXT, AT(group), "COL", .complete = "column",
	      .help = "count the rows by a column's values"),
	FLAG("count", 0, AT(count), .help = "print only the number of rows"),
	FLAG("summary", 0, AT(summary), .help = "count by protocol and state"),
	TAKES("limit", 0, OPT_UINT, AT(limit), "N",
	      .help = "stop after N rows, or values of --group"),
	TAKES("format", 0, OPT_CHOICE, AT(format), "FORMAT", .choices = format_names,
	      .help = "table, raw (tab-separated) or json (one object a line)"),
	SETS("json", 0, AT(format), VIEW_JSON, .flags = OPT_COMMON,
	     .help = "the same as --format json"),
	TAKES("output", 'O', OPT_TEXT, AT(output), "FILE", .complete = "file",
	      .help = "write to FILE, which appears whole or not at all"),
	FLAG("no-headings", 'H', AT(no_headings), .help = "no line of column names"),
	FLAG("ascii", 0, AT(ascii), .help = "no characters outside ASCII"),
	TAKES("threads", 0, OPT_UINT, AT(threads), "N", .value = 64, .flags = OPT_HIDDEN,
	      .help = "threads to use"),
};

static const struct opt judge_opts[] = {
	TAKES("findings", 0, OPT_CHOICE, AT(findings), "WHICH", .value = FINDINGS_ON,
	      .choices = findings_names, .flags = OPT_COMMON | OPT_OPTIONAL,
	      .help = "say what is wrong, who does it, what to do (default on a terminal); all: notes too"),
	SETS("no-findings", 0, AT(findings), FINDINGS_OFF, .flags = OPT_COMMON,
	     .help = "rows only"),
	TAKES("fail-fill", 0, OPT_UINT, AT(fail_fill), "PCT", .value = 100,
	      .help = "exit 1 if an accept queue is at least PCT % full"),
	FLAG("fail-drops", 0, AT(fail_drops),
	     .help = "exit 1 if a listener or UDP socket has dropped anything"),
	TAKES("fail-if", 0, OPT_LIST, AT(fail_if), "EXPRESSION",
	      .help = "exit 1 if a row matches, or if count(EXPRESSION) > N holds"),
	FLAG("allow-empty", 0, AT(allow_empty), .help = "exit 0 when nothing matched"),
};

static const struct opt bindable_opts[] = {
	TAKES("bindable", 0, OPT_TEXT, AT(bindable), "ADDR", .complete = "address",
	      .flags = OPT_COMMON,
	      .help = "could a server bind this now? if not, why not?"),
	FLAG("reuseaddr", 0, AT(reuseaddr), .help = "it would set SO_REUSEADDR"),
	FLAG("reuseport", 0, AT(reuseport), .help = "it would set SO_REUSEPORT"),
	FLAG("v6only", 0, AT(v6only), .help = "it would set IPV6_V6ONLY"),
	TAKES("as-user", 0, OPT_TEXT, AT(as_user), "NAME", .complete = "user",
	      .help = "it would run as this user"),
	FLAG("try", 0, AT(try_bind),
	     .help = "TCP: also bind() for an instant, where only a trial can tell"),
};

static const struct opt follow_opts[] = {
	TAKES("wait", 0, OPT_DURATION, AT(wait_us), "DUR", .flags = OPT_COMMON,
	      .help = "wait until something matches; exit 4 if nothing did"),
	FLAG("until-gone", 0, AT(until_gone),
	     .help = "with --wait: until nothing matches any more"),
};

const struct opt_group inspect_groups[N_INSPECT_GROUPS] = {
	GROUP("What", what_opts),	   GROUP("Which", which_opts),
	GROUP("Show", show_opts),	   GROUP("Judge", judge_opts),
	GROUP("Bindable", bindable_opts),  GROUP("Follow", follow_opts),
	COMMON_GROUP(struct inspect_args),
};

void inspect_args_free(struct inspect_args *args)
{
	port_set_free(&args->ports);
	strv_free(&args->pids);
	strv_free(&args->src);
	strv_free(&args->dst);
	strv_free(&args->columns);
	strv_free(&args->fail_if);
}

/* Whether both are the same descriptor of ours, or the same name; NULL is stdout. */
static bool one_place(const char *a, const char *b)
{
	int own = outpath_own(a);

	return own == outpath_own(b ? b : "-") && (own >= 0 || (b && streq(a, b)));
}

/* What the rows below say of a command line. */
enum {
	WITH_COUNT = BIT(0),
	WITH_SUMMARY = BIT(1),
	WITH_GROUP = BIT(2),
	WITH_FROM = BIT(3),
	WITH_RECORD = BIT(4),
	WITH_FINDINGS = BIT(6),
	WITH_WAIT = BIT(7),
	WITH_BINDABLE = BIT(8),
	WITH_CANDIDATE = BIT(9), /* what the server of --bindable would do */
	WITH_THRESHOLD = BIT(10),
	WITH_LISTEN = BIT(11),
};

static const char one_count[] = "--count, --summary and --group exclude each other";

#define MEMBER(member) EXCLUDED_MEMBER(struct inspect_args, member)

static const struct exclusion exclusions[] = {
	{ .of = WITH_COUNT, .with = WITH_SUMMARY | WITH_GROUP, .why = one_count },
	{ .of = WITH_SUMMARY, .with = WITH_GROUP, .why = one_count },
	{ MEMBER(sort), .with = WITH_COUNT | WITH_SUMMARY | WITH_GROUP,
	  .why = "--sort has nothing to sort with --count, --summary or --group" },
	{ MEMBER(limit), .with = WITH_COUNT | WITH_SUMMARY,
	  .why = "--limit has nothing to limit with --count or --summary" },
	{ MEMBER(netns), .with = WITH_FROM,
	  .why = "--from reads a file, --netns the kernel: only one of them" },
	{ MEMBER(record), .with = WITH_FROM,
	  .why = "--from reads a file: there is nothing to --record" },
	{ MEMBER(from), .with = WITH_FINDINGS,
	  .why = "findings rest on second looks, which a recorded dump cannot give" },
	{ MEMBER(from), .with = WITH_WAIT,
	  .why = "--wait waits for the kernel; a recorded dump does not change" },
	{ MEMBER(until_gone), .without = WITH_WAIT,
	  .why = "--until-gone wants --wait DUR: how long at most?" },
	{ .of = WITH_CANDIDATE,
	  .without = WITH_BINDABLE,
	  .why = "--reuseaddr, --reuseport, --v6only, --as-user and --try belong to "
		 "--bindable" },
	{ MEMBER(bindable), .with = WITH_FROM | WITH_RECORD | WITH_WAIT,
	  .why = "--bindable asks the kernel once: no --from, --record or --wait" },
	{ MEMBER(bindable), .with = WITH_THRESHOLD,
	  .why = "--bindable judges an address, --fail-... rows: only one of them" },
	{ MEMBER(states), .with = WITH_LISTEN,
	  .why = "--listen and --state exclude each other" },
};

static unsigned marks_of(const struct inspect_args *c)
{
	bool finds = c->findings == FINDINGS_ON || c->findings == FINDINGS_ALL;
	bool fails = c->fail_if.n || c->fail_drops || c->fail_fill != UINT64_MAX;
	bool candidate = c->reuseaddr || c->reuseport || c->v6only || c->as_user ||
			 c->try_bind;

	return (c->count ? WITH_COUNT : 0) | (c->summary ? WITH_SUMMARY : 0) |
	       (c->group ? WITH_GROUP : 0) | (c->from ? WITH_FROM : 0) |
	       (c->record ? WITH_RECORD : 0) | (finds ? WITH_FINDINGS : 0) |
	       (c->wait_us != UINT64_MAX ? WITH_WAIT : 0) |
	       (c->bindable ? WITH_BINDABLE : 0) | (candidate ? WITH_CANDIDATE : 0) |
	       (fails ? WITH_THRESHOLD : 0) | (c->listen ? WITH_LISTEN : 0);
}

int inspect_args_check(const struct inspect_args *c, struct fault *f)
{
	const struct inspect_args fresh = INSPECT_ARGS_INIT;
	int r = exclude_check(exclusions, ARRAY_SIZE(exclusions), c, &fresh, marks_of(c),
			      f);

	if (r == 0 && c->record && !c->common.quiet && one_place(c->record, c->output))
		return fault_say(
			f, EINVAL,
			"--record %s writes to %s, and so do the rows: -q leaves them "
			"out, -O FILE puts them elsewhere",
			c->record, outpath_own(c->record) < 0 ? c->record : "stdout");
	return r;
}
