#include "cmd/cmd.h"

const struct command *const commands[] = {
	&cmd_inspect, &cmd_listen, &cmd_connect, &cmd_echo, &cmd_probe, NULL,
};
