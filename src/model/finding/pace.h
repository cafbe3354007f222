/* What became of those that waited for accept(). */
#pragma once

#include "model/finding/evidence.h"

/* Of the clients of a unix listener in two readings (struct listener_facts): how many of
 * the first are accepted by the second; how many are still in the queue. */
uint32_t pace_of_unix(const struct blob *before, const struct blob *now, uint32_t *still);
