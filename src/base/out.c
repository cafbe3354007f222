#include "base/out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/mem.h"

enum {
	FRESH_TRIES = 100,
	HURRY_US = 1000 * 1000,	     /* without a byte that goes */
	HURRY_MOST_US = 5000 * 1000, /* in all */
};

void out_init(struct out *o, int fd)
{
	*o = (struct out){ .fd = fd, .at = OUTPATH_INIT };
}

/* --- opening --- */

/* What we opened ourselves meanwhile is closed by exec(), what we were started with is
 * not: another number of ours is not what the caller means. */
static int open_own(struct out *o, int own, const char *path, struct fault *f)
{
	int flags = fcntl(own, F_GETFD), how = fcntl(own, F_GETFL);

	if (flags < 0 || how < 0 || (flags & FD_CLOEXEC))
		return fault(f, EBADF, "write to %s", path);
	if ((how & O_ACCMODE) == O_RDONLY || (how & O_PATH))
		return fault_say(f, EBADF, "%s is not open for writing", path);
	o->fd = fcntl(own, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	o->owned = o->fd >= 0;
	return o->fd < 0 ? fault(f, errno, "write to %s", path) : 0;
}

/* A pipe, a device: exactly what was looked at, whatever has its name by now. */
static int open_other(struct out *o, const char *path, struct fault *f)
{
	char link[64];
	int err;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", o->at.fd);
	o->fd = open(link, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	o->owned = o->fd >= 0;
	if (o->fd >= 0)
		return 0;
	if (errno == ENXIO && S_ISSOCK(o->at.st.st_mode))
		return fault_say(f, ENXIO, "%s is a socket, which only connect() opens",
				 path);
	err = errno;
	fault(f, err, "open %s", path);
	if (err == ENOENT)
		fault_hint(f, "what is no regular file is opened through /proc, which is "
			      "not mounted here");
	return -err;
}

/* In a directory whose files only their owners may rename, and of what may not be changed
 * at all, the kernel would refuse in the end. rmdir() asks the same and never removes a
 * file: where that would be allowed it says that this is no directory. */
static int may_replace(const struct out *o, const char *path, struct fault *f)
{
	struct statx x;
	int err;

	if (unlinkat(o->at.dir, o->at.name, AT_REMOVEDIR) != 0 && errno != ENOTDIR) {
		err = errno;
		fault(f, err, "replace %s", path);
		if (err == EPERM || err == EACCES)
			fault_hint(f, "write to another file, or through the shell: -O - "
				      "> FILE");
		return -err;
	}
	if (statx(o->at.fd, "", AT_EMPTY_PATH, STATX_TYPE, &x) == 0 &&
	    (x.stx_attributes & STATX_ATTR_MOUNT_ROOT)) {
		fault_say(f, EBUSY, "%s is mounted by itself and cannot be replaced",
			  path);
		fault_hint(f, "write through the shell: -O - > FILE");
		return -EBUSY;
	}
	return 0;
}

/* A file without a name, where the file system has such and there is a way to name it. */
static int open_nameless(const struct out *o)
{
	char link[64];
	int fd = openat(o->at.dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fd >= 0 && access(link, F_OK) != 0) {
		close_fd(fd);
		errno = EOPNOTSUPP;
		return -1;
	}
	return fd;
}

static int open_named(struct out *o)
{
	struct stat st;
	int i, fd = -1;

	for (i = 0; i < FRESH_TRIES && fd < 0; i++) {
		entry_fresh(o->tmp);
		fd = openat(o->at.dir, o->tmp,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0 || fstat(fd, &st) != 0) {
		o->tmp[0] = '\0';
		return fd;
	}
	leave_file(&o->leaving, o->at.dir, o->tmp, &st);
	return fd;
}

static int open_file(struct out *o, const char *path, struct fault *f)
{
	int r = o->at.fd >= 0 ? may_replace(o, path, f) : 0;

	if (r < 0)
		return r;
	o->fd = open_nameless(o);
	/* open(2): what a file system without O_TMPFILE says, or an old kernel. */
	if (o->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL ||
			  errno == ENOENT))
		o->fd = open_named(o);
	if (o->fd < 0)
		return fault(f, errno, "create %s", path);
	o->path = xstrdup(path);
	o->owned = true;
	return 0;
}

int out_open(struct out *o, const char *path, struct fault *f)
{
	int r;

	out_init(o, -1);
	r = outpath_find(path, &o->at, f);
	if (r == 0 && o->at.own_fd >= 0)
		r = open_own(o, o->at.own_fd, path, f);
	else if (r == 0 && o->at.fd >= 0 && !S_ISREG(o->at.st.st_mode))
		r = open_other(o, path, f);
	else if (r == 0)
		r = open_file(o, path, f);
	if (!o->path)
		outpath_free(&o->at);
	return r;
}

bool out_same_file(const struct out *a, const struct out *b)
{
	struct stat in_a, in_b;

	return a->path && b->path && streq(a->at.name, b->at.name) &&
	       fstat(a->at.dir, &in_a) == 0 && fstat(b->at.dir, &in_b) == 0 &&
	       in_a.st_dev == in_b.st_dev && in_a.st_ino == in_b.st_ino;
}

/* --- writing --- */

static int flush_heeding(struct out *o)
{
	struct pollfd p[] = { { .fd = o->sink.fd, .events = POLLOUT },
			      { .fd = o->wake, .events = POLLIN } };

	if (!o->err)
		sink_put(&o->sink, o->b.data, o->b.len, true);
	o->b.len = 0;
	if (o->wake < 0 && !o->err && !sink_drain(&o->sink, HURRY_US, HURRY_MOST_US))
		o->err = ETIMEDOUT;
	while (o->wake >= 0 && !sink_flush(&o->sink) && !p[1].revents)
		poll(p, ARRAY_SIZE(p), -1);
	if (o->sink.broken && !o->err)
		o->err = o->sink.err;
	return -o->err;
}

void out_heed(struct out *o, int wake)
{
	/* What is buffered already goes with the rest: here it could wait for ever. */
	if (!o->heeds) {
		sink_init(&o->sink, o->fd);
		sink_own(&o->sink);
	}
	o->heeds = true;
	o->wake = wake;
}

void out_heed_end(struct out *o, bool hurry)
{
	o->wake = -1;
	if (hurry || !o->heeds)
		return;
	sink_free(&o->sink);
	o->heeds = false;
}

int out_flush(struct out *o)
{
	size_t done = 0;

	if (o->heeds)
		return flush_heeding(o);
	while (done < o->b.len && !o->err) {
		ssize_t n = write(o->fd, o->b.data + done, o->b.len - done);

		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			/* A pipe that somebody made non-blocking. */
			struct pollfd p = { .fd = o->fd, .events = POLLOUT };

			poll(&p, 1, -1);
		} else if (errno != EINTR) {
			o->err = errno;
		}
	}
	o->b.len = 0;
	return -o->err;
}

/* --- closing --- */

/* As the old file: who could read it can read this one, and nobody else. */
static void take_after_old(struct out *o)
{
	const struct stat *old = &o->at.st;
	mode_t mode = old->st_mode & 0777;

	if (fchown(o->fd, old->st_uid, old->st_gid) != 0) {
		o->new_owner = old->st_uid != geteuid();
		/* A group that had no business with it gets what all have. */
		if (fchown(o->fd, (uid_t)-1, old->st_gid) != 0)
			mode = (mode & ~070u) | (mode & 070 & (mode & 07) << 3);
	}
	(void)fchmod(o->fd, mode);
}

static void take_after_umask(const struct out *o)
{
	mode_t mask = umask(0);

	umask(mask);
	(void)fchmod(o->fd, 0666 & ~mask);
}

/* Gives a nameless file a name; -EEXIST where it is taken. */
static int name_it(const struct out *o, const char *name)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", o->fd);
	if (linkat(AT_FDCWD, link, o->at.dir, name, AT_SYMLINK_FOLLOW) != 0)
		return -errno;
	return 0;
}

static int name_for_now(struct out *o)
{
	struct stat st;
	int i, r = -EEXIST;

	if (fstat(o->fd, &st) != 0)
		return -errno;
	for (i = 0; i < FRESH_TRIES && r == -EEXIST; i++) {
		leave_forget(&o->leaving);
		entry_fresh(o->tmp);
		/* First the list: a signal may come right after the name. */
		leave_file(&o->leaving, o->at.dir, o->tmp, &st);
		r = name_it(o, o->tmp);
	}
	return r;
}

/* Only a file is replaced: not what somebody put there while we wrote. */
static int check_name(const struct out *o)
{
	struct stat st;

	if (fstatat(o->at.dir, o->at.name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : -errno;
	return S_ISREG(st.st_mode) ? 0 : -EEXIST;
}

static int publish(struct out *o)
{
	int r = check_name(o);

	if (r < 0)
		return r;

	if (!o->tmp[0]) {
		r = o->at.fd < 0 ? name_it(o, o->at.name) : -EEXIST;
		/* Where a file came there meanwhile, the later one wins, as ever. */
		if (r != -EEXIST)
			return r;
		r = name_for_now(o);
		if (r < 0)
			return r;
	}
	if (renameat(o->at.dir, o->tmp, o->at.dir, o->at.name) != 0)
		return -errno;
	leave_forget(&o->leaving);
	o->tmp[0] = '\0';
	return 0;
}

static int finish_out(struct out *o, bool mine, struct fault *f)
{
	struct stat st;

	out_flush(o);
	if (o->path && !o->err) {
		if (o->at.fd >= 0)
			take_after_old(o);
		else
			take_after_umask(o);
		if (fsync(o->fd) != 0)
			o->err = errno;
	}
	if (o->path && !o->err)
		o->err = -publish(o);
	if (o->err) {
		int err = o->err;

		if (err == ETIMEDOUT && o->heeds)
			fault_say(f, err, "the output is cut off: nobody reads it");
		else
			fault(f, err, "write %s", o->path ? o->path : "the output");
		out_discard(o);
		return -err;
	}
	/* Its descriptor stays open: its inode shall not become another file's. */
	if (mine && o->path && fstat(o->fd, &st) == 0)
		leave_file(&o->leaving, o->at.dir, o->at.name, &st);
	else
		out_discard(o);
	return 0;
}

int out_close(struct out *o, struct fault *f)
{
	return finish_out(o, false, f);
}

int out_close_mine(struct out *o, struct fault *f)
{
	return finish_out(o, true, f);
}

void out_discard(struct out *o)
{
	if (o->tmp[0])
		leave_remove(&o->leaving);
	o->tmp[0] = '\0';
	leave_forget(&o->leaving);
	if (o->owned)
		close_fd(o->fd);
	o->owned = false;
	free(take_ptr(&o->path));
	/* Zeroed where it was never opened, and 0 is a descriptor, too. */
	if (o->at.name)
		outpath_free(&o->at);
	buf_free(&o->b);
	out_heed_end(o, false);
	o->fd = -1;
}
