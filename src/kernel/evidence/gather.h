/* The second look: what is read for the candidates of a detect, and for nothing else. */
#pragma once

#include "kernel/read/reader.h"
#include "model/finding/evidence.h"

/* Before the first row: the clock, and the namespace's addresses and range of ephemeral
 * ports. */
void evidence_begin(struct detect *d);

/*
 * Fills e (zero-initialised) for d. Takes READING_INTERVAL_MS where a candidate needs two
 * readings. name_listeners: find the owners of listeners that are only worth a note, too.
 * every_process: look at the descriptors of every process, not only of those that hold
 * candidates.
 */
void evidence_read(struct reader *r, const struct detect *d, struct evidence *e,
		   bool name_listeners, bool every_process);
void evidence_free(struct evidence *e);
