#include "cmd/exclude.h"

#include <errno.h>

#include "base/util.h"

int exclude_check(const struct exclusion *rows, size_t n, const void *config,
		  const void *fresh, unsigned marks, struct fault *f)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct exclusion *r = &rows[i];
		const char *is = (const char *)config + r->at;
		bool given = (r->of & marks) ||
			     memcmp(is, (const char *)fresh + r->at, r->size) != 0;

		if (!given || (r->with && !(r->with & marks)) || (r->without & marks))
			continue;
		fault_say(f, EINVAL, "%s%s%s", r->option ? r->option : "",
			  r->option ? ": " : "", r->why);
		if (r->hint)
			fault_hint(f, "%s", r->hint);
		return -EINVAL;
	}
	return 0;
}
