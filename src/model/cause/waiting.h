/* Who waits for accept() at an address of this host that took a connection. */
#pragma once

#include "model/cause/bind_facts.h"

/* Filled by kernel/explain. */
struct waiting {
	struct bind_found *found; /* the listeners that may hold it in their queues */
	size_t n_found;
	int owners_error;   /* as in struct bind_facts */
	uint32_t n;	    /* clients that wait in their queues now */
	uint32_t oldest_ms; /* the one of them that has waited longest */
	bool held;	    /* a connection of ours stood, and was not accepted */
	uint64_t held_us;   /* for so long */
	uint32_t asker;	    /* as in struct bind_facts */
};

/* Whether a client has waited so long that it is worth a word. */
bool waiting_is_long(const struct waiting *w);

/* Whether all that are to accept are kept from running: then which and how goes to `who`,
 * and what lets them go on to `next`. False, too, where they are not all known. */
bool waiting_put_halted(const struct waiting *w, struct buf *who, struct buf *next);

/* Adds the cause; none where nobody waits long. */
void cause_of_waiting(const struct waiting *w, struct causes *causes);
