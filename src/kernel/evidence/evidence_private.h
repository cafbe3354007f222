/* What the files of the second look share. */
#pragma once

#include "kernel/read/reader.h"
#include "model/finding/evidence.h"

/* Who holds the row, as the reader's last scan says, in e's arena; each process becomes
 * one of e's. */
const struct holder *evidence_holders(struct reader *r, struct evidence *e,
				      const struct sock *row);

/* How many sockets of the states in this list the processes hold by now. */
void evidence_growth(struct reader *r, struct evidence *e, const struct suspects *list);

/* The descriptors of e's processes; every_process: of all that live in this network
 * namespace and are near their limit. */
void evidence_descriptors(struct evidence *e, bool every_process);

/* Listeners in whose queue somebody waits, held by processes that have no descriptor to
 * accept with. Reads the owners anew. */
void evidence_starved(struct reader *r, struct evidence *e);
