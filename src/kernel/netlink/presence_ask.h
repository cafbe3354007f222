/* Addresses of this network namespace, and whether packets to one are for it. */
#pragma once

#include <stddef.h>

#include "model/presence.h"

/* Hands each address that an interface has, and can use, to fn, with that interface. 0 or
 * -errno. */
int presence_own(void (*fn)(void *ctx, const struct addr *a, uint32_t ifindex),
		 void *ctx);

/* Fills v[i].is of all. 0, or -errno of the first question that failed: some are unknown
 * then. */
int presence_ask(struct presence_of *v, size_t n);
