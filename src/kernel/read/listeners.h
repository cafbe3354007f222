/*
 * The listeners of a namespace, and which of them an un-accepted connection belongs to.
 * The kernel has no sequence counter on its listen table: a listener that closes while a
 * dump is between two packets hides others of its chain, so a reading that took more than
 * one packet is repeated until two agree.
 */
#pragma once

#include "base/hash.h"
#include "kernel/netlink/nl.h"
#include "model/sock.h"

/* The TCP listeners of the namespace, sorted by port; rows live in the arena. */
struct listeners {
	struct arena arena;
	struct sock **v;
	size_t n, cap;
	struct listeners_place *places; /* where they listen, for listeners_find() */
	size_t n_places, cap_places;
	size_t indexed;		 /* of v, in places so far */
	struct hash_index index; /* of places */
	bool read;
	bool settled; /* two readings agreed, or the reading came in one packet */
};

/*
 * Hands the message of each listener that passes the bytecode (NULL = all) to fn, in the
 * order of ports. They are read again where a reading may have missed some; settled tells
 * whether two readings agreed, or one came in a single packet. ext as in struct
 * inet_query. 0, -errno, or what fn returned.
 */
int listeners_each(struct nl *nl, uint32_t ext, const struct blob *bytecode,
		   nl_message_fn *fn, void *ctx, bool *settled);
void listeners_free(struct listeners *l);

/* For listeners that are not read here: adds a copy; after the last they are sorted. */
void listeners_add(struct listeners *l, const struct sock *s);
void listeners_sort(struct listeners *l);

/* All listeners, anew, as the index for listeners_find(). 0 or -errno. */
int listeners_read(struct nl *nl, uint32_t ext, struct listeners *l);

/* The listener in whose queue s waits; members counts the candidates that cannot be told
 * apart. False if there is none. */
bool listeners_find(struct listeners *l, const struct sock *s,
		    const struct sock **listener, uint32_t *members);
