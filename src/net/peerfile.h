/* --output DIR: a file for what each peer sends. */
#pragma once

#include "net/endpoint.h"

/*
 * Opens DIR/NNNNNN-ADDRESS for writing. The name is ours whatever the peer calls itself:
 * escaped, without '/', and short enough. What is no regular file is not written to. The
 * descriptor, or -errno with a fault.
 */
int peerfile_open(const char *dir, uint64_t id, const struct endpoint *peer, bool append,
		  struct fault *f);
