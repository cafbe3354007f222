/* connect, and echo --client. */
#pragma once

#include "cmd/endpoint/role.h"

/* Resolve, connect (one or many), relay or measure, report: fits endpoint_role's run. */
int endpoint_connect_to(const struct endpoint_role *role, const struct command *cmd,
			struct endpoint_config *c, const struct target *t);
