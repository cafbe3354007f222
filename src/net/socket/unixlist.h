/* Who has a unix socket bound to a file, by the kernel's lists of all network namespaces.
 */
#pragma once

#include <sys/stat.h>

#include "base/fault.h"

/*
 * 1 if a socket of this or of another network namespace is bound to path, or may be:
 * lists have names, and a name is of the process that gave it. 0 if none is; -errno with
 * a fault where a list is there and cannot be read. Asked are the namespaces of all
 * processes and those that are mounted (ip netns); what is not to be seen at all (a pid
 * namespace of one's own) or may not be entered is not.
 */
int unixlist_bound(const char *path, const struct stat *file, struct fault *f);
