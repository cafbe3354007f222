/*
 * One getaddrinfo(), in a thread of its own, for it blocks for as long as it likes. Where
 * it fails, or has not ended shortly before its deadline, the name servers are asked
 * which of them it is.
 */
#pragma once

#include <netdb.h>
#include <stdint.h>

#include "base/buf.h"

struct lookup;

/* family, by_family: as of nameserver_ask(). deadline_us: on clock_us(), 0 = none. 0 or
 * -errno: there is no descriptor, or thread. The threads are of the namespace of the
 * caller. */
int lookup_start(struct lookup **started, const char *name, int family, bool by_family,
		 uint64_t deadline_us);
/* It becomes readable when the look-up is over. */
int lookup_fd(const struct lookup *k);
/* What the caller has no more need of; a thread that still runs is left behind. */
void lookup_release(struct lookup *k);

struct lookup_end {
	int result; /* EAI_...; 0: list */
	int err;    /* errno beside EAI_SYSTEM */
	int lacked; /* errno of what this process had not enough of to ask; 0 = none */
	uint64_t took_us;
	const struct addrinfo *list; /* lives as long as k */
};

/* Once it is over. */
void lookup_end(struct lookup *k, struct lookup_end *end);
/* Whether a result says that the name servers failed. */
bool lookup_is_theirs(int result);
/* What the name servers say, or why they were not asked: of a look-up that failed, or
 * has not ended. */
void lookup_put_servers(struct buf *b, struct lookup *k);
