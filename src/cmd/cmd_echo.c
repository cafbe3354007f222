/* echo: send back what arrives. */
#include <errno.h>

#include "cmd/endpoint_run.h"

static int run(const struct command *cmd, int argc, char **argv)
{
	ENDPOINT_CONFIG_FREE struct endpoint_config c = ENDPOINT_CONFIG_INIT;
	_cleanup_target_ struct target t = { 0 };
	struct opt_operands words = { 0 };
	struct fault f = FAULT_INIT;
	int code = EXIT_USAGE, r;

	if (endpoint_list_options(cmd, argc, argv, &code) ||
	    !cmd_begin(cmd, argc, argv, &c, &c.common, &words, &code)) {
		strv_free(&words.words);
		return code;
	}
	r = endpoint_target(&c, &words, c.family == AF_INET6 ? "[::1]:0" : "127.0.0.1:0",
			    &t, &f);
	strv_free(&words.words);
	if (r < 0)
		return cmd_usage(cmd, &f);
	if (c.client)
		return endpoint_dial(cmd, &c, &t, true);
	c.keep = !c.once;
	return endpoint_serve(cmd, &c, &t, true);
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
