/* Why an address of this host cannot be connected to, or not from here, as a list. */
#pragma once

#include "model/meaning.h"

enum connect_cause {
	CONNECT_NOT_LISTENING,
	CONNECT_OTHER_ADDRESS,
	CONNECT_OTHER_FAMILY,
	CONNECT_OTHER_NAMESPACE,
	CONNECT_BOUND,
	CONNECT_REJECTED,
	CONNECT_RESET,
	CONNECT_QUEUE_FULL,
	CONNECT_FILTERED,
	CONNECT_EXHAUSTED,
	CONNECT_DUPLICATE,
	CONNECT_NOT_LOCAL,
	CONNECT_LOOPBACK_DOWN,
	CONNECT_NO_IPV6,
	CONNECT_NO_SOURCE,
	CONNECT_STALE,
	CONNECT_NO_SOCKET,
	CONNECT_OTHER_TYPE,
	CONNECT_NO_PERMISSION,
	CONNECT_POLICY,
	CONNECT_UNKNOWN,
	CONNECT_CAUSES,
};

/* One row a cause, in the order of the manual; a row without an id ends them. */
extern const struct meaning connect_causes[];
