/* Network namespaces: into another one, by name, process or path. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"

/*
 * Moves the calling thread into a network namespace: the name of one in /run/netns, a
 * pid, or a path to its file. Needs CAP_SYS_ADMIN. Returns 0 or -errno.
 */
int netns_enter(const char *which, struct fault *f);

/* A descriptor of the namespace that the calling thread is in, or -errno. */
int netns_here(void);

/* Moves the thread into the namespace of a descriptor; returns one of that which it left,
 * or -errno. */
int netns_swap(int to);
