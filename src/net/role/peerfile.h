/* --output DIR: a file for what each peer sends. */
#pragma once

#include "net/socket/endpoint.h"

struct peerfile_place {
	const char *path; /* as it was given; NULL = no files are made */
	int dir;	  /* of peerfile_dir() */
};

/* The directory, which must be there and let us make files: O_PATH, or -errno with a
 * fault. */
int peerfile_dir(const char *path, struct fault *f);

/*
 * Opens DIR/NNNNNN-ADDRESS for writing. The name is ours whatever the peer calls itself:
 * escaped, without '/', and short enough. What is no regular file is not written to. The
 * descriptor, or -errno with a fault.
 */
int peerfile_open(const struct peerfile_place *place, uint64_t id,
		  const struct endpoint *peer, bool append, struct fault *f);
