/* Who is to accept from one listener, for whoever has no findings to make. */
#pragma once

#include "kernel/read/reader.h"

/*
 * Of the processes that hold a listener those that are to accept from it, in the arena;
 * all, where they cannot be told apart. The row has its holders.
 */
const struct holder *evidence_actors(struct reader *r, const struct sock *listener,
				     struct arena *a);
