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

/*
 * Runs fn in the namespace of a descriptor: in a thread of its own, so that the caller
 * stays where it is, and no way back can be lost. 0, or -errno if fn was not run.
 */
int netns_call(int ns, void (*fn)(void *ctx), void *ctx);
