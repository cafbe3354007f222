#include "model/cause/bind_cause.h"

#include <stddef.h>

const char *const bind_cause_ids[] = {
	[CAUSE_LISTENER] = "listener",
	[CAUSE_REUSEPORT] = "reuseport-mismatch",
	[CAUSE_CHILDREN] = "children",
	[CAUSE_REMNANT] = "remnant",
	[CAUSE_BOUND] = "bound-inactive",
	[CAUSE_OUTGOING] = "outgoing",
	[CAUSE_KERNEL] = "kernel-socket",
	[CAUSE_EXHAUSTED] = "ephemeral-exhausted",
	[CAUSE_PRIVILEGED] = "privileged-port",
	[CAUSE_NOT_LOCAL] = "not-local",
	[CAUSE_LOOPBACK_DOWN] = "loopback-down",
	[CAUSE_NO_SCOPE] = "no-scope",
	[CAUSE_STALE] = "stale-unix",
	[CAUSE_LIVE] = "live-unix",
	[CAUSE_NO_SOCKET] = "not-a-socket",
	[CAUSE_ABSTRACT] = "abstract-taken",
	[CAUSE_NO_DIRECTORY] = "no-directory",
	[CAUSE_POLICY] = "policy",
	[CAUSE_UNKNOWN] = "unknown",
	[CAUSES] = NULL,
};
