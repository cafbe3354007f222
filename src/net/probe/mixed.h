/* What it means that attempts at one address came to different ends. */
#pragma once

#include "base/buf.h"
#include "model/outcome.h"

/* An outcome's part in it: bits, of which one attempt has one. 0 = it says nothing of the
 * peer. */
unsigned probe_mixed_kind(enum outcome o);
/* Whether the peer took a connection, whatever became of it. */
bool probe_was_taken(enum outcome o);
/* "3 open, 3 refused: ...": nothing if all are of one kind. turns: how often the kind
 * changed from one attempt to the next; what: "this address". */
void probe_put_mixed(struct buf *b, const uint64_t counts[OUTCOME_COUNT], uint64_t turns,
		     const char *what);
