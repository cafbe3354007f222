/* What /proc says of a process. */
#pragma once

#include "base/util.h"

/* How long it has been running; 0 if that cannot be read. Source: proc(5), stat. */
uint64_t process_age_ms(int32_t pid);

/* Whether the caller has CAP_NET_BIND_SERVICE where the network namespace it is in asks
 * for it: in the user namespace that owns it. */
bool process_may_bind_low(void);
