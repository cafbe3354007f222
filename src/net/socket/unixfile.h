/*
 * The file of a unix socket. The rules: a live socket's path is never taken, nothing but
 * a stale socket of our own kind is ever removed, and in the end only our own file is.
 */
#pragma once

#include "net/socket/endpoint.h"

int unixfile_bind(int fd, const struct endpoint *ep, struct unix_file *made,
		  struct fault *f);
void unixfile_remove(struct unix_file *made);
