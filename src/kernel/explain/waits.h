/* Whether a connection to an address of this host was accepted, and who else waits there.
 */
#pragma once

#include "kernel/explain/explain.h"
#include "model/cause/waiting.h"

/*
 * Of the connection between two addresses of this host: KNOWN_OFF if it is in an accept
 * queue. KNOWN_NOT where the tables do not say, or the handshake waits for data
 * (TCP_DEFER_ACCEPT).
 */
enum known waits_accepted(const struct addr *server, const struct addr *client);
/* The same of a unix socket that is connected, by its own inode. */
enum known waits_unix_accepted(uint32_t inode);

/* What is read once for the addresses of one run. */
struct accept_waits;
struct accept_waits *waits_new(void);
void waits_free(struct accept_waits *w);

/*
 * Who waits at the address of q, whose err is of no consequence. A TCP listener without a
 * queue costs nothing but the first call's reading of all listeners. held_us: a
 * connection of ours stood so long and was not accepted; 0 = none. f's memory is the
 * arena's.
 */
void waits_look(struct accept_waits *w, const struct connect_question *q,
		uint64_t held_us, struct arena *a, struct waiting *f);
