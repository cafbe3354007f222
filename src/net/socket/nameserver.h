/*
 * Why a name could not be looked up. The resolver says "try again" whether a name server
 * failed, is gone or is silent; so each server of /etc/resolv.conf is asked itself, with
 * the questions that the resolver asks, side by side, and what comes back is told.
 */
#pragma once

#include "base/buf.h"

/*
 * "10.0.0.53 answers SERVFAIL; 10.0.0.54 gave no answer in 700 ms" into b, with what to
 * do; or why none was asked: the name is none of the DNS, or nsswitch.conf leaves the DNS
 * out. family: AF_INET, AF_INET6, 0 = both, and then by_family says whether the user can
 * choose one. Blocks until until_us at most.
 */
void nameserver_ask(struct buf *b, const char *name, int family, bool by_family,
		    uint64_t until_us);
/* Who was not asked: there was no time for it, or no thread. */
void nameserver_list(struct buf *b);
