/* The command after "--", which takes the place of this program. */
#pragma once

#include <sys/resource.h>

#include "cmd/cmd.h"

/* What a shell's exit status is for a command that is not there, and for one that is
 * there and cannot be run. */
enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

/* Whether name can be run, by PATH as execvp() has it: 0, or the exit code with a fault.
 */
int probe_command_check(const char *name, struct fault *f);
/* Runs it, with the limit of descriptors that was there before. Returns only if it could
 * not be run: the exit code, after telling why. */
int probe_command_run(const struct command *cmd, char *const *argv,
		      const struct rlimit *descriptors);
