/* Why an address cannot be bound, as a list. */
#pragma once

#include "model/meaning.h"

enum bind_cause {
	CAUSE_LISTENER,
	CAUSE_REUSEPORT,
	CAUSE_CHILDREN,
	CAUSE_REMNANT,
	CAUSE_BOUND,
	CAUSE_OUTGOING,
	CAUSE_KERNEL,
	CAUSE_NO_DESCRIPTOR,
	CAUSE_EXHAUSTED,
	CAUSE_PRIVILEGED,
	CAUSE_NOT_LOCAL,
	CAUSE_LOOPBACK_DOWN,
	CAUSE_IPV6_OFF,
	CAUSE_NO_SCOPE,
	CAUSE_STALE,
	CAUSE_LIVE,
	CAUSE_MOUNT,
	CAUSE_NO_SOCKET,
	CAUSE_ABSTRACT,
	CAUSE_NO_DIRECTORY,
	CAUSE_NO_PERMISSION,
	CAUSE_POLICY,
	CAUSE_UNKNOWN,
	CAUSES,
};

/* One row a cause, in the order of the manual; a row without an id ends them. */
extern const struct meaning bind_causes[];
