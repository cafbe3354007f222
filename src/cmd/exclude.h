/*
 * Options that cannot be obeyed with others, or where they stand: each is refused with
 * its reason, for one that is ignored would be taken for one that was obeyed.
 */
#pragma once

#include <stddef.h>

#include "base/fault.h"

struct exclusion {
	const char *option; /* that `why` is about; NULL = `why` names it */
	size_t at, size;    /* of its member; given is what differs from a fresh config */
	unsigned of;	    /* ... or one of these marks, which the command has set */
	unsigned with;	    /* it is refused with any of these, 0 = in any case, ... */
	unsigned without;   /* ... and without all of those */
	const char *why, *hint; /* hint may be NULL */
};

#define EXCLUDED_MEMBER(config, member) \
	.at = offsetof(config, member), .size = sizeof(((config *)NULL)->member)

/* 0, or -EINVAL with the fault of the first row that holds. */
int exclude_check(const struct exclusion *rows, size_t n, const void *config,
		  const void *fresh, unsigned marks, struct fault *f);
