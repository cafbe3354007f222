#include "base/outpath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>

#include "base/buf.h"
#include "base/mem.h"

enum { LINKS_MOST = 40 }; /* as the kernel: path_resolution(7) */

void outpath_free(struct outpath *where)
{
	close_fd(where->fd);
	close_fd(where->dir);
	free(where->name);
	*where = (struct outpath)OUTPATH_INIT;
}

/* A number as /proc/self/fd writes it. */
static int number(const char *text)
{
	char canonical[16];
	long n;

	if (!*text || strlen(text) > 9 || strspn(text, "0123456789") != strlen(text))
		return -1;
	n = strtol(text, NULL, 10);
	snprintf(canonical, sizeof(canonical), "%ld", n);
	return streq(canonical, text) ? (int)n : -1;
}

int outpath_own(const char *path)
{
	static const char *const names[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	static const char *const places[] = { "/dev/fd/", "/proc/self/fd/" };
	size_t i;

	if (streq(path, "-"))
		return STDOUT_FILENO;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (streq(path, names[i]))
			return (int)i;
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (has_prefix(path, places[i]))
			return number(path + strlen(places[i]));
	return -1;
}

struct walk {
	const char *path; /* as it was given */
	char *rest;	  /* what is still to be gone */
	int dir;	  /* where we are */
	unsigned links;
};

static void walk_free(struct walk *w)
{
	free(w->rest);
	close_fd(w->dir);
}

static int go_to(struct walk *w, int fd)
{
	close_fd(w->dir);
	w->dir = fd;
	return 0;
}

static int start_at(struct walk *w, const char *dir)
{
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : go_to(w, fd);
}

/* Takes the first part off the rest; "" if there is none. */
static char *next_part(struct walk *w)
{
	char *from = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(from, "/");
	char *part = xstrndup(from, len);

	memmove(w->rest, from + len, strlen(from + len) + 1);
	return part;
}

static bool is_in_proc(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* Whether the directory we are in is the one of our own descriptors. */
static bool is_own_fd_dir(int dir)
{
	struct stat here, own;

	return fstat(dir, &here) == 0 && stat("/proc/self/fd", &own) == 0 &&
	       here.st_dev == own.st_dev && here.st_ino == own.st_ino;
}

static int refuse_link(const struct walk *w, struct fault *f)
{
	fault_say(f, EACCES,
		  "%s leads through a symbolic link that somebody else put into a "
		  "directory where everybody may",
		  w->path);
	fault_hint(f, "give the path that it points to, if that is what you want");
	return -EACCES;
}

static int check_trust(const struct walk *w, const struct stat *link, struct fault *f)
{
	struct stat dir;

	if (fstat(w->dir, &dir) != 0)
		return fault(f, errno, "open %s", w->path);
	if ((dir.st_mode & S_ISVTX) && (dir.st_mode & S_IWOTH) &&
	    link->st_uid != geteuid() && link->st_uid != dir.st_uid)
		return refuse_link(w, f);
	return 0;
}

/* A link of a file system: its text stands before the rest. */
static int follow_text(struct walk *w, int fd, const struct stat *st, struct fault *f)
{
	char text[PATH_MAX];
	struct buf b = { 0 };
	ssize_t n;
	int r = check_trust(w, st, f);

	if (r < 0)
		return r;
	n = readlinkat(fd, "", text, sizeof(text) - 1);
	if (n <= 0)
		return fault(f, n ? errno : ENOENT, "open %s", w->path);
	text[n] = '\0';
	buf_printf(&b, "%s%s%s", text, *w->rest ? "/" : "", w->rest);
	buf_cstr(&b);
	free(w->rest);
	w->rest = b.data;
	r = text[0] == '/' ? start_at(w, "/") : 0;
	return r < 0 ? fault(f, -r, "open %s", w->path) : 0;
}

/* What a link of /proc leads to has a name, or had one. */
static int find_name(const struct walk *w, struct outpath *where, struct fault *f)
{
	char link[64], text[PATH_MAX], *slash;
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", where->fd);
	n = readlink(link, text, sizeof(text) - 1);
	text[MAX(n, 0)] = '\0';
	slash = strrchr(text, '/');
	if (slash) {
		where->name = xstrdup(slash + 1);
		slash[slash == text] = '\0';
		where->dir = open(text, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (where->dir >= 0 &&
		    fstatat(where->dir, where->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_dev == where->st.st_dev && st.st_ino == where->st.st_ino)
			return 0;
	}
	return fault_say(f, ENOENT,
			 "%s is a file that has no name here: it was removed, or is of "
			 "another mount namespace",
			 w->path);
}

/*
 * The last part was reached: fd is what is there, -1 where there is nothing. A path that
 * ends with a slash is of a directory.
 */
static int arrive(struct walk *w, int fd, char *name, struct outpath *where,
		  struct fault *f)
{
	where->fd = fd;
	where->name = name;
	where->dir = take_fd(&w->dir);
	if (*w->rest || !*name || (fd >= 0 && S_ISDIR(where->st.st_mode)))
		return fault(f, EISDIR, "write %s", w->path);
	return 0;
}

/* One of /proc's own links, which lead to a file and not to a text. */
static int follow_magic(struct walk *w, char *part, bool last, struct outpath *where,
			struct fault *f)
{
	int own = last && is_own_fd_dir(w->dir) ? number(part) : -1, fd;

	if (own >= 0) {
		where->own_fd = own;
		return 1;
	}
	fd = openat(w->dir, part, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return fault(f, errno, "open %s", w->path);
	if (!last)
		return go_to(w, fd);
	where->fd = fd;
	if (fstat(fd, &where->st) != 0)
		return fault(f, errno, "open %s", w->path);
	if (S_ISDIR(where->st.st_mode))
		return fault(f, EISDIR, "write %s", w->path);
	if (S_ISREG(where->st.st_mode)) {
		int r = find_name(w, where, f);

		if (r < 0)
			return r;
	}
	return 1;
}

/* Goes one part on. 1 = arrived, 0 = go on, or -errno with a fault. */
static int step(struct walk *w, struct outpath *where, struct fault *f)
{
	_cleanup_free_ char *part = next_part(w);
	_cleanup_close_ int fd = -1;
	bool last = !w->rest[strspn(w->rest, "/")];
	int r;

	if (last && (!*part || streq(part, ".") || streq(part, "..")))
		return fault(f, EISDIR, "write %s", w->path);
	fd = openat(w->dir, part, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && last) {
		r = arrive(w, -1, take_ptr(&part), where, f);
		return r < 0 ? r : 1;
	}
	if (fd < 0 || fstat(fd, &where->st) != 0)
		return fault(f, errno, "open %s", w->path);
	if (S_ISLNK(where->st.st_mode)) {
		if (++w->links > LINKS_MOST)
			return fault(f, ELOOP, "open %s", w->path);
		if (is_in_proc(fd))
			return follow_magic(w, part, last && !*w->rest, where, f);
		return follow_text(w, fd, &where->st, f);
	}
	if (!last)
		return go_to(w, take_fd(&fd));
	r = arrive(w, take_fd(&fd), take_ptr(&part), where, f);
	return r < 0 ? r : 1;
}

int outpath_find(const char *path, struct outpath *where, struct fault *f)
{
	struct walk w = { .path = path, .dir = -1 };
	int r;

	*where = (struct outpath)OUTPATH_INIT;
	where->own_fd = outpath_own(path);
	if (where->own_fd >= 0)
		return 0;
	if (!*path)
		return fault_say(f, ENOENT, "the name of the file to write is empty");
	w.rest = xstrdup(path);
	r = start_at(&w, path[0] == '/' ? "/" : ".");
	if (r < 0)
		fault(f, -r, "open %s", path);
	while (r == 0)
		r = step(&w, where, f);
	walk_free(&w);
	if (r < 0)
		outpath_free(where);
	return MIN(r, 0);
}
