/*
 * Where a path that is to be written leads: to a descriptor that we were started with, to
 * a name in a directory, to something that is no regular file. What was found is held
 * open (O_PATH), so that nothing can be put in its place between the look and the use.
 */
#pragma once

#include <sys/stat.h>

#include "base/fault.h"

struct outpath {
	int own_fd; /* "-", /dev/stdout, /dev/fd/N, ...: our own descriptor; else -1 */
	int fd;	    /* what is there; -1 = nothing */
	int dir;    /* the directory of name */
	char *name;
	struct stat st; /* of fd */
};

#define OUTPATH_INIT              \
	{                         \
		-1, -1, -1, NULL, \
		{                 \
			0         \
		}                 \
	}
#define _cleanup_outpath_ __attribute__((cleanup(outpath_free)))

void outpath_free(struct outpath *where);

/*
 * The descriptor that the text names, whether it is open or not: 0 to 2 by their names, N
 * by /dev/fd/N or /proc/self/fd/N, 1 by "-"; -1 = none. Nothing is opened.
 */
int outpath_own(const char *path);

/*
 * Follows path as the kernel would, link by link. A link that stands in a sticky,
 * world-writable directory and belongs neither to us nor to the directory's owner is
 * refused with -EACCES: anybody may have put it there. 0 or -errno with a fault.
 */
int outpath_find(const char *path, struct outpath *where, struct fault *f);
