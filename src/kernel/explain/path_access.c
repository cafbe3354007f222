#include "kernel/explain/path_access.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "base/buf.h"
#include "base/passwd.h"
#include "kernel/path/as_user.h"
#include "kernel/proc/process.h"
#include "kernel/proc/procfile.h"
#include "model/proctext.h"

enum {
	LINKS_MOST = 40, /* as MAXSYMLINKS of the kernel */
	PROC_MAGIC = 0x9fa0,
	PROC_ROOT_INODE = 1,
};

struct walk {
	const struct access_question *q;
	struct arena *arena;
	struct access_facts *f;
	struct as_user who;
	struct buf at;	 /* the directory that was reached, without links */
	struct buf rest; /* what is still to be walked */
	int dir;	 /* O_PATH of at */
	unsigned links;
};

static void cleanup_walk(struct walk *w)
{
	close_fd(w->dir);
	buf_free(&w->at);
	buf_free(&w->rest);
}

static const char *escaped(struct arena *a, const char *text)
{
	_cleanup_buf_ struct buf b = { 0 };

	buf_put_escaped(&b, text, strlen(text));
	return arena_strdup(a, buf_cstr(&b));
}

static const char *number(struct arena *a, uint32_t n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	return arena_strdup(a, text);
}

static const char *user_name(struct arena *a, uint32_t uid)
{
	struct passwd *pw = passwd_find(NULL, uid);

	return pw ? escaped(a, pw->pw_name) : number(a, uid);
}

static const char *group_name(struct arena *a, uint32_t gid)
{
	struct group *gr = getgrgid(gid);

	return gr ? escaped(a, gr->gr_name) : number(a, gid);
}

static enum known has_list(const char *path)
{
	if (lgetxattr(path, "system.posix_acl_access", NULL, 0) > 0)
		return KNOWN_ON;
	return errno == ENODATA || errno == EOPNOTSUPP ? KNOWN_OFF : KNOWN_NOT;
}

static bool is_immutable(int fd)
{
	struct statx x;

	return statx(fd, "", AT_EMPTY_PATH, 0, &x) == 0 &&
	       (x.stx_attributes & STATX_ATTR_IMMUTABLE);
}

/* Whether the user has the group by now, and this process does not. */
static bool has_joined(struct walk *w, uint32_t gid)
{
	struct passwd *pw = w->who.own ? passwd_find(NULL, w->who.ids.uid) : NULL;
	struct access_ids now = { .gid = pw ? pw->pw_gid : 0 };
	size_t i;

	if (!pw || as_user_groups(&now, pw->pw_name, w->arena) < 0)
		return false;
	for (i = 0; i < now.n_groups; i++)
		if (now.groups[i] == gid)
			return true;
	return false;
}

static void read_owner(struct walk *w, const struct stat *st)
{
	struct access_facts *f = w->f;

	f->mode = st->st_mode;
	f->directory = S_ISDIR(st->st_mode);
	f->uid = st->st_uid;
	f->gid = st->st_gid;
	f->uid_unmapped = process_maps_away(MAP_USERS, st->st_uid);
	f->gid_unmapped = process_maps_away(MAP_GROUPS, st->st_gid);
	f->owner = user_name(w->arena, st->st_uid);
	f->group = group_name(w->arena, st->st_gid);
}

static enum access_kind judge_denial(struct walk *w, int fd, const char *path, int err)
{
	enum known list = has_list(path);
	enum access_kind kind = access_judge(&w->who.ids, list, w->f);

	if (err == EROFS)
		return ACCESS_READ_ONLY;
	if (err == EPERM && is_immutable(fd))
		return ACCESS_IMMUTABLE;
	if (err != EACCES || kind == ACCESS_ALLOWED)
		return ACCESS_OTHER;
	w->f->list = list != KNOWN_OFF;
	return kind == ACCESS_LIST && list != KNOWN_ON ? ACCESS_UNKNOWN : kind;
}

/* Nobody could be asked as that user. */
static enum access_kind judge_by_mode(struct walk *w, const char *path)
{
	enum access_kind kind = access_judge(&w->who.ids, has_list(path), w->f);

	if (kind != ACCESS_LIST)
		return kind;
	w->f->list = true;
	return ACCESS_UNKNOWN;
}

static bool ends(struct walk *w, enum access_kind kind, const char *path, int err)
{
	w->f->kind = kind;
	w->f->err = err;
	w->f->path = escaped(w->arena, path);
	return true;
}

/* Whether it ends here: fd is what is in question, and name leads to it from dir. */
static bool denied(struct walk *w, int dir, const char *name, int fd, unsigned wanted,
		   const char *path)
{
	int mode = (wanted & ACCESS_WRITE ? W_OK : 0) |
		   (wanted & ACCESS_SEARCH ? X_OK : 0);
	enum access_kind kind;
	struct stat st;
	int err = as_user_access(&w->who, dir, name, mode);

	if (err == 0)
		return false;
	if (fstat(fd, &st) != 0)
		return ends(w, ACCESS_UNKNOWN, path, errno);
	w->f->wanted = wanted;
	read_owner(w, &st);
	kind = w->who.by_mode && err != -EROFS ? judge_by_mode(w, path)
					       : judge_denial(w, fd, path, -err);
	if (kind == ACCESS_ALLOWED)
		return false;
	w->f->hides = w->rest.len > 0;
	w->f->joined = kind == ACCESS_MODE && has_joined(w, st.st_gid);
	return ends(w, kind, path, -err);
}

/* A link of the kernel, which leads where no text says. */
static bool is_proc_link(const struct walk *w, int link)
{
	struct statfs fs;
	struct stat st;

	return fstatfs(link, &fs) == 0 && fs.f_type == PROC_MAGIC &&
	       fstat(w->dir, &st) == 0 && st.st_ino != PROC_ROOT_INODE;
}

/* may_follow_link(), fs/namei.c: no capability counts. */
static bool is_guarded(struct walk *w, const struct stat *link, const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct stat dir;
	uint64_t on;

	if (link->st_uid == w->who.ids.uid || fstat(w->dir, &dir) != 0 ||
	    (dir.st_mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH) ||
	    dir.st_uid == link->st_uid)
		return false;
	text = procfile_read("/proc/sys/fs/protected_symlinks");
	if (text && proctext_number(text, &on) && !on)
		return false;
	read_owner(w, link);
	return ends(w, ACCESS_STICKY_LINK, path, EACCES);
}

static void go_to(struct walk *w, int dir, const char *path)
{
	close_fd(w->dir);
	w->dir = dir;
	if (path != w->at.data) {
		buf_reset(&w->at);
		buf_puts(&w->at, path);
	}
}

static bool go_to_root(struct walk *w)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return !ends(w, ACCESS_UNKNOWN, "/", errno);
	go_to(w, root, "/");
	return true;
}

/* The text of a link stands before the rest. Whether it ends here. */
static bool follow(struct walk *w, int link, const char *path)
{
	_cleanup_buf_ struct buf rest = { 0 };
	char text[PATH_MAX];
	ssize_t n = readlinkat(link, "", text, sizeof(text) - 1);

	if (n < 0)
		return ends(w, ACCESS_UNKNOWN, path, errno);
	if (++w->links > LINKS_MOST)
		return ends(w, ACCESS_UNKNOWN, path, ELOOP);
	text[n] = '\0';
	buf_printf(&rest, "%s%s%s", text, w->rest.len ? "/" : "", buf_cstr(&w->rest));
	buf_reset(&w->rest);
	buf_put(&w->rest, rest.data, rest.len);
	return text[0] == '/' && !go_to_root(w);
}

static bool follow_proc(struct walk *w, const char *name, const char *path)
{
	int fd = openat(w->dir, name, O_PATH | O_CLOEXEC);

	if (w->q->user && w->who.ids.uid != geteuid()) {
		close_fd(fd);
		return ends(w, ACCESS_UNKNOWN, path, EACCES);
	}
	if (fd < 0)
		return ends(w, errno == EACCES ? ACCESS_PROC_LINK : ACCESS_UNKNOWN, path,
			    errno);
	go_to(w, fd, path);
	return false;
}

/* One more component. Whether the walk ends with it. */
static bool enter(struct walk *w, const char *name)
{
	_cleanup_buf_ struct buf path = { 0 };
	bool last = !w->rest.len;
	int fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	buf_printf(&path, "%s%s%s", buf_cstr(&w->at),
		   w->at.len && w->at.data[w->at.len - 1] == '/' ? "" : "/", name);
	if (fd < 0 || fstat(fd, &st) != 0) {
		int err = errno;

		close_fd(fd);
		return ends(w, ACCESS_UNKNOWN, buf_cstr(&path), err);
	}
	if (S_ISLNK(st.st_mode)) {
		_cleanup_close_ int link = fd;

		return is_guarded(w, &st, buf_cstr(&path)) ||
		       (is_proc_link(w, link) ? follow_proc(w, name, buf_cstr(&path))
					      : follow(w, link, buf_cstr(&path)));
	}
	if (last && !w->q->bind &&
	    denied(w, w->dir, name, fd, ACCESS_WRITE, buf_cstr(&path))) {
		close_fd(fd);
		return true;
	}
	go_to(w, fd, buf_cstr(&path));
	return false;
}

/* Back to the directory above, in text as well. */
static bool leave(struct walk *w)
{
	int fd = openat(w->dir, "..", O_PATH | O_CLOEXEC);
	char *slash;

	if (fd < 0)
		return ends(w, ACCESS_UNKNOWN, buf_cstr(&w->at), errno);
	slash = strrchr(buf_cstr(&w->at), '/');
	if (!slash) {
		buf_puts(&w->at, "/..");
	} else {
		w->at.len = MAX((size_t)(slash - w->at.data), (size_t)1);
		w->at.data[w->at.len] = '\0';
	}
	go_to(w, fd, w->at.data);
	return false;
}

/* The next component of the rest; NULL at its end. Its memory is the arena's. */
static const char *next_name(struct walk *w)
{
	const char *rest = buf_cstr(&w->rest);
	size_t skip = strspn(rest, "/"), len = strcspn(rest + skip, "/");
	char *name = arena_alloc(w->arena, len + 1);

	memcpy(name, rest + skip, len);
	name[len] = '\0';
	skip += len;
	skip += strspn(rest + skip, "/");
	memmove(w->rest.data, rest + skip, w->rest.len - skip);
	w->rest.len -= skip;
	return len ? name : NULL;
}

/* To where the name in the last directory is looked up. */
static void walk(struct walk *w)
{
	const char *name;

	while (w->rest.len && (name = next_name(w))) {
		if (denied(w, w->dir, ".", w->dir, ACCESS_SEARCH, buf_cstr(&w->at)))
			return;
		if (streq(name, "."))
			continue;
		if (streq(name, "..") ? leave(w) : enter(w, name))
			return;
	}
	if (w->q->bind && denied(w, w->dir, ".", w->dir, ACCESS_SEARCH | ACCESS_WRITE,
				 buf_cstr(&w->at)))
		return;
	w->f->kind = ACCESS_ALLOWED;
}

/* A working directory that cannot be searched itself: to there from the root. */
static bool begin_above(struct walk *w, const char *here)
{
	_cleanup_buf_ struct buf rest = { 0 };

	buf_printf(&rest, "%s/%s", here, buf_cstr(&w->rest));
	buf_reset(&w->rest);
	buf_put(&w->rest, rest.data, rest.len);
	return go_to_root(w);
}

static bool begin(struct walk *w)
{
	const char *slash = strrchr(w->q->path, '/');
	size_t len = strlen(w->q->path);
	char here[PATH_MAX];

	/* bind() makes the last component. */
	if (w->q->bind)
		len = slash ? (size_t)(slash - w->q->path) : 0;
	buf_put(&w->rest, w->q->path, len);
	if (w->q->path[0] == '/')
		return go_to_root(w);
	if (!getcwd(here, sizeof(here)) || here[0] != '/')
		snprintf(here, sizeof(here), ".");
	w->dir = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (w->dir < 0 && errno == EACCES && here[0] == '/')
		return begin_above(w, here);
	if (w->dir < 0)
		return !ends(w, ACCESS_UNKNOWN, here, errno);
	buf_puts(&w->at, here);
	return true;
}

void explain_access(const struct access_question *q, struct arena *a,
		    struct access_facts *f)
{
	__attribute__((cleanup(
		cleanup_walk))) struct walk w = { .q = q, .arena = a, .f = f, .dir = -1 };
	int err;

	*f = (struct access_facts){ .wanted = ACCESS_SEARCH };
	err = as_user_prepare(&w.who, q->user, q->uid, a);
	f->who = w.who.ids.uid;
	f->user = q->user ? escaped(a, q->user) : user_name(a, f->who);
	f->named = f->user[0] < '0' || f->user[0] > '9';
	if (err < 0)
		ends(&w, ACCESS_UNKNOWN, q->path, -err);
	else if (begin(&w))
		walk(&w);
}
