/*
 * The file of a unix socket. The rules: a live socket's path is never taken, nothing but
 * a stale socket of our own kind is ever removed, and in the end only our own file is.
 */
#pragma once

#include "base/leave.h"
#include "net/socket/endpoint.h"

struct unix_file {
	bool made;
	int dir;	/* where name is; open while made */
	char name[128]; /* sun_path has 108 */
	struct leaving leaving;
};

/* As endpoint_bind(), of a path. */
int unixfile_bind(int fd, const struct endpoint *ep, struct unix_file *made,
		  struct fault *f);
/* Removes the file if it is still the one we made: before the socket is closed. NULL is
 * none. */
void unixfile_remove(struct unix_file *made);
