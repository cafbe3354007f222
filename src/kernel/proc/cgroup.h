/* Control groups by id: the inode number of the directory below the cgroup2 mount. */
#pragma once

#include "base/fault.h"
#include "base/hash.h"
#include "base/mem.h"

struct cgroup_entry;

/* Zero-initialise; filled at the first look-up. */
struct cgroups {
	struct arena arena;
	struct cgroup_entry *v;
	size_t n, cap;
	struct hash_index index; /* of v by id */
	bool loaded;
	int failed; /* errno, if some groups could not be read: no path is no answer */
	int denied; /* EACCES or EPERM, if some may not be read ... */
	int missed; /* ... and one that was asked for was not found */
};

/* The path below the mount ("/system.slice/nginx.service"), or NULL if there is no such
 * group now. */
const char *cgroups_path(struct cgroups *c, uint64_t id);
void cgroups_free(struct cgroups *c);

/* The id of a path, absolute in the file system or below the cgroup2 mount. 0 or -errno.
 */
int cgroup_id_of(const char *path, uint64_t *id, struct fault *f);
