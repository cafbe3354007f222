/* sockctl probe: is it reachable, how fast, and if not, exactly why not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/opt_rows.h"
#include "cmd/exclude.h"
#include "cmd/probe/command.h"
#include "cmd/probe/end.h"
#include "cmd/probe/jobs.h"
#include "cmd/probe/more.h"
#include "cmd/probe/question.h"
#include "cmd/probe/report.h"
#include "cmd/probe/request.h"
#include "cmd/probe/targets.h"
#include "kernel/proc/netns.h"

enum { PROBES_WITHOUT_YES = 1000000 };

static int parse_timeout(const char *arg, void *to, struct fault *f)
{
	struct probe_config *c = LOOP_OWNER(to, struct probe_config, timeout_us);
	int r = num_parse_duration(arg, &c->timeout_us, f);

	c->timeout_given = true;
	if (r == 0 && !c->timeout_us) {
		r = fault_say(f, ERANGE, "'%s' is too short: no answer comes within 0",
			      arg);
		fault_mark(f, arg, 0);
	}
	return r;
}

#define AT(member) offsetof(struct probe_config, member)
/* Options that are socket options by another name: --mark 5 is --option mark=5. */
#define AS_OPTION(n, meta, what) \
	TAKES(#n, 0, OPT_PARSE, AT(options), meta, .parse = parse_##n, .help = what)

static int parse_mark(const char *arg, void *list, struct fault *f)
{
	return sockopt_add("mark", arg, list, f);
}

static int parse_tos(const char *arg, void *list, struct fault *f)
{
	return sockopt_add("tos", arg, list, f);
}

static int parse_ttl(const char *arg, void *list, struct fault *f)
{
	return sockopt_add("ttl", arg, list, f);
}

static const struct opt what_opts[] = {
	SETS("tcp", 't', AT(proto), TARGET_TCP, .help = "TCP (default)"),
	SETS("udp", 'u', AT(proto), TARGET_UDP, .flags = OPT_COMMON,
	     .help = "UDP, where the address does not say"),
	FLAG("unix", 'x', AT(path),
	     .help = "the address is the path of a unix socket; with -u of a datagram socket"),
	SETS("ipv4", '4', AT(family), AF_INET, .flags = OPT_COMMON, .help = "IPv4 only"),
	SETS("ipv6", '6', AT(family), AF_INET6, .flags = OPT_COMMON, .help = "IPv6 only"),
	TAKES("targets", 0, OPT_LIST, AT(target_files), "FILE", .complete = "file",
	      .flags = OPT_COMMON,
	      .help = "read addresses from FILE, one a line, once it appears; - is stdin"),
	FLAG("all-addresses", 0, AT(all_addresses),
	     .help = "each address of a name separately (default: the first that answers)"),
	FLAG("syn", 0, AT(syn),
	     .help = "half-open: a SYN from a raw socket, no connection (CAP_NET_RAW)"),
	TAKES("netns", 0, OPT_TEXT, AT(netns), "NS", .complete = "netns",
	      .help = "from another network namespace: name, pid or path"),
	TAKES("source", 0, OPT_TEXT, AT(source), "ADDR",
	      .help = "from this address of ours"),
	TAKES("interface", 0, OPT_PARSE, AT(options), "NAME",
	      .parse = sockopt_parse_interface, .help = "through this interface"),
	AS_OPTION(mark, "N", "firewall mark (CAP_NET_ADMIN)"),
	AS_OPTION(tos, "N", "type of service, traffic class"),
	AS_OPTION(ttl, "N", "time to live, hop limit"),
	TAKES("option", 'O', OPT_PARSE, AT(options), "LIST", .parse = sockopt_parse,
	      .help = "socket options, as of connect: mss=1000,congestion=reno"),
};

static const struct opt when_opts[] = {
	TAKES("timeout", 'T', OPT_PARSE, AT(timeout_us), "DUR", .parse = parse_timeout,
	      .flags = OPT_COMMON,
	      .help = "give up on an attempt, with the look-up of its name, after DUR "
		      "(default: 3s, and 6s for the name)"),
	TAKES("attempts", 0, OPT_UINT, AT(attempts), "N", .flags = OPT_COMMON,
	      .help = "ask N times and tell how the times spread; 0 = until interrupted "
		      "(default: 1)"),
	TAKES("interval", 0, OPT_DURATION, AT(interval_us), "DUR", .flags = OPT_COMMON,
	      .help = "from one attempt to the next (default: 1s)"),
	TAKES("wait", 0, OPT_DURATION, AT(wait_us), "DUR", .flags = OPT_COMMON,
	      .help = "ask again until every target answers, for DUR at most"),
	FLAG("any", 0, AT(any), .help = "--wait: one of them is enough"),
	FLAG("down", 0, AT(down), .help = "--wait: until nobody serves there"),
	COUNT("parallel", AT(parallel),
	      .help = "at most N at once (default: 1024 targets; ports: as descriptors allow)"),
	RATE("rate", AT(rate), .metavar = "N/s", .help = "begin at most N a second"),
	TAKES(NULL, 'w', OPT_PARSE, AT(timeout_us), "DUR", .parse = parse_timeout,
	      .flags = OPT_HIDDEN),
	/* Habits of nc, tcping, ping and nmap. */
	IGNORED(NULL, 'z', .flags = OPT_HIDDEN),
	IGNORED(NULL, 'n', .flags = OPT_HIDDEN),
	WRONG('p',
	      "the port is part of the address: host:80; ours is --source ADDR:PORT"),
	WRONG('U', "a unix socket: unix:/PATH, or -x"),
	WRONG('c', "so many attempts: --attempts N"),
	WRONG('i', "between two attempts: --interval DUR"),
	WRONG('s', "a scan by connects is what a range of ports does; by SYNs: --syn"),
};

static const struct opt answer_opts[] = {
	TAKES("send", 0, OPT_TEXT, AT(send), "TEXT", .flags = OPT_COMMON,
	      .help = "send TEXT or @FILE and wait for an answer"),
	TAKES("expect", 0, OPT_TEXT, AT(expect), "TEXT", .flags = OPT_COMMON,
	      .help = "the answer has TEXT, or matches /REGEX/"),
	FLAG("banner", 0, AT(banner),
	     .help = "wait for the first line that the server sends"),
	TAKES("http", 0, OPT_TEXT, AT(http), "PATH", .flags = OPT_COMMON | OPT_OPTIONAL,
	      .help = "GET PATH (default: /) and its status"),
	TAKES("http-header", 0, OPT_PARSE, AT(http_headers), "HEADER",
	      .parse = request_parse_header,
	      .help = "--http: one more header, 'Name: value'; Host replaces ours"),
	TAKES("stable", 0, OPT_DURATION, AT(stable_us), "DUR", .flags = OPT_COMMON,
	      .help = "open means: still open after DUR"),
	FLAG("verify", 0, AT(verify),
	     .help = "open means: the server's kernel acknowledges our FIN"),
	FLAG("graceful", 0, AT(graceful),
	     .help = "close with FIN, not RST: leaves TIME_WAIT"),
};

static const struct opt show_opts[] = {
	FLAG("negotiated", 0, AT(negotiated),
	     .help = "what both sides agreed on: MSS, window scale, SACK, MPTCP ..."),
	FLAG("hops", 0, AT(hops),
	     .help = "the routers on the way, found by connects of growing TTL"),
	FLAG("measure-backlog", 0, AT(backlog),
	     .help = "fill the accept queue: how many does it hold, how fast is it emptied"),
	COUNT("max", AT(max), .value = 60000,
	      .help = "--measure-backlog: at most N connections (default: 4096)"),
	FLAG("closed", 0, AT(closed), .help = "list the closed ports of a scan, too"),
	FLAG("json", 0, AT(json), .flags = OPT_COMMON,
	     .help = "attempts and summaries as JSON Lines"),
	FLAG("yes", 0, AT(yes), .help = "do not ask, whatever the size"),
};

static const struct opt_group groups[] = {
	GROUP("What", what_opts),	   GROUP("When", when_opts),
	GROUP("Answer", answer_opts),	   GROUP("Show", show_opts),
	COMMON_GROUP(struct probe_config),
};

/* What the rows below say of a command line. */
enum {
	WITH_WAIT = BIT(0),
	WITH_MANY = BIT(1), /* --attempts */
	WITH_DOWN = BIT(2),
	WITH_HOPS = BIT(3),
	WITH_BACKLOG = BIT(4),
	WITH_ANSWER = BIT(5), /* asks something of the connection */
	WITH_UDP = BIT(6),
	WITH_SYN = BIT(7),
	WITH_HTTP = BIT(8),
	WITH_MORE = WITH_HOPS | WITH_BACKLOG,
};

#define MEMBER(member) EXCLUDED_MEMBER(struct probe_config, member)

static const char of_wait[] = "--any and --down belong to --wait";
static const char no_answer[] = "--syn makes no connection that could be asked for "
				"an answer";
static const char more_once[] = "--hops and --measure-backlog ask once, of one address: "
				"no --wait, --attempts, --all-addresses or answers";

static const struct exclusion exclusions[] = {
	{ MEMBER(any), .without = WITH_WAIT, .why = of_wait },
	{ MEMBER(down), .without = WITH_WAIT, .why = of_wait },
	{ MEMBER(http_headers), .without = WITH_HTTP,
	  .why = "--http-header belongs to --http" },
	{ MEMBER(any), .with = WITH_DOWN, .why = "--any and --down exclude each other" },
	{ .of = WITH_MANY,
	  .with = WITH_WAIT,
	  .why = "--wait and --attempts exclude each other" },
	{ .of = WITH_HOPS,
	  .with = WITH_BACKLOG,
	  .why = "--hops and --measure-backlog exclude each other" },
	{ .of = WITH_MORE,
	  .with = WITH_UDP,
	  .why = "--hops and --measure-backlog speak no UDP" },
	{ .of = WITH_MORE,
	  .with = WITH_WAIT | WITH_MANY | WITH_ANSWER,
	  .why = more_once },
	{ MEMBER(all_addresses), .with = WITH_MORE, .why = more_once },
	{ MEMBER(proto), .with = WITH_SYN, .why = "--syn speaks TCP" },
	{ .of = WITH_WAIT | WITH_MANY,
	  .with = WITH_SYN,
	  .why = "--syn asks once: no --wait, no --attempts" },
	{ .of = WITH_MORE,
	  .with = WITH_SYN,
	  .why = "--hops and --measure-backlog make connections: no --syn" },
	{ .of = WITH_ANSWER, .with = WITH_SYN, .why = no_answer },
	{ MEMBER(graceful), .with = WITH_SYN, .why = no_answer },
	{ MEMBER(parallel), .with = WITH_SYN,
	  .why = "--syn holds no connections: --rate limits it" },
};

static unsigned marks_of(const struct probe_config *c)
{
	bool answer = c->send || c->expect || c->http || c->banner || c->stable_us ||
		      c->verify || c->negotiated;

	return (c->wait_us != PROBE_UNSET ? WITH_WAIT : 0) |
	       (c->attempts != 1 ? WITH_MANY : 0) | (c->down ? WITH_DOWN : 0) |
	       (c->hops ? WITH_HOPS : 0) | (c->backlog ? WITH_BACKLOG : 0) |
	       (answer ? WITH_ANSWER : 0) |
	       (c->proto == TARGET_UDP && !c->path ? WITH_UDP : 0) |
	       (c->syn ? WITH_SYN : 0) | (c->http ? WITH_HTTP : 0);
}

static int check_options(const struct probe_config *c, const struct opt_operands *words,
			 struct fault *f)
{
	const struct probe_config fresh = PROBE_CONFIG_INIT;

	if (c->wait_us == 0)
		return fault_say(f, ERANGE,
				 "--wait: no answer comes within 0; without --wait each "
				 "is asked once");
	if (exclude_check(exclusions, ARRAY_SIZE(exclusions), c, &fresh, marks_of(c), f) <
	    0)
		return -EINVAL;
	if (words->n_before_dashes < words->words.n && !c->attempts)
		return fault_say(f, EINVAL,
				 "a command after '--' needs an end: --wait, or "
				 "--attempts with a number");
	return 0;
}

/* 0, or the exit code after a fault. */
static int find_source(struct probe_run *run, struct fault *f)
{
	struct target_how how = { .flags = TARGET_PORT_OPTIONAL };
	struct resolve_how local = { .deadline_us = probe_name_until(run->c),
				     .empty = RESOLVE_EMPTY_ANY };
	_cleanup_target_ struct target source = { 0 };
	int r;

	if (!run->c->source)
		return 0;
	if (target_parse(run->c->source, &how, &source, f) < 0)
		return EXIT_USAGE;
	r = resolve(&source, source.port, &local, &run->how.sources, f);
	return r == 0 ? 0 : cmd_code_of_lookup(r);
}

static int probe_targets(const struct command *cmd, struct probe_config *c,
			 struct probe_targets *t)
{
	struct probe_report report = { 0 };
	struct probe_run run = { .cmd = cmd, .c = c, .report = &report };
	struct fault f = FAULT_INIT;
	int code, r = 0;

	endpoint_raise_fds();
	code = probe_prepare(&run, &f) < 0 ? EXIT_USAGE : find_source(&run, &f);
	if (code) {
		probe_run_free(&run);
		if (code == EXIT_USAGE)
			return cmd_usage(cmd, &f);
		cmd_error(cmd, &f);
		return code;
	}
	probe_make_jobs(&run, t);
	report_begin(&report, c);
	if (c->hops || c->backlog) {
		code = probe_ask_more(&run);
	} else {
		r = probe_run_all(&run, &f);
		if (r < 0)
			cmd_error(cmd, &f);
		code = r < 0 ? EXIT_CANNOT : probe_end(&run);
	}
	out_discard(&report.out);
	probe_run_free(&run);
	return code;
}

static int count_probes(const struct probe_config *c, const struct probe_targets *t,
			struct fault *f)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < t->n; i++)
		n += probe_target_ports(&t->v[i]);
	n = num_scale(n, MAX(c->attempts, (uint64_t)1), 1);
	if (n <= PROBES_WITHOUT_YES || c->yes)
		return 0;
	fault_say(f, EINVAL, "%llu probes are more than %d", (unsigned long long)n,
		  PROBES_WITHOUT_YES);
	fault_hint(f, "--yes starts them");
	return -EINVAL;
}

static int run_with(const struct command *cmd, struct probe_config *c,
		    const struct opt_operands *words)
{
	struct probe_targets t = { 0 };
	struct fault f = FAULT_INIT;
	int code, r = check_options(c, words, &f);

	if (r == 0 && c->command) {
		code = probe_command_check(c->command[0], &f);
		if (code) {
			cmd_error(cmd, &f);
			return code;
		}
	}
	if (c->wait_us != PROBE_UNSET)
		c->wait_until_us = clock_us() + c->wait_us;
	if (r == 0)
		r = probe_targets_read(&t, c, words, &f);
	if (r == 0)
		r = count_probes(c, &t, &f);
	if (r < 0) {
		code = r == -EIO	 ? EXIT_CANNOT
		       : r == -ETIMEDOUT ? EXIT_DEADLINE
					 : EXIT_USAGE;
		if (code == EXIT_USAGE)
			cmd_usage(cmd, &f);
		else
			cmd_error(cmd, &f);
	} else if (c->netns && netns_enter(c->netns, &f) < 0) {
		cmd_error(cmd, &f);
		code = EXIT_CANNOT;
	} else {
		code = probe_targets(cmd, c, &t);
	}
	probe_targets_free(&t);
	return code;
}

static int probe_command(const struct command *cmd, int argc, char **argv)
{
	struct probe_config c = PROBE_CONFIG_INIT;
	struct opt_operands words = { 0 };
	struct rlimit descriptors;
	int code, i;

	getrlimit(RLIMIT_NOFILE, &descriptors);
	if (cmd_begin(cmd, argc, argv, &c, &c.common, &words, &code)) {
		for (i = 1; i < argc && !streq(argv[i], "--");)
			i++;
		if (i + 1 < argc)
			c.command = argv + i + 1;
		/* An empty value is "/" by its own default. */
		if (c.http && !c.http[0])
			c.http = "/";
		code = run_with(cmd, &c, &words);
		if (code == EXIT_YES && c.command)
			code = probe_command_run(cmd, c.command, &descriptors);
	}
	strv_free(&words.words);
	strv_free(&c.target_files);
	strv_free(&c.http_headers);
	sockopt_list_free(&c.options);
	return code;
}

const struct command cmd_probe = {
	.name = "probe",
	.summary = "is it reachable, how fast, and if not, why not",
	.operands = "ADDR... [-- CMD...]",
	.about =
		"Connects to each address and says what came of it, from the evidence: RST, an\n"
		"ICMP message and its sender, silence, a full queue, a name without address.\n"
		"Exits 0 if all are open, 1 if one says no, 4 for silence, 5 for names.",
	.examples = "  sockctl probe db:5432 cache:6379\n"
		    "  sockctl probe --attempts 20 --interval 100ms api:443\n"
		    "  sockctl probe --wait 30s db:5432 -- ./start-server\n"
		    "  sockctl probe 10.0.0.5:1-65535\n"
		    "  sockctl probe --http=/health --expect '/\"ok\"/' localhost:8080\n",
	.groups = groups,
	.n_groups = ARRAY_SIZE(groups),
	.run = probe_command,
};
