#include "kernel/path/in_root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/entry.h"
#include "base/whole.h"
#include "kernel/path/file_at.h"
#include "kernel/proc/procfile.h"
#include "model/proctext.h"

/* A directory with more names than that is not searched for the file. */
enum { MOST_NAMES = 4096 };

/* A root that is looked below. */
struct root {
	int fd;
	bool apart;
	char mountinfo[32];
};

/* Of both: the thread that looks, and who waits for it. The last one frees it. */
struct looking {
	pthread_mutex_t lock;
	pthread_cond_t done_cond;
	unsigned users;
	bool done;
	size_t n;
	struct in_root_look looks[];
};

static bool same_link(const char *a, const char *b)
{
	char x[64], y[64];
	ssize_t n = readlink(a, x, sizeof(x)), m = readlink(b, y, sizeof(y));

	return n > 0 && n == m && memcmp(x, y, (size_t)n) == 0;
}

static int take_root_mount(char *line, void *ctx)
{
	struct proctext_mount m;

	(void)ctx;
	return proctext_mount(line, &m) && streq(m.path, "/");
}

static bool same_root(int fd, const char *other)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static bool read_parent(int32_t pid, uint64_t *parent)
{
	_cleanup_free_ char *text = NULL;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	text = procfile_read(path);
	return text && proctext_line(text, "PPid:", parent) && *parent;
}

/* One whose parent is in the same namespace and has another root went there by chroot().
 */
static bool left_its_parent(int fd, int32_t pid)
{
	char own[64], other[64];
	uint64_t parent;

	if (!read_parent(pid, &parent))
		return false;
	snprintf(own, sizeof(own), "/proc/%d/ns/mnt", pid);
	snprintf(other, sizeof(other), "/proc/%llu/ns/mnt", (unsigned long long)parent);
	if (!same_link(own, other))
		return false;
	snprintf(other, sizeof(other), "/proc/%llu/root/", (unsigned long long)parent);
	return !same_root(fd, other);
}

/*
 * Whether the names of its sockets are those of its root: not where it went to another
 * one since, as daemons do that lock themselves in. A root that is no mount point is such
 * a directory; of our own namespace it must be ours.
 */
static bool has_plain_root(struct root *root, int32_t pid)
{
	char path[64];

	if (!root->apart)
		return same_root(root->fd, "/");
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	return lines_each(path, take_root_mount, NULL) == 1 &&
	       !left_its_parent(root->fd, pid);
}

static bool open_root(struct root *root, int32_t pid)
{
	char path[64], ns[64], id[64];

	snprintf(root->mountinfo, sizeof(root->mountinfo), "/proc/self/mountinfo");
	if (!pid) {
		root->fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		return root->fd >= 0;
	}
	snprintf(root->mountinfo, sizeof(root->mountinfo), "/proc/%d/mountinfo", pid);
	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	snprintf(ns, sizeof(ns), "/proc/%d/ns/mnt", pid);
	/* Whoever may not follow the one may not read the other. */
	root->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root->fd < 0 || readlink(ns, id, sizeof(id)) < 0)
		return false;
	root->apart = !same_link(ns, "/proc/self/ns/mnt");
	return has_plain_root(root, pid);
}

/* Where it is, as its namespace has it: nothing that is outside of that root. */
static void read_real(struct in_root_look *look, int fd)
{
	char link[40];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, look->real, sizeof(look->real) - 1);
	look->real[n > 0 && look->real[0] == '/' ? n : 0] = '\0';
}

static enum in_root compare(struct in_root_look *look, const struct root *root, int fd)
{
	struct file_at at;

	if (file_at_fd(fd, root->mountinfo, &at) < 0)
		return IN_ROOT_UNKNOWN;
	switch (file_id_is(&at.id, &look->row)) {
	case FILE_IS_SAME:
		read_real(look, fd);
		return IN_ROOT_SAME;
	case FILE_IS_OTHER:
		return IN_ROOT_OTHER;
	case FILE_IS_UNSURE:
		break;
	}
	return IN_ROOT_UNKNOWN;
}

/* What a name of the directory is. One that went away meanwhile is not the file. */
static enum in_root compare_name(struct in_root_look *look, const struct root *root,
				 int dir, const struct dirent *d)
{
	_cleanup_close_ int fd = -1;

	if (d->d_type != DT_SOCK && d->d_type != DT_UNKNOWN)
		return IN_ROOT_OTHER;
	fd = openat(dir, d->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? IN_ROOT_OTHER : IN_ROOT_UNKNOWN;
	return compare(look, root, fd);
}

/* IN_ROOT_UNKNOWN if one of them may be it, or not all could be looked at. */
static enum in_root search_names(struct in_root_look *look, const struct root *root,
				 DIR *names)
{
	bool unsure = false;
	struct dirent *d;
	size_t n;

	for (n = 0; n < MOST_NAMES && (errno = 0, d = readdir(names)); n++) {
		enum in_root is = compare_name(look, root, dirfd(names), d);

		if (is == IN_ROOT_SAME)
			return is;
		unsure |= is == IN_ROOT_UNKNOWN;
	}
	return unsure || n == MOST_NAMES || errno ? IN_ROOT_UNKNOWN : IN_ROOT_OTHER;
}

/*
 * A program may bind to a name of the moment and then give the file its own by link() or
 * rename(), as ssh does: the row keeps the first one. otherwise: the answer where no name
 * of the directory is the file.
 */
static enum in_root search_siblings(struct in_root_look *look, const struct root *root,
				    enum in_root otherwise)
{
	char parent[IN_ROOT_PATH];
	enum in_root is;
	DIR *names;
	int at, dir;

	snprintf(parent, sizeof(parent), "%s", look->path);
	strrchr(parent, '/')[1] = '\0';
	at = entry_in_root(root->fd, parent, O_DIRECTORY);
	if (at < 0)
		return at == -ENOENT || at == -ENOTDIR ? otherwise : IN_ROOT_UNKNOWN;
	dir = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close_fd(at);
	names = dir < 0 ? NULL : fdopendir(dir);
	if (!names) {
		close_fd(dir);
		return IN_ROOT_UNKNOWN;
	}
	is = search_names(look, root, names);
	closedir(names);
	return is == IN_ROOT_OTHER ? otherwise : is;
}

static enum in_root look_below(struct in_root_look *look, const struct root *root)
{
	_cleanup_close_ int fd = entry_in_root(root->fd, look->path, 0);
	enum in_root is;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return search_siblings(look, root, IN_ROOT_NOTHING);
	is = fd < 0 ? IN_ROOT_UNKNOWN : compare(look, root, fd);
	return is == IN_ROOT_OTHER ? search_siblings(look, root, IN_ROOT_OTHER) : is;
}

static void look_at(struct in_root_look *look)
{
	struct root root = { .fd = -1 };

	if (open_root(&root, look->pid))
		look->is = look_below(look, &root);
	look->apart = root.apart;
	close_fd(root.fd);
}

/* Gives up one's part in it, with the lock held. */
static void leave(struct looking *l)
{
	bool last = --l->users == 0;

	pthread_mutex_unlock(&l->lock);
	if (!last)
		return;
	pthread_cond_destroy(&l->done_cond);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void *look_at_all(void *arg)
{
	struct looking *l = arg;
	size_t i;

	for (i = 0; i < l->n; i++) {
		struct in_root_look one;

		pthread_mutex_lock(&l->lock);
		one = l->looks[i];
		pthread_mutex_unlock(&l->lock);
		look_at(&one);
		pthread_mutex_lock(&l->lock);
		l->looks[i] = one;
		/* Nobody waits any more. */
		if (l->users < 2)
			break;
		if (i + 1 < l->n)
			pthread_mutex_unlock(&l->lock);
	}
	l->done = true;
	pthread_cond_signal(&l->done_cond);
	leave(l);
	return NULL;
}

static struct looking *begin(const struct in_root_look *looks, size_t n)
{
	struct looking *l = xcalloc(1, sizeof(*l) + n * sizeof(*looks));
	pthread_condattr_t attr;

	memcpy(l->looks, looks, n * sizeof(*looks));
	l->n = n;
	l->users = 2;
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->done_cond, &attr);
	pthread_condattr_destroy(&attr);
	return l;
}

void in_root(struct in_root_look *looks, size_t n)
{
	struct timespec until;
	struct looking *l;
	pthread_t thread;
	int err;

	if (!n)
		return;
	l = begin(looks, n);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IN_ROOT_LIMIT_MS / 1000;
	err = pthread_create(&thread, NULL, look_at_all, l);
	if (err == 0)
		pthread_detach(thread);
	pthread_mutex_lock(&l->lock);
	l->users -= err != 0;
	while (err == 0 && !l->done)
		err = pthread_cond_timedwait(&l->done_cond, &l->lock, &until);
	memcpy(looks, l->looks, n * sizeof(*looks));
	leave(l);
}

bool in_root_ask(struct in_root_look *look, int32_t pid, const struct sock *row)
{
	const char *name = row->path.data;

	*look = (struct in_root_look){ .pid = pid,
				       .row = { .has = row->has & SOCK_HAS_VFS,
						.vfs_dev = row->vfs_dev,
						.vfs_inode = row->vfs_inode } };
	if (!(row->has & SOCK_HAS_VFS) || row->path.len >= IN_ROOT_PATH ||
	    !row->path.len || name[0] != '/')
		return false;
	memcpy(look->path, name, row->path.len);
	return true;
}
