/* listen: accept; copy data to stdout, stdin to the peer; or run a command, or answer. */
#include <errno.h>

#include "cmd/endpoint/check.h"
#include "cmd/endpoint/frame.h"
#include "cmd/endpoint/serve.h"

static int check_listen(const struct endpoint_config *c, const struct target *t,
			struct fault *f)
{
	int sources = !!c->exec + !!c->shell + !!c->reply + !!c->http + !!c->send;

	(void)t;
	if (sources > 1)
		return fault_say(
			f, EINVAL,
			"only one of --exec, --sh, --reply, --http and --send can "
			"answer");
	return 0;
}

static unsigned marks_of_listen(const struct endpoint_config *c, enum target_proto proto)
{
	if (!target_is_connected(proto))
		return MARK_LISTEN_DATAGRAMS;
	return (c->exec || c->shell) && !c->to ? MARK_LISTEN_COMMAND : 0;
}

static int run_listen(const struct command *cmd, int argc, char **argv)
{
	static const struct endpoint_role role = {
		.empty = RESOLVE_EMPTY_ANY,
		.source = CONN_FROM_NONE,
		.side = LAB_SIDE_LISTEN,
		.marks = marks_of_listen,
		.check = check_listen,
		.run = endpoint_serve,
	};

	return endpoint_main(cmd, argc, argv, &role);
}

const struct command cmd_listen = {
	.name = "listen",
	.summary = "accept connections: a server, or a bad one, for testing",
	.operands = "ADDR",
	.about =
		"Accepts one peer (any number with --keep): what it sends goes to stdout, stdin\n"
		"goes to it; or runs a command, answers, or relays. Port 0: the kernel chooses.",
	.examples = "  sockctl listen :8080 > file\n"
		    "  sockctl listen -k --http 'hello\\n' 127.0.0.1:0\n"
		    "  sockctl listen -k --exec 'tr a-z A-Z' :8080\n"
		    "  sockctl listen --no-accept --backlog 2 :8080\n"
		    "  sockctl listen --lab CLOSE_WAIT :8080\n",
	.groups = endpoint_listen_groups,
	.n_groups = N_LISTEN_GROUPS,
	.run = run_listen,
};
