/* What /proc says of a process. */
#pragma once

#include "base/util.h"

/* How long it has been running; 0 if that cannot be read. Source: proc(5), stat. */
uint64_t process_age_ms(int32_t pid);

/* Whether the caller has a capability, in its own user namespace. */
bool process_has_capability(unsigned cap);

/* Whether that is the first of all user namespaces, which owns every process. */
bool process_in_first_userns(void);

/* Whether the caller has CAP_SYS_PTRACE where it counts for every process: in the first
 * user namespace. That of another one is worth nothing towards processes that it does not
 * own. */
bool process_may_trace(void);

/* Whether the caller has CAP_NET_BIND_SERVICE where the network namespace it is in asks
 * for it: in the user namespace that owns it. */
bool process_may_bind_low(void);

/*
 * Whether a user could write to a directory, by its mode, owner and lists. For a moment
 * the calling thread sees the file system as that user does. 0 or -errno.
 */
int process_may_write_as(const char *user, uint32_t uid, const char *directory);
