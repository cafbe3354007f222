/*
 * Why a name could not be looked up. The resolver says "try again" whether a name server
 * failed, is gone or is silent; so those of /etc/resolv.conf are asked once more, one
 * datagram each, and what comes back is told.
 */
#pragma once

#include "base/buf.h"

enum { NAMESERVERS_MAX = 3 }; /* as many as the resolver asks (MAXNS) */

/* "10.0.0.53 answers SERVFAIL; 10.0.0.54 does not answer" into b; empty if there is
 * nothing to say. Blocks for wait_us at most. */
void nameserver_tell(struct buf *b, const char *name, uint64_t wait_us);
/* "no answer from 10.0.0.53, 10.0.0.54" into b: who is asked; or why that is not known.
 */
void nameserver_list(struct buf *b);
