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
};

/* Whether a client has waited so long that it is worth a word. */
bool waiting_is_long(const struct waiting *w);

/* Adds the cause; none where nobody waits long. */
void cause_of_waiting(const struct waiting *w, struct causes *causes);
