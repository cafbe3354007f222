#include "kernel/proc/netns_each.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/whole.h"
#include "kernel/proc/netns.h"
#include "kernel/proc/visible.h"
#include "model/proctext.h"

struct each {
	struct hash_index known; /* inodes of namespaces */
	bool (*fn)(void *ctx);
	void *ctx;
	size_t hidden;
	bool over;
};

/* What has gone since it was listed hides nothing. */
static void note_error(struct each *e, int err)
{
	e->hidden += err != ENOENT && err != ESRCH;
}

/* path, below the directory at, is the namespace ino. */
static void visit(struct each *e, int at, const char *path, uint32_t ino)
{
	_cleanup_close_ int fd = -1;

	if (e->over || !hash_set_add(&e->known, ino))
		return;
	fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		note_error(e, errno);
	else if (setns(fd, CLONE_NEWNET) != 0)
		e->hidden++;
	else
		e->over = !e->fn(e->ctx);
}

/* "net:[4026532281]" */
static bool read_ino(const char *text, uint32_t *ino)
{
	return sscanf(text, "net:[%" SCNu32 "]", ino) == 1;
}

/* Mostly the namespace of the process before: the name that the link shows is cheaper
 * than to go where it leads. */
static void visit_process(struct each *e, int proc, const char *pid)
{
	char path[320], text[64];
	ssize_t len;
	uint32_t ino;

	snprintf(path, sizeof(path), "%s/ns/net", pid);
	len = readlinkat(proc, path, text, sizeof(text) - 1);
	if (len < 0) {
		note_error(e, errno);
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

	if (!dir) {
		e->hidden++;
		return;
	}
	while (!e->over && (errno = 0, d = readdir(dir)))
		if (isdigit((unsigned char)d->d_name[0]))
			visit_process(e, dirfd(dir), d->d_name);
	if (!e->over)
		e->hidden += errno != 0;
	closedir(dir);
	/* Those that are not listed may be in others. */
	e->hidden += !e->over && visible_hides();
}

/* Those that "ip netns" keeps: "... net:[4026532281] /run/netns/x ... - nsfs ..." */
static int visit_mount(char *line, void *ctx)
{
	struct each *e = ctx;
	struct proctext_mount m;
	uint32_t ino;

	if (proctext_mount(line, &m) && streq(m.type, "nsfs") && read_ino(m.root, &ino))
		visit(e, AT_FDCWD, m.path, ino);
	return e->over;
}

static void *visit_all(void *arg)
{
	struct each *e = arg;

	visit_processes(e);
	if (!e->over)
		e->hidden += lines_each("/proc/self/mountinfo", visit_mount, e) < 0;
	return NULL;
}

int netns_each(bool (*fn)(void *ctx), void *ctx, size_t *hidden)
{
	struct each e = { .fn = fn, .ctx = ctx };
	pthread_t thread;
	struct stat st;
	int err;

	*hidden = 0;
	if (stat("/proc/thread-self/ns/net", &st) != 0)
		return -errno;
	hash_set_add(&e.known, (uint32_t)st.st_ino);
	err = pthread_create(&thread, NULL, visit_all, &e);
	if (err == 0)
		pthread_join(thread, NULL);
	hash_index_free(&e.known);
	*hidden = e.hidden;
	return -err;
}
