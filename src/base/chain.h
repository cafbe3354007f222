/*
 * Lists whose members leave without being looked for: each has "next", and "at", which is
 * where it is pointed to.
 */
#pragma once

#define CHAIN_ADD(first, e)                         \
	do {                                        \
		(e)->next = *(first);               \
		(e)->at = (first);                  \
		if ((e)->next)                      \
			(e)->next->at = &(e)->next; \
		*(first) = (e);                     \
	} while (0)

#define CHAIN_TAKE(e)                            \
	do {                                     \
		*(e)->at = (e)->next;            \
		if ((e)->next)                   \
			(e)->next->at = (e)->at; \
	} while (0)
