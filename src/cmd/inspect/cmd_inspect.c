/* sockctl inspect: the kernel's socket tables, filtered and shown. */
#include <errno.h>

#include "base/clock.h"
#include "cmd/inspect/can_bind.h"
#include "cmd/inspect/show.h"
#include "cmd/inspect/user.h"
#include "cmd/inspect/wait.h"
#include "kernel/proc/cgroup.h"
#include "kernel/proc/procfile.h"
#include "model/names.h"

/* What the plan needs and only the system knows. 0 or -errno. */
static int find_facts(const struct inspect_args *args, const struct strv *expressions,
		      struct inspect_home *home, struct inspect_facts *facts,
		      struct fault *f)
{
	struct inspect_user user;
	int r;

	*facts = (struct inspect_facts){ .names = { .resolve = inspect_home_name,
						    .cgroup_id = cgroup_id_of,
						    .ctx = home },
					 .terminal = !args->output &&
						     isatty(STDOUT_FILENO),
					 .utf8 = term_utf8() };
	/* A name that is waited for may yet come; that of a dump is another host's. */
	if (args->wait_us == UINT64_MAX && !args->from)
		facts->names.device = inspect_home_device;
	facts->names.elsewhere = args->from;
	/* So are its files. */
	facts->files.look = inspect_home_look;
	if (!args->from)
		facts->names.files = &facts->files;
	/* A dump's control groups are known by their paths. */
	if (args->from)
		facts->names.cgroup_id = NULL;
	/* Only "autobound" asks for it. */
	if (!args->from && (expressions->n || args->fail_if.n))
		procfile_port_range(&facts->names.ephemeral_lo,
				    &facts->names.ephemeral_hi);
	if (!args->user || args->from)
		return 0;
	r = inspect_find_user("--user", args->user, &user, f);
	facts->uid = user.uid;
	return r;
}

static int carry_out(const struct command *cmd, const struct inspect_plan *plan,
		     uint64_t deadline_us)
{
	const struct inspect_args *args = plan->args;
	_cleanup_reader_ struct reader reader = { .threads = (unsigned)args->threads };
	_cleanup_inspect_files_ struct inspect_files files = { 0 };
	struct fault f = FAULT_INIT;
	int r;

	r = inspect_open_files(args, &files, &f);
	if (r == 0 && !args->from) {
		r = reader_open(&reader, &f);
		/* Kernels and sandboxes without sock_diag still have /proc/net. */
		if (reader_has_fallback(r))
			r = 0;
	}
	if (r < 0) {
		cmd_error(cmd, &f);
		return EXIT_CANNOT;
	}
	if (args->wait_us != UINT64_MAX) {
		int code = inspect_wait(cmd, plan, &reader, deadline_us);

		if (code != EXIT_YES)
			return code;
	}
	return inspect_show(cmd, plan, &reader, &files);
}

static int tell_no_plan(const struct command *cmd, const struct fault *f)
{
	if (f->err == EINVAL || f->err == ERANGE)
		return cmd_usage(cmd, f);
	cmd_error(cmd, f);
	return f->err == ENXIO	     ? EXIT_NAME
	       : f->err == ETIMEDOUT ? EXIT_DEADLINE
				     : EXIT_CANNOT;
}

static int plan_and_carry_out(const struct command *cmd, const struct inspect_args *args,
			      const struct strv *expressions)
{
	__attribute__((
		cleanup(inspect_home_free))) struct inspect_home home = { .fd = -1 };
	__attribute__((cleanup(inspect_plan_free))) struct inspect_plan plan = { 0 };
	struct inspect_facts facts;
	struct fault f = FAULT_INIT;

	/* First of all: expressions name devices and the range of ports of that
	 * namespace. */
	if (inspect_home_leave(&home, args->netns, &f) < 0) {
		cmd_error(cmd, &f);
		return EXIT_CANNOT;
	}
	/* Names are looked up within it. */
	if (args->wait_us != UINT64_MAX)
		home.deadline_us = clock_us() + args->wait_us;
	if (find_facts(args, expressions, &home, &facts, &f) < 0 ||
	    inspect_plan_make(args, expressions, &facts, &plan, &f) < 0)
		return tell_no_plan(cmd, &f);
	if (args->bindable)
		return inspect_bindable(cmd, args, &home);
	return carry_out(cmd, &plan, home.deadline_us);
}

/* "ss -o state established": timers of the sockets in a state. Here -o takes columns, and
 * what follows is an expression, which happens to choose the same rows. */
static void hint_columns(const struct command *cmd, const struct inspect_args *args,
			 const struct strv *expressions)
{
	size_t n = args->columns.n;

	if (n && streq(args->columns.v[n - 1], "state") && expressions->n &&
	    state_parse(expressions->v[0], strcspn(expressions->v[0], " ")) &&
	    !args->common.quiet && isatty(STDERR_FILENO))
		cmd_say(cmd, "-o takes columns here: 'state' is the one that is shown; "
			     "for the timers of ss -o: -o +timer,timer_expires");
}

static int run_inspect(const struct command *cmd, const struct inspect_args *args,
		       const struct strv *expressions)
{
	struct fault f = FAULT_INIT;

	if (args->columns.n && streq(args->columns.v[args->columns.n - 1], "help")) {
		_cleanup_buf_ struct buf b = { 0 };

		columns_help(&b);
		return cmd_print(cmd, &b);
	}
	if (args->bindable && expressions->n) {
		target_two_words(args->bindable, expressions->v[0], &f);
		return cmd_usage(cmd, &f);
	}
	if (inspect_args_check(args, &f) < 0)
		return cmd_usage(cmd, &f);
	hint_columns(cmd, args, expressions);
	return plan_and_carry_out(cmd, args, expressions);
}

static int parse_and_run(const struct command *cmd, int argc, char **argv)
{
	struct inspect_args args = INSPECT_ARGS_INIT;
	struct opt_operands operands = { 0 };
	int code;

	if (cmd_begin(cmd, argc, argv, &args, &args.common, &operands, &code))
		code = run_inspect(cmd, &args, &operands.words);
	inspect_args_free(&args);
	strv_free(&operands.words);
	return code;
}

const struct command cmd_inspect = {
	.name = "inspect",
	.summary = "show sockets: state, queues, owner",
	.operands = "[EXPRESSION]",
	.about =
		"Reads the kernel's socket tables through sock_diag and shows one line a socket.\n"
		"Without options: every TCP socket but those that are bound and silent.\n"
		"EXPRESSION is ss's language with real precedence, over any column:\n"
		"  'state = close-wait and rtt > 50ms', 'sport in (80,443)', 'dst 10.0.0.0/8'",
	.examples =
		"  sockctl inspect --port 8080           who listens, who is connected, who waits\n"
		"  sockctl inspect -tlnp                 listeners with their programs\n"
		"  sockctl inspect state = close-wait    connections the program forgot to close\n"
		"  sockctl inspect -o +rtt,cwnd 'dport = :443' --sort rtt:desc\n"
		"  sockctl inspect --json -l | jq 'select(.accept_queue_full)'\n",
	.groups = inspect_groups,
	.n_groups = N_INSPECT_GROUPS,
	.run = parse_and_run,
};
