/* echo: send back what arrives. */
#include <errno.h>

#include "cmd/endpoint/run.h"

static int check(const struct endpoint_config *c, const struct target *t, struct fault *f)
{
	bool has_ports = t->proto == TARGET_TCP || t->proto == TARGET_MPTCP ||
			 t->proto == TARGET_UDP;

	if (!c->client || t->port || !has_ports)
		return 0;
	fault_say(f, EINVAL, "--client needs the port of an echo server");
	fault_hint(f, "'sockctl echo' says the address that it listens on");
	return -EINVAL;
}

static int go(const struct command *cmd, struct endpoint_config *c,
	      const struct target *t)
{
	if (c->client)
		return endpoint_dial(cmd, c, t, true);
	c->keep = !c->once;
	return endpoint_serve(cmd, c, t, true);
}

static int run(const struct command *cmd, int argc, char **argv)
{
	static const struct endpoint_story story = {
		.otherwise = "127.0.0.1:0",
		.otherwise6 = "[::1]:0",
		.check = check,
		.go = go,
	};

	return endpoint_main(cmd, argc, argv, &story);
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
	.run = run,
};
