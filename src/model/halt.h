/* How a process is kept from running, and by whom. */
#pragma once

#include "base/util.h"

enum halted { HALT_NONE, HALT_STOPPED, HALT_TRACED, HALT_FROZEN, HALT_BLOCKED, HALTS };

struct halt {
	enum halted by;
	int32_t tracer;	      /* of HALT_TRACED; 0 = not known */
	const char *debugger; /* its name, or NULL */
	const char *freezer;  /* of HALT_FROZEN: the file that thaws; NULL = not known */
};

/* "stopped", "frozen by a cgroup"; NULL for none. */
const char *halt_words(enum halted by);
