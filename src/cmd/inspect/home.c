#include "cmd/inspect/home.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "base/opt.h"

#include "kernel/path/file_at.h"
#include "kernel/proc/netns.h"

int inspect_home_leave(struct inspect_home *home, const char *netns, struct fault *f)
{
	if (!netns)
		return 0;
	home->fd = netns_here();
	if (home->fd < 0)
		return fault(f, -home->fd, "open the network namespace of this process");
	return netns_enter(netns, f);
}

void inspect_home_free(struct inspect_home *home)
{
	close_fd(home->fd);
}

struct lookup {
	const struct target *t;
	struct resolve_how how;
	struct resolve *running;
};

/* The thread that asks is of the namespace in which it was started. */
static void look_up(void *ctx)
{
	struct lookup *l = ctx;

	l->running = resolve_start(l->t, &l->how);
}

int inspect_home_resolve(const struct inspect_home *home, const struct target *t,
			 uint64_t deadline_us, struct endpoint_list *list,
			 struct fault *f)
{
	struct lookup l = {
		.t = t,
		.how = { .deadline_us = deadline_us,
			 .empty = RESOLVE_EMPTY_ANY,
			 .no_family = !t->family },
	};
	char shown[128];
	int r = 0;

	if (home->fd >= 0 && t->host == TARGET_HOST_NAME)
		r = netns_call(home->fd, look_up, &l);
	else
		look_up(&l);
	if (r < 0)
		return fault_say(
			f, EIO, "%s: cannot be looked up where --netns came from: %s",
			escape_text(shown, sizeof(shown), t->name, strlen(t->name)),
			strerror(-r));
	return resolve_finish(l.running, 0, list, f);
}

int inspect_home_name(void *ctx, const char *name, struct arena *a, struct addr **addrs,
		      size_t *n, struct fault *f)
{
	const struct inspect_home *home = ctx;
	struct target t = { .proto = TARGET_TCP,
			    .host = TARGET_HOST_NAME,
			    .name = (char *)(uintptr_t)name };
	_cleanup_endpoints_ struct endpoint_list list = { 0 };
	int r = inspect_home_resolve(home, &t, home->deadline_us, &list, f);
	size_t i;

	if (r < 0) {
		/* Of a wait the deadline has passed, without one it is the name's. */
		if (resolve_says_no_name(r) && r != -ETIMEDOUT)
			f->err = ENXIO;
		return r;
	}
	*addrs = arena_alloc(a, list.n * sizeof(**addrs));
	*n = 0;
	for (i = 0; i < list.n; i++)
		if (endpoint_addr(&list.v[i], &(*addrs)[*n]))
			++*n;
	return 0;
}

void inspect_home_look(struct filter_file *file)
{
	_cleanup_free_ char *real = NULL;
	struct file_at at;
	const char *slash;

	file->base[0] = '\0';
	file->there = file_at_path(file->path, true, &at) == 0;
	if (!file->there)
		return;
	file->id = at.id;
	real = realpath(file->path, NULL);
	slash = real ? strrchr(real, '/') : NULL;
	if (slash && strlen(slash + 1) < sizeof(file->base))
		memcpy(file->base, slash + 1, strlen(slash + 1) + 1);
}

static void hint_devices(const char *name, struct fault *f)
{
	_cleanup_strv_ struct strv names = { 0 };
	struct if_nameindex *all = if_nameindex();
	const char *nearest;
	char shown[80];
	size_t i;

	for (i = 0; all && all[i].if_index; i++)
		strv_add(&names, all[i].if_name);
	nearest = opt_nearest(name, names.v, names.n);
	if (nearest)
		fault_hint(f, "did you mean '%s'?",
			   escape_text(shown, sizeof(shown), nearest, strlen(nearest)));
	else
		fault_hint(f, "'ip link' lists them; of one that is gone: dev INDEX");
	if (all)
		if_freenameindex(all);
}

int inspect_home_device(void *ctx, const char *name, struct fault *f)
{
	char shown[80];

	(void)ctx;
	/* Where the question itself fails, the name may be right. */
	if (if_nametoindex(name) || errno != ENODEV)
		return 0;
	fault_say(f, EINVAL, "there is no interface '%s'",
		  escape_text(shown, sizeof(shown), name, strlen(name)));
	hint_devices(name, f);
	return -EINVAL;
}
