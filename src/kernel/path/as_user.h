/* The file system as another user sees it. */
#pragma once

#include "base/mem.h"
#include "model/cause/access.h"

struct as_user {
	struct access_ids ids, before; /* before: the caller's, to go back to */
	bool own;		       /* the caller itself */
	bool by_mode; /* the caller cannot act as this user: only modes can be read */
};

/* user NULL: the caller. 0, or -errno if the groups of the user are not known. */
int as_user_prepare(struct as_user *who, const char *user, uint32_t uid, struct arena *a);

/* The groups that a user gets who logs in now, with ids->gid as the first. 0 or -errno.
 */
int as_user_groups(struct access_ids *ids, const char *user, struct arena *a);

/*
 * faccessat() of a name in a directory with the rights of the user, by its mode, owner
 * and lists; a last symbolic link is not followed. For a moment the calling thread sees
 * the file system as that user does. 0 or -errno; where by_mode is set, -EACCES, or
 * -EROFS of a file system that nobody can write to.
 */
int as_user_access(const struct as_user *who, int dir, const char *name, int mode);
