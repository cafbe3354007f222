/*
 * Tunnels of this network namespace for which the kernel holds a UDP port itself: one
 * dump of its links. No privilege is needed. A tunnel whose port is not told (wireguard),
 * that is down, or was moved here from another namespace, is none of them.
 */
#pragma once

#include "base/util.h"

struct tunnel {
	uint16_t port;
	unsigned links;		     /* that share the port */
	char name[16 * 4], kind[16]; /* of the first; escaped */
};

enum { TUNNELS_MOST = 16 };

struct tunnels {
	struct tunnel v[TUNNELS_MOST]; /* one a port */
	size_t n;
};

void tunnels_read(struct tunnels *t);
/* NULL = none has it. */
const struct tunnel *tunnels_find(const struct tunnels *t, uint16_t port);
