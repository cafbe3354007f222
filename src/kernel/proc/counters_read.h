/* Reading the counters of the network namespace that the calling thread is in. */
#pragma once

#include "model/counter/counters.h"

/* Free with counters_free(). A file that could not be read is noted in c->unread; a host
 * without IPv6 has no snmp6, which is no error. */
void counters_read(struct counters *c);
