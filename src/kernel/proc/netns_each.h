/* All network namespaces of the machine that can be found and entered. */
#pragma once

#include "base/util.h"

/*
 * Calls fn in each of them but the one the caller is in: from a thread of its own, so
 * that the caller stays where it is. Found through processes and bind mounts; one that
 * only a descriptor keeps alive is not. fn returns false to end it. *hidden counts what
 * could not be looked into: processes that hide their namespace, namespaces that may not
 * be entered, lists that could not be read. Returns 0, or -errno if none was looked into.
 */
int netns_each(bool (*fn)(void *ctx), void *ctx, size_t *hidden);

/* The namespace that is looked into. */
struct netns_at {
	int32_t pid;	  /* a process of it; 0 = it was found through a mount */
	uint32_t ino;	  /* which one it is */
	const char *name; /* of "ip netns", in its time only; NULL = none */
};

/*
 * The same, within a bound of processor time that is checked between two namespaces and
 * between two processes: those that are kept by a mount come first, as they are found
 * without a look at each process.
 */
struct netns_search {
	bool (*fn)(void *ctx, const struct netns_at *at);
	void *ctx;
	uint64_t budget_us;
	size_t hidden, searched;
	bool cut; /* some were left out, for the time was over */
};
int netns_search(struct netns_search *s);

/* A process of a namespace, the first of the list; 0 if none is found. */
int32_t netns_process(uint32_t ino);
