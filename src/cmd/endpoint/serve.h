/* listen, and echo without --client. */
#pragma once

#include "cmd/endpoint/role.h"

/* Resolve, bind, listen, tell, serve, report: fits endpoint_role's run. */
int endpoint_serve(const struct endpoint_role *role, const struct command *cmd,
		   struct endpoint_config *c, const struct target *t);
