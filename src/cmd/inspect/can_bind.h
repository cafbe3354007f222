/* inspect --bindable: could a server bind this now, and if not, why not? */
#pragma once

#include "cmd/inspect/args.h"
#include "cmd/inspect/home.h"

/* Returns an exit code. */
int inspect_bindable(const struct command *cmd, const struct inspect_args *c,
		     const struct inspect_home *home);
