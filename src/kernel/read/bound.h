/* Sockets that are bound and do nothing else: Linux 6.8 lists them. */
#pragma once

#include <errno.h>

#include "kernel/read/reader.h"

/*
 * Whether the kernel lists them: tried on one of our own, for a moment, on a port that
 * the kernel chooses, or on another if it has none left. 1, 0, or -errno where that could
 * not be seen; *refused is then that of the bind(), 0 if it is not what failed.
 */
int bound_are_listed(struct reader *r, int *refused);

/* What an error of asking for them means: 0 where the kernel does not know the state. */
static inline int bound_error(int err)
{
	return err == -EINVAL || err == -EOPNOTSUPP ? 0 : err;
}
