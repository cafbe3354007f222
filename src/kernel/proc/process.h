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
/* Whether the network namespace belongs to a user namespace above this one, so that no
 * capability of here counts in it. */
bool process_netns_is_above(void);

enum process_map { MAP_USERS, MAP_GROUPS };

/* Whether an id of a file is only what stands for all those that the caller's user
 * namespace does not map. */
bool process_maps_away(enum process_map map, uint32_t id);
