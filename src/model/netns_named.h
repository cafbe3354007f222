/* Another network namespace, as --netns names it, and what is advised to be run there. */
#pragma once

#include "base/buf.h"

enum netns_kind { NETNS_NAME /* of "ip netns" */, NETNS_PID, NETNS_PATH };

enum netns_kind netns_kind(const char *which);

/*
 * A text as advice.h has it, whose commands about the network act in that namespace.
 * NULL = it is ours: they stay as they are. asker: who would run them.
 */
void netns_put_advice(struct buf *b, const char *text, const char *which, uint32_t asker);
