/* Between the files of an attempt. */
#pragma once

#include "net/probe/attempt.h"

/* The verdict is in *a->r: closes and tells. */
void attempt_finish(struct attempt *a);
/* Waits for events of the socket; where the kernel will not, the attempt has failed. */
void attempt_watch(struct attempt *a, uint32_t events);
/* Whether all that was asked of the answer is in a->in; sets r->missed otherwise. */
bool attempt_answered(struct attempt *a);
/* No more will come of this answer: what it lacks, it lacks. */
bool attempt_is_decided(const struct attempt *a);
/* A connection that has been sent to, or spoken to, has not answered in time. */
void attempt_silent(struct attempt *a);
