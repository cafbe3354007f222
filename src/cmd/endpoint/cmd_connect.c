/* connect: stdin to the peer, the peer to stdout; or many connections at once. */
#include <errno.h>

#include "cmd/endpoint/check.h"
#include "cmd/endpoint/connect.h"
#include "cmd/endpoint/frame.h"

static int check_connect(const struct endpoint_config *c, const struct target *t,
			 struct fault *f)
{
	if (!target_is_connected(t->proto) && c->connections > 1)
		return fault_say(f, EINVAL, "datagrams make no connections to count");
	if (t->proto == TARGET_FD)
		return fault_say(f, EINVAL,
				 "fd: is for listening; connect takes an address");
	if (t->host == TARGET_HOST_ANY)
		return fault_say(f, EINVAL,
				 "'*' is every address: connect to one of them");
	if (target_is_connected(t->proto) && t->proto != TARGET_UNIX &&
	    t->proto != TARGET_UNIX_SEQPACKET && t->proto != TARGET_VSOCK && !t->port)
		return fault_say(f, EINVAL, "nobody can be connected to on port 0");
	return 0;
}

static unsigned marks_of_connect(const struct endpoint_config *c, enum target_proto proto)
{
	(void)c;
	return target_is_connected(proto) ? 0 : MARK_CONNECT_DATAGRAMS;
}

static int run_connect(const struct command *cmd, int argc, char **argv)
{
	static const struct endpoint_role role = {
		.empty = RESOLVE_EMPTY_LOCALHOST,
		.source = CONN_FROM_EMPTY,
		.side = LAB_SIDE_CONNECT,
		.marks = marks_of_connect,
		.check = check_connect,
		.run = endpoint_connect_to,
	};

	return endpoint_main(cmd, argc, argv, &role);
}

const struct command cmd_connect = {
	.name = "connect",
	.summary = "connect: a client, or a bad one, for testing",
	.operands = "ADDR",
	.about =
		"Connects (every address of a name is tried), sends stdin to the peer and writes\n"
		"what comes to stdout. Both directions drain to their own end; the exit code\n"
		"says whether everything was delivered.",
	.examples =
		"  sockctl connect example.org:80 < request\n"
		"  sockctl connect --send 'PING\\r\\n' --expect +PONG localhost:6379\n"
		"  sockctl connect --connections 10 --hold 1m localhost:8080\n"
		"  sockctl connect --lab TIME_WAIT\n",
	.groups = endpoint_connect_groups,
	.n_groups = N_CONNECT_GROUPS,
	.run = run_connect,
};
