/* The frame of listen, connect and echo: options, the address, what does not go together,
 * then the command's own part. */
#pragma once

#include "cmd/endpoint/role.h"

/* Returns the exit code. */
int endpoint_main(const struct command *cmd, int argc, char **argv,
		  const struct endpoint_role *role);
