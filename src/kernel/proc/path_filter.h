/* The reverse path filter of the interfaces of this network namespace. */
#pragma once

#include "model/counter/arrivals.h"

/* Of rp_filter of the interface and of all, the greater: 1 is strict. */
bool path_filter_read(const char *device, uint64_t *filter);

/* Where it is strict; not the loopback interface, through which nobody else comes. */
void strict_paths_read(struct strict_paths *p);
