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
#include "model/proctext.h"

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

	for (i = k->n; i-- > 0;)
		if (k->v[i] == ino)
			return false;
	k->v = array_grow(k->v, k->n, &k->cap, sizeof(*k->v));
	k->v[k->n++] = ino;
	return true;
}

/* path, below the directory at, is the namespace ino. */
static void visit(struct each *e, int at, const char *path, ino_t ino)
{
	_cleanup_close_ int fd = -1;

	if (e->over || !is_new(&e->known, ino))
		return;
	fd = openat(at, path, O_RDONLY | O_CLOEXEC);
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

/* "net:[4026532281]" */
static bool read_ino(const char *text, ino_t *ino)
{
	unsigned long n;

	if (sscanf(text, "net:[%lu]", &n) != 1)
		return false;
	*ino = n;
	return true;
}

/* Mostly the namespace of the process before: the name that the link shows is cheaper
 * than to go where it leads. */
static void visit_process(struct each *e, int proc, const char *pid)
{
	char path[320], text[64];
	ssize_t len;
	ino_t ino;

	snprintf(path, sizeof(path), "%s/ns/net", pid);
	len = readlinkat(proc, path, text, sizeof(text) - 1);
	if (len < 0) {
		/* Processes come and go; a hidden one is another matter. */
		e->hidden += errno == EACCES || errno == EPERM;
		return;
	}
	text[len] = '\0';
	if (read_ino(text, &ino))
		visit(e, proc, path, ino);
}

static void visit_processes(struct each *e)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;

	while (dir && !e->over && (d = readdir(dir)))
		if (isdigit((unsigned char)d->d_name[0]))
			visit_process(e, dirfd(dir), d->d_name);
	if (dir)
		closedir(dir);
}

/* Those that "ip netns" keeps: "... net:[4026532281] /run/netns/x ... - nsfs ..." */
static void visit_mounts(struct each *e)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;

	while (mounts && !e->over && getline(&line, &cap, mounts) > 0) {
		struct proctext_mount m;
		ino_t ino;

		if (proctext_mount(line, &m) && streq(m.type, "nsfs") &&
		    read_ino(m.root, &ino))
			visit(e, AT_FDCWD, m.path, ino);
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
