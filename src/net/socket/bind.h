/* The local end of a socket. */
#pragma once

#include "net/socket/unixfile.h"

/*
 * bind(2). A unix path that is a stale socket of the same kind is replaced; whatever else
 * is there stays, and is told. On success *made is set if a file was made (ours to remove
 * in the end); made may be NULL for families without files. 0 or -errno with a fault.
 */
int endpoint_bind(int fd, const struct endpoint *ep, struct unix_file *made,
		  struct fault *f);
