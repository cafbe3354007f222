#include "net/socket/unixlist.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/entry.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/whole.h"
#include "model/proctext.h"

struct asking {
	const char *path, *last; /* last: its last part */
	const struct stat *file;
	struct hash_index seen; /* inodes of the lists: each namespace has its own */
};

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What has the name for a process with this root: an absolute link within it leads to
 * another place from ours. */
static bool look_below(const char *root, const char *name, struct stat *st)
{
	_cleanup_close_ int dir = -1, fd = -1;

	if (!*root)
		return lstat(name, st) == 0;
	dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = dir < 0 ? -1 : entry_in_root(dir, name, O_NOFOLLOW);
	return fd >= 0 && fstat(fd, st) == 0;
}

/* Whether a name of the list is, or may be, our file. root: the / of a process of that
 * namespace. */
static bool names_file(const struct asking *a, const char *name, const char *root)
{
	struct stat st;

	if (*name == '@')
		return false;
	if (!*root && streq(name, a->path))
		return true;
	if (*name == '/' && look_below(root, name, &st))
		return st.st_ino == a->file->st_ino && st.st_dev == a->file->st_dev;
	/* It is relative to a directory that we do not know, of another mount namespace,
	 * or not to be looked at: the same last part is enough to be careful. */
	return streq(last_part(name), a->last);
}

struct search {
	const struct asking *a;
	const char *root;
};

static int search_line(char *line, void *ctx)
{
	const struct search *x = ctx;
	struct sock s;
	char *name;

	if (!proctext_unix_row(line, &s) || !s.path.len)
		return 0;
	name = line + ((const char *)s.path.data - line);
	name[s.path.len] = '\0';
	return names_file(x->a, name, x->root);
}

/* 1, 0 or -errno. may_be_gone: of a process that may end meanwhile, the namespace perhaps
 * with it. */
static int ask_list(struct asking *a, const char *list, const char *root,
		    bool may_be_gone, struct fault *f)
{
	struct search x = { a, root };
	struct stat st;
	int r = stat(list, &st) == 0 ? 0 : -errno;

	if (r == 0 && hash_set_add(&a->seen, (uint32_t)st.st_ino))
		r = lines_each(list, search_line, &x);
	if (may_be_gone && (r == -ENOENT || r == -ESRCH))
		return 0;
	return r < 0 ? fault(f, -r, "read %s", list) : r;
}

static int ask_others(struct asking *a, struct fault *f)
{
	DIR *proc = opendir("/proc");
	char list[300], root[300];
	struct dirent *d;
	int r = 0;

	if (!proc)
		return fault(f, errno, "list /proc");
	while (r == 0 && (errno = 0, d = readdir(proc))) {
		if (!isdigit((unsigned char)d->d_name[0]))
			continue;
		snprintf(list, sizeof(list), "/proc/%s/net/unix", d->d_name);
		snprintf(root, sizeof(root), "/proc/%s/root", d->d_name);
		r = ask_list(a, list, root, true, f);
	}
	if (r == 0 && !d && errno)
		r = fault(f, errno, "list /proc");
	closedir(proc);
	return r;
}

/* What may not be entered, has gone or is covered by another mount cannot be asked. */
static int ask_mounted(struct asking *a, const char *path, struct fault *f)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && setns(fd, CLONE_NEWNET) == 0)
		return ask_list(a, "/proc/thread-self/net/unix", "", false, f);
	if (errno == EPERM || errno == EACCES || errno == ENOENT || errno == EINVAL)
		return 0;
	return fault(f, errno, "enter the network namespace %s", path);
}

struct mounted {
	struct asking *a;
	struct fault *f;
	int r;
};

static int ask_if_mounted(char *line, void *ctx)
{
	struct mounted *all = ctx;
	struct proctext_mount m;

	if (proctext_mount(line, &m) && streq(m.type, "nsfs") &&
	    has_prefix(m.root, "net:"))
		all->r = ask_mounted(all->a, m.path, all->f);
	return all->r;
}

static void *ask_all_mounted(void *arg)
{
	struct mounted *all = arg;
	int r = lines_each("/proc/self/mountinfo", ask_if_mounted, all);

	if (r < 0 && !all->r)
		all->r = fault(all->f, -r, "read /proc/self/mountinfo");
	return NULL;
}

/*
 * A namespace that "ip netns" keeps may hold no process, but a socket all the same: of a
 * program that was there only to make it. Its list is read from inside, by a thread that
 * ends there, so that there is no way back that could fail.
 */
static int ask_named(struct asking *a, struct fault *f)
{
	struct mounted all = { .a = a, .f = f };
	pthread_t thread;
	int err = pthread_create(&thread, NULL, ask_all_mounted, &all);

	if (err)
		return fault(f, err, "start a thread");
	pthread_join(thread, NULL);
	return all.r;
}

int unixlist_bound(const char *path, const struct stat *file, struct fault *f)
{
	struct asking a = { .path = path, .last = last_part(path), .file = file };
	int r = ask_list(&a, "/proc/net/unix", "", false, f);

	if (r == 0)
		r = ask_others(&a, f);
	if (r == 0)
		r = ask_named(&a, f);
	hash_index_free(&a.seen);
	return r;
}
