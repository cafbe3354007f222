/* The network namespace that --netns left: names are looked up there, for its target may
 * have no way to a name server. */
#pragma once

#include "base/mem.h"
#include "model/filter/files.h"
#include "model/target/target.h"
#include "net/socket/resolve.h"

struct inspect_home {
	int fd;		      /* negative = none was left */
	uint64_t deadline_us; /* of the names in expressions, on clock_us(); 0 = none */
};

/* Goes into netns, if it is not NULL. 0 or -errno. */
int inspect_home_leave(struct inspect_home *home, const char *netns, struct fault *f);
void inspect_home_free(struct inspect_home *home);

/* The addresses of t, with port 0. As resolve(); deadline_us 0 = none. */
int inspect_home_resolve(const struct inspect_home *home, const struct target *t,
			 uint64_t deadline_us, struct endpoint_list *list,
			 struct fault *f);

/* The same for a name in an expression; fits filter_env.resolve, ctx is the home. ENXIO:
 * it is unknown. */
int inspect_home_name(void *ctx, const char *name, struct arena *a, struct addr **addrs,
		      size_t *n, struct fault *f);

/* What is at a path, for all network namespaces share the files; fits filter_files.look.
 */
void inspect_home_look(struct filter_file *file);

/* Whether an interface of this name is in the namespace that is asked: 0, or -EINVAL with
 * a fault. Fits filter_env.device. */
int inspect_home_device(void *ctx, const char *name, struct fault *f);
