/* All network namespaces of the machine that can be found and entered. */
#pragma once

#include "base/util.h"

/*
 * Calls fn in each of them but the one the caller is in: from a thread of its own, so
 * that the caller stays where it is. Found through processes and bind mounts; one that
 * only a descriptor keeps alive is not. fn returns false to end it. *hidden counts what
 * could not be looked into: processes that hide their namespace, namespaces that may not
 * be entered, lists that could not be read. Returns 0, or -errno if none was looked into.
 */
int netns_each(bool (*fn)(void *ctx), void *ctx, size_t *hidden);
