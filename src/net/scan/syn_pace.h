/*
 * The pace of a scan by SYNs. The rate starts small and doubles while nothing goes wrong.
 * What says that something does: a full queue of ours, answers that take longer and
 * longer, and a port that has answered before, is asked again all the time, and is
 * silent.
 */
#pragma once

#include "net/scan/syn_private.h"

enum { SYN_START_RATE = 50000 };

/* syn->tokens for the time since the last call: so many may be sent now. */
void syn_fill_tokens(struct syn_scan *syn, uint64_t now);
/* How long the answers of a round are waited for. */
uint64_t syn_patience(const struct syn_scan *syn);
/* When the last ones end: with the time that a port has in all, or sooner, where answers
 * have come and nobody said how long. */
uint64_t syn_last_moment(const struct syn_scan *syn, uint64_t now);
