/*
 * Walks a path with the rights of somebody, as the kernel would, and finds the component
 * that keeps him from it. The kernel itself judges each component (faccessat()), for a
 * moment with the ids of the other user where it is another; only where that may not be,
 * modes decide, and lists are not known.
 */
#pragma once

#include "base/mem.h"
#include "model/cause/access.h"

struct access_question {
	const char *path;
	bool bind;	  /* make a file of that name, else connect to it */
	const char *user; /* whose rights; NULL = the caller's own */
	uint32_t uid;	  /* of user */
};

/* Fills *f, whose memory is the arena's. Never fails. */
void explain_access(const struct access_question *q, struct arena *a,
		    struct access_facts *f);
