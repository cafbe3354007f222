/* The begin of an attempt: the addresses of its target are dialled, and the first that
 * answers is asked. */
#pragma once

#include "net/probe/attempt.h"

/* a->r, done and owner are set; *a->r is cleared. */
void attempt_start(struct attempt *a, struct loop *l, const struct endpoint_list *list,
		   const struct attempt_how *how);
