/* What the parts of reading a recorded dump share. */
#pragma once

#include "kernel/read/collect_private.h"

/*
 * Shows the TCP rows that were held back: those of `queues` (listeners, half-open and
 * un-accepted connections), which say who waits in whose queue, and the others in `rest`.
 * 0 or negative.
 */
int replay_queues(struct collector *c, struct collector *queues, struct collector *rest);
