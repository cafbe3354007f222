/* The unix side of the explainer: a name in the file system, or an abstract one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "kernel/explain/explain_private.h"
#include "kernel/explain/path_access.h"
#include "kernel/netlink/diag_unix.h"
#include "kernel/netlink/uapi.h"
#include "kernel/path/file_at.h"
#include "kernel/proc/netns_each.h"
#include "kernel/proc/rights.h"

/* A name of a unix socket, as a row would have it. */
struct wanted {
	const struct file_id *file; /* NULL: an abstract name, */
	uint8_t proto;		    /* of this type */
	const char *name;
	size_t len;
};

struct search {
	struct wanted wanted;
	struct kept kept;
	bool unsure; /* a row may be of the file */
	int err;
};

static enum file_is is_it(const struct wanted *w, const struct sock *s)
{
	const char *name = s->path.data;

	if (w->file)
		return file_id_is(w->file, s);
	return s->proto == w->proto && s->path.len == w->len + 1 && !name[0] &&
			       memcmp(name + 1, w->name, w->len) == 0
		       ? FILE_IS_SAME
		       : FILE_IS_OTHER;
}

static int keep_match(const struct nlmsghdr *h, void *ctx)
{
	struct search *x = ctx;
	enum file_is is;
	struct sock s;

	if (!unix_parse(h, &s))
		return 0;
	is = is_it(&x->wanted, &s);
	/* A socket without a name is bound to nothing. */
	x->unsure |= is == FILE_IS_UNSURE && s.path.len && *(const char *)s.path.data;
	/* An accepted connection carries its listener's name; the listener is wanted. */
	if (is == FILE_IS_SAME &&
	    (s.state == STATE_LISTEN || s.state == STATE_CLOSE || !x->kept.n))
		kept_add(&x->kept, &s);
	return 0;
}

static bool search_here(void *ctx)
{
	struct search *x = ctx;
	struct nl nl;
	int err = nl_open(&nl, NULL);

	if (err == 0)
		err = unix_dump(&nl, ~0u,
				UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UAPI_UDIAG_SHOW_UID,
				keep_match, x);
	nl_close(&nl);
	x->err = err < 0 ? -err : x->err;
	return !x->kept.n;
}

static void name_owner(struct search *x, struct bind_facts *f)
{
	_cleanup_reader_ struct reader r = { 0 };
	struct bind_found *taken = arena_zalloc(x->kept.arena, sizeof(*taken));
	const struct sock *row;
	size_t i;

	kept_own(&x->kept, &r);
	f->owners_error = r.owners.failed;
	if (r.owners.unseen == OWNER_CANDIDATES)
		f->candidates = arena_strdup(x->kept.arena, r.owners.unseen_why);
	row = x->kept.v[0];
	for (i = 1; i < x->kept.n; i++)
		if (x->kept.v[i]->state == STATE_LISTEN && row->state != STATE_LISTEN)
			row = x->kept.v[i];
	taken->holder.row = row;
	found_process(taken, x->kept.arena);
	f->taken = taken;
}

static const char *kind_of(const char *path, const struct file_at *at)
{
	struct stat target;

	switch (at->mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFLNK:
		return stat(path, &target) != 0 && (errno == ENOENT || errno == ELOOP)
			       ? "a symbolic link that leads nowhere"
			       : "a symbolic link, which bind() never follows";
	case S_IFIFO:
		return "a named pipe";
	case S_IFBLK:
	case S_IFCHR:
		return "a device";
	default:
		return "a file, not a socket";
	}
}

/*
 * Whether a socket of any namespace is bound to the file, where the tables of some cannot
 * be read: a datagram socket that connects is told EPROTOTYPE by sockets of other types,
 * ECONNREFUSED if there is none, and nobody notices, for nothing is sent.
 */
static enum bind_file ask_the_file(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	if (fd < 0 || strlen(path) >= sizeof(sun.sun_path))
		return FILE_UNSURE;
	memcpy(sun.sun_path, path, strlen(path));
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		return FILE_LIVE;
	switch (errno) {
	case EPROTOTYPE:
	case EPERM: /* a datagram socket that talks to somebody else only */
		return FILE_LIVE;
	case ECONNREFUSED:
		return FILE_STALE;
	default:
		return FILE_UNSURE;
	}
}

/* The directory of a path; to be freed. */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? xstrndup(path, MAX((size_t)(slash - path), (size_t)1))
		     : xstrdup(".");
}

/* In a sticky directory only the owners of the file and of the directory may. */
static bool may_remove(const char *path, const struct file_at *at)
{
	_cleanup_free_ char *parent = parent_of(path);
	uid_t me = geteuid();
	struct stat dir;

	return faccessat(AT_FDCWD, parent, W_OK | X_OK, AT_EACCESS) == 0 &&
	       stat(parent, &dir) == 0 &&
	       (!(dir.st_mode & S_ISVTX) || me == 0 || at->uid == me || dir.st_uid == me);
}

/* The first directory above that is there decides whether the others can be made. */
static bool may_make(const char *directory)
{
	_cleanup_free_ char *at = xstrdup(directory);

	while (faccessat(AT_FDCWD, at, F_OK, AT_EACCESS) != 0 && errno == ENOENT) {
		char *above = parent_of(at);
		bool top = streq(above, at);

		free(at);
		at = above;
		if (top)
			return false;
	}
	return faccessat(AT_FDCWD, at, W_OK | X_OK, AT_EACCESS) == 0;
}

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *d;
	bool empty = dir;

	while (empty && (d = readdir(dir)))
		empty = streq(d->d_name, ".") || streq(d->d_name, "..");
	if (dir)
		closedir(dir);
	return empty;
}

static void explain_file(const struct bind_question *q, const struct file_at *at,
			 struct arena *a, struct bind_facts *f)
{
	struct search x = { .wanted.file = &at->id, .kept.arena = a };
	char remedy[REMEDY_MAX];
	size_t hidden = 0;

	f->is_mount = at->is_mount;
	f->mounts_deleted = at->mounts_deleted;
	if (!S_ISSOCK(at->mode)) {
		f->file = FILE_OTHER;
		f->is_empty = S_ISDIR(at->mode) && is_empty(q->name);
		f->file_kind = f->is_empty ? "an empty directory" : kind_of(q->name, at);
		f->may_change = may_remove(q->name, at);
		return;
	}
	f->may_change = may_remove(q->name, at);
	if (search_here(&x)) {
		if (netns_each(search_here, &x, &hidden) < 0)
			hidden++;
		f->taken_elsewhere = x.kept.n > 0;
		if (hidden)
			f->enter_remedy = arena_strdup(a, rights_to_enter(remedy));
	}
	if (x.kept.n) {
		f->file = FILE_LIVE;
		name_owner(&x, f);
	} else {
		f->file = hidden || x.err || x.unsure ? ask_the_file(q->name)
						      : FILE_STALE;
	}
	kept_free(&x.kept);
	if (f->file == FILE_STALE)
		explain_namesakes(q, a, f);
}

/* What an error of looking says of the place. */
static void say_file_error(struct bind_facts *f, int err)
{
	f->file_error = err;
	switch (err) {
	case 0:
		f->file = FILE_FREE;
		break;
	case ENOENT:
	case ENOTDIR:
		f->file = FILE_NO_PARENT;
		break;
	case EACCES:
	case EPERM:
	case EROFS:
	case ELOOP:
	case ENAMETOOLONG:
		f->file = FILE_FORBIDDEN;
		break;
	default:
		f->file = FILE_UNREAD;
		break;
	}
}

/* Nothing is there: may a file be made? */
static void explain_directory(const char *path, struct arena *a, struct bind_facts *f)
{
	_cleanup_free_ char *parent = parent_of(path);
	_cleanup_buf_ struct buf shown = { 0 };
	struct stat st;
	int err = 0;

	if (stat(parent, &st) != 0)
		err = -errno;
	else if (!S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	say_file_error(f, -err);
	if (f->file == FILE_FREE && access_denies(&f->access))
		f->file = FILE_FORBIDDEN;
	buf_put_escaped(&shown, parent, strlen(parent));
	f->directory = arena_strdup(a, buf_cstr(&shown));
	f->may_change = may_make(parent);
}

/* What a link says, where it leads to nothing. */
static void read_link(const char *path, struct arena *a, struct bind_facts *f)
{
	_cleanup_buf_ struct buf shown = { 0 };
	char to[PATH_MAX];
	ssize_t n = readlink(path, to, sizeof(to));

	if (n <= 0)
		return;
	buf_put_escaped(&shown, to, (size_t)n);
	f->link_to = arena_strdup(a, buf_cstr(&shown));
}

static void explain_nothing(const struct bind_question *q, struct arena *a,
			    struct bind_facts *f)
{
	explain_directory(q->name, a, f);
	if (q->connects)
		read_link(q->name, a, f);
	explain_namesakes(q, a, f);
}

static void explain_abstract(const struct bind_question *q, struct arena *a,
			     struct bind_facts *f)
{
	struct search x = { .wanted = { .proto = q->candidate.proto,
					.name = q->name,
					.len = q->name_len },
			    .kept.arena = a };

	search_here(&x);
	f->file = FILE_FREE; /* an abstract name has none */
	f->dump_error = x.err;
	if (x.kept.n)
		name_owner(&x, f);
	else
		explain_namesakes(q, a, f);
	kept_free(&x.kept);
}

void explain_unix(const struct bind_question *q, struct arena *a, struct bind_facts *f)
{
	struct file_at at;
	int err;

	if (!q->abstract)
		explain_access(&(struct access_question){ .path = q->name,
							  .bind = true,
							  .user = q->user,
							  .uid = q->candidate.uid },
			       a, &f->access);
	if (q->abstract)
		explain_abstract(q, a, f);
	else if ((err = file_at_path(q->name, q->connects, &at)) == 0)
		explain_file(q, &at, a, f);
	else if (err == -ENOENT || err == -ENOTDIR)
		explain_nothing(q, a, f);
	else
		say_file_error(f, -err);
}

struct unix_listening {
	struct wanted wanted;
	struct listening found;
};

static int count_listener(const struct nlmsghdr *h, void *ctx)
{
	struct unix_listening *x = ctx;
	struct sock s;

	if (unix_parse(h, &s) && s.state == STATE_LISTEN &&
	    is_it(&x->wanted, &s) == FILE_IS_SAME)
		listening_add(&x->found, &s);
	return 0;
}

struct listening explain_unix_listening(const struct connect_question *q)
{
	struct unix_listening x = {
		.wanted = { .proto = q->proto, .name = q->name, .len = q->name_len }
	};
	struct file_at at;
	struct nl nl;
	int err;

	if (!q->abstract && file_at_path(q->name, true, &at) < 0)
		return x.found;
	if (!q->abstract)
		x.wanted.file = &at.id;
	err = nl_open(&nl, NULL);
	if (err == 0)
		err = unix_dump(&nl, 1u << STATE_LISTEN,
				UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN,
				count_listener, &x);
	nl_close(&nl);
	x.found.err = -MIN(err, 0);
	return x.found;
}
