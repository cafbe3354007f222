/* echo: send back what arrives. */
#include <errno.h>

#include "cmd/endpoint/check.h"
#include "cmd/endpoint/connect.h"
#include "cmd/endpoint/frame.h"
#include "cmd/endpoint/serve.h"

static int check_echo(const struct endpoint_config *c, const struct target *t,
		      struct fault *f)
{
	bool has_ports = t->proto == TARGET_TCP || t->proto == TARGET_MPTCP ||
			 t->proto == TARGET_UDP;

	if (!c->client || t->port || !has_ports)
		return 0;
	fault_say(f, EINVAL, "--client needs the port of an echo server");
	fault_hint(f, "'sockctl echo' says the address that it listens on");
	return -EINVAL;
}

static unsigned marks_of_echo(const struct endpoint_config *c, enum target_proto proto)
{
	if (c->client)
		return MARK_ECHO_CLIENT;
	return MARK_ECHO_SERVER | (!target_is_connected(proto) ? MARK_ECHO_DATAGRAMS
				   : c->threads > 1	       ? MARK_ECHO_THREADS
							       : 0);
}

static int start_echo(const struct endpoint_role *role, const struct command *cmd,
		      struct endpoint_config *c, const struct target *t)
{
	if (c->client)
		return endpoint_connect_to(role, cmd, c, t);
	c->keep = !c->once;
	return endpoint_serve(role, cmd, c, t);
}

static int run_echo(const struct command *cmd, int argc, char **argv)
{
	static const struct endpoint_role role = {
		.otherwise = "127.0.0.1:0",
		.otherwise6 = "[::1]:0",
		.empty = RESOLVE_EMPTY_LOOPBACK4,
		.source = CONN_FROM_PEER,
		.marks = marks_of_echo,
		.check = check_echo,
		.run = start_echo,
	};

	return endpoint_main(cmd, argc, argv, &role);
}

const struct command cmd_echo = {
	.name = "echo",
	.summary = "send back what arrives",
	.operands = "[ADDR]",
	.about =
		"Sends every byte and every datagram back to where it came from, until told to\n"
		"end. Loopback unless told otherwise: 127.0.0.1:0, :PORT is 127.0.0.1:PORT.",
	.examples = "  sockctl echo :7777\n"
		    "  sockctl echo udp:127.0.0.1:0 --port-file port\n"
		    "  sockctl echo --client localhost:7777 --connections 100\n",
	.groups = endpoint_echo_groups,
	.n_groups = N_ECHO_GROUPS,
	.run = run_echo,
};
