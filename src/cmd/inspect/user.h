/* A user that is named on the command line. */
#pragma once

#include "base/fault.h"
#include "base/util.h"

struct inspect_user {
	uint32_t uid;
	gid_t gid;
};

/* The user NAME of an option, or a number. 0; -EINVAL: there is none; else it could not
 * be looked up. */
int inspect_find_user(const char *option, const char *name, struct inspect_user *user,
		      struct fault *f);
