#include "kernel/netns_each.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "kernel/netns.h"

struct known {
	ino_t *v;
	size_t n, cap;
};

struct each {
	struct known known;
	bool (*fn)(void *ctx);
	void *ctx;
	size_t hidden;
	int home;
	int err;
	bool over;
};

static bool is_new(struct known *k, ino_t ino)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (k->v[i] == ino)
			return false;
	k->v = array_grow(k->v, k->n, &k->cap, sizeof(*k->v));
	k->v[k->n++] = ino;
	return true;
}

static void visit(struct each *e, const char *path)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (e->over)
		return;
	if (stat(path, &st) != 0) {
		/* Processes come and go; a hidden one is another matter. */
		e->hidden += errno == EACCES || errno == EPERM;
		return;
	}
	if (!is_new(&e->known, st.st_ino))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) {
		e->hidden++;
		return;
	}
	e->over = !e->fn(e->ctx);
	if (setns(e->home, CLONE_NEWNET) != 0) {
		e->err = -errno;
		e->over = true;
	}
}

static void visit_processes(struct each *e)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	char path[320];

	while (dir && !e->over && (d = readdir(dir))) {
		if (!isdigit((unsigned char)d->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/ns/net", d->d_name);
		visit(e, path);
	}
	if (dir)
		closedir(dir);
}

/* "36 35 0:4 net:[4026532281] /run/netns/x rw - nsfs nsfs rw" */
static void visit_mounts(struct each *e)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;

	while (mounts && !e->over && getline(&line, &cap, mounts) > 0) {
		char root[64], path[512];

		if (strstr(line, " - nsfs ") &&
		    sscanf(line, "%*s %*s %*s %63s %511s", root, path) == 2 &&
		    has_prefix(root, "net:["))
			visit(e, path);
	}
	if (mounts)
		fclose(mounts);
}

int netns_each(bool (*fn)(void *ctx), void *ctx, size_t *hidden)
{
	struct each e = { .fn = fn, .ctx = ctx };
	struct stat st;

	e.home = netns_here();
	if (e.home < 0)
		return e.home;
	if (fstat(e.home, &st) != 0) {
		int err = errno;

		close_fd(e.home);
		return -err;
	}
	is_new(&e.known, st.st_ino);
	visit_processes(&e);
	visit_mounts(&e);
	close_fd(e.home);
	free(e.known.v);
	*hidden = e.hidden;
	return e.err;
}
