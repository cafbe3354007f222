/* What other connections have told of the round trip to an address, and what that makes
 * of a silence. */
#pragma once

#include "base/buf.h"

struct known_rtt {
	uint64_t us; /* 0 = nothing is known */
	bool stands; /* of a connection that is open now; else of one that has ended */
};

/* Whether an answer may well take longer than that. */
bool known_rtt_explains(const struct known_rtt *k, uint64_t waited_us);
/* Whether an answer that took so long is one of that path, of which nothing was lost. */
bool known_rtt_fits(const struct known_rtt *k, uint64_t took_us);
/* "another connection to it has a round trip of 2.5 s" */
void known_rtt_put(struct buf *b, const struct known_rtt *k);
/* The same, and what it means for whoever has waited too short. */
void known_rtt_put_slow(struct buf *b, const struct known_rtt *k);
