/* What is read whole before it is used: arguments of the form @FILE, lists of targets;
 * and what is read line by line. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"

/* What is no regular file may have no end. */
enum { WHOLE_STREAM_MOST = 64 * 1024 * 1024 };

/* Appends all that fd has; a pipe, a device or a terminal may have WHOLE_STREAM_MOST
 * bytes. 0, or -errno with a fault that names `path`. */
int whole_read(struct buf *b, int fd, const char *path, struct fault *f);

/* Hands each line of a file to fn, which may change it, until that returns something else
 * than 0. That, 0, or -errno. */
int lines_each(const char *path, int (*fn)(char *line, void *ctx), void *ctx);
