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
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/whole.h"
#include "kernel/proc/netns.h"
#include "kernel/proc/procfile.h"
#include "kernel/proc/visible.h"
#include "model/proctext.h"

struct each {
	struct hash_index known; /* inodes of namespaces */
	struct netns_search *s;
	uint64_t began_us, spent_from_us;
	bool over;
};

/* Of this thread: what others of a busy machine take is not ours. */
static uint64_t spent_us(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* How long this thread could have run, and others did: "RAN WAITED SLICES". */
static uint64_t queued_us(void)
{
	_cleanup_free_ char *text = procfile_read("/proc/thread-self/schedstat");
	uint64_t ns;

	return text && sscanf(text, "%*u %" SCNu64, &ns) == 1 ? ns / 1000 : 0;
}

/* What waits for the kernel takes no processor time, but somebody waits for it. */
static bool is_late(const struct each *e)
{
	enum { BLOCKED = 10 };
	uint64_t budget = e->s->budget_us, spent, blocked;

	if (!budget)
		return false;
	spent = spent_us() - e->spent_from_us;
	blocked = clock_us() - e->began_us - spent;
	return spent >= budget ||
	       (blocked >= BLOCKED * budget && blocked >= BLOCKED * budget + queued_us());
}

static bool go_on(struct each *e)
{
	if (!e->over && is_late(e))
		e->over = e->s->cut = true;
	return !e->over;
}

/* What has gone since it was listed hides nothing. */
static void note_error(struct each *e, int err)
{
	e->s->hidden += err != ENOENT && err != ESRCH;
}

/* path, below the directory at, is the namespace. */
static void visit(struct each *e, int at, const char *path, const struct netns_at *where)
{
	_cleanup_close_ int fd = -1;

	if (e->over || !hash_set_add(&e->known, where->ino) || !go_on(e))
		return;
	fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		note_error(e, errno);
	} else if (setns(fd, CLONE_NEWNET) != 0) {
		e->s->hidden++;
	} else {
		e->s->searched++;
		e->over = !e->s->fn(e->s->ctx, where);
	}
}

/* "net:[4026532281]" */
static bool read_ino(const char *text, uint32_t *ino)
{
	return sscanf(text, "net:[%" SCNu32 "]", ino) == 1;
}

/* Mostly the namespace of the process before: the name that the link shows is cheaper
 * than to go where it leads. */
static int process_ino(int proc, const char *pid, uint32_t *ino)
{
	char path[320], text[64];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/ns/net", pid);
	len = readlinkat(proc, path, text, sizeof(text) - 1);
	if (len < 0)
		return -errno;
	text[len] = '\0';
	return read_ino(text, ino) ? 0 : -ENOENT;
}

static void visit_process(struct each *e, int proc, const char *pid)
{
	struct netns_at where = { .pid = (int32_t)strtol(pid, NULL, 10) };
	char path[320];
	int err = process_ino(proc, pid, &where.ino);

	snprintf(path, sizeof(path), "%s/ns/net", pid);
	if (err < 0)
		note_error(e, -err);
	else
		visit(e, proc, path, &where);
}

static void visit_processes(struct each *e)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;

	if (!dir) {
		e->s->hidden++;
		return;
	}
	while (go_on(e) && (errno = 0, d = readdir(dir)))
		if (isdigit((unsigned char)d->d_name[0]))
			visit_process(e, dirfd(dir), d->d_name);
	if (!e->over)
		e->s->hidden += errno != 0;
	closedir(dir);
	/* Those that are not listed may be in others. */
	e->s->hidden += !e->over && visible_hides();
}

/* Where "ip netns" keeps them. */
static const char *name_of(const char *path)
{
	return has_prefix(path, "/run/netns/")	     ? path + strlen("/run/netns/")
	       : has_prefix(path, "/var/run/netns/") ? path + strlen("/var/run/netns/")
						     : NULL;
}

/* Those that "ip netns" keeps: "... net:[4026532281] /run/netns/x ... - nsfs ..." */
static int visit_mount(char *line, void *ctx)
{
	struct each *e = ctx;
	struct netns_at where = { 0 };
	struct proctext_mount m;

	if (proctext_mount(line, &m) && streq(m.type, "nsfs") &&
	    read_ino(m.root, &where.ino)) {
		where.name = name_of(m.path);
		visit(e, AT_FDCWD, m.path, &where);
	}
	return e->over;
}

static void visit_mounts(struct each *e)
{
	if (!e->over)
		e->s->hidden += lines_each("/proc/self/mountinfo", visit_mount, e) < 0;
}

static void *visit_all(void *arg)
{
	struct each *e = arg;

	e->began_us = clock_us();
	e->spent_from_us = spent_us();
	if (e->s->budget_us)
		visit_mounts(e);
	visit_processes(e);
	if (!e->s->budget_us)
		visit_mounts(e);
	return NULL;
}

int netns_search(struct netns_search *s)
{
	struct each e = { .s = s };
	pthread_t thread;
	struct stat st;
	int err;

	s->hidden = s->searched = 0;
	s->cut = false;
	if (stat("/proc/thread-self/ns/net", &st) != 0)
		return -errno;
	hash_set_add(&e.known, (uint32_t)st.st_ino);
	err = pthread_create(&thread, NULL, visit_all, &e);
	if (err == 0)
		pthread_join(thread, NULL);
	hash_index_free(&e.known);
	return -err;
}

struct plain {
	bool (*fn)(void *ctx);
	void *ctx;
};

static bool visit_plain(void *ctx, const struct netns_at *at)
{
	struct plain *p = ctx;

	(void)at;
	return p->fn(p->ctx);
}

int netns_each(bool (*fn)(void *ctx), void *ctx, size_t *hidden)
{
	struct plain p = { fn, ctx };
	struct netns_search s = { .fn = visit_plain, .ctx = &p };
	int err = netns_search(&s);

	*hidden = s.hidden;
	return err;
}

int32_t netns_process(uint32_t ino)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	int32_t pid = 0;
	uint32_t of;

	if (!dir)
		return 0;
	while (!pid && (d = readdir(dir)))
		if (isdigit((unsigned char)d->d_name[0]) &&
		    process_ino(dirfd(dir), d->d_name, &of) == 0 && of == ino)
			pid = (int32_t)strtol(d->d_name, NULL, 10);
	closedir(dir);
	return pid;
}
