#include "kernel/proc/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/whole.h"
#include "model/proctext.h"

enum { DEEPEST = 64 };

struct cgroup_entry {
	uint64_t id;
	const char *path;
};

/* What is not there, or has gone, has no path to be known. */
static void note_error(struct cgroups *c, int err)
{
	if (err == EACCES || err == EPERM)
		c->denied = err;
	else if (err && err != ENOENT && !c->failed)
		c->failed = err;
}

static int take_mount(char *line, void *ctx)
{
	struct proctext_mount m;

	if (!proctext_mount(line, &m) || !streq(m.type, "cgroup2"))
		return 0;
	buf_puts(ctx, m.path);
	return 1;
}

/* The first cgroup2 mount point: 1, 0 if there is none, or -errno. */
static int find_mount(struct buf *path)
{
	return lines_each("/proc/self/mountinfo", take_mount, path);
}

static const char *find_group(struct cgroups *c, uint64_t id, uint32_t hash)
{
	uint32_t step = 0;
	size_t at;

	while ((at = hash_index_next(&c->index, hash, &step)) != SIZE_MAX)
		if (c->v[at].id == id)
			return c->v[at].path;
	return NULL;
}

static void add_group(struct cgroups *c, uint64_t id, const char *path)
{
	uint32_t hash = hash_u64(&c->index, id);

	if (find_group(c, id, hash))
		return;
	c->v = array_grow(c->v, c->n, &c->cap, sizeof(*c->v));
	hash_index_add(&c->index, hash, c->n);
	c->v[c->n++] = (struct cgroup_entry){ id, path };
}

/* dir_fd is closed. `path` is the text so far and is restored. */
static void walk(struct cgroups *c, int dir_fd, struct buf *path, unsigned depth)
{
	struct stat st;
	struct dirent *d;
	DIR *dir;

	if (fstat(dir_fd, &st) != 0 || !(dir = fdopendir(dir_fd))) {
		note_error(c, errno);
		close_fd(dir_fd);
		return;
	}
	add_group(c, st.st_ino,
		  path->len ? arena_strndup(&c->arena, path->data, path->len) : "/");
	while (depth < DEEPEST && (errno = 0, d = readdir(dir))) {
		size_t len = path->len;
		int fd;

		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		fd = openat(dirfd(dir), d->d_name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0) {
			note_error(c, errno);
			continue;
		}
		buf_putc(path, '/');
		buf_puts(path, d->d_name);
		walk(c, fd, path, depth + 1);
		path->len = len;
	}
	if (depth < DEEPEST)
		note_error(c, errno);
	closedir(dir);
}

static void load(struct cgroups *c)
{
	_cleanup_buf_ struct buf mount = { 0 }, path = { 0 };
	int fd, r = find_mount(&mount);

	c->loaded = true;
	if (r <= 0) {
		note_error(c, -r);
		return;
	}
	fd = open(buf_cstr(&mount), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		walk(c, fd, &path, 0);
	else
		note_error(c, errno);
}

const char *cgroups_path(struct cgroups *c, uint64_t id)
{
	const char *path;

	if (!c->loaded)
		load(c);
	if (!id)
		return NULL;
	path = find_group(c, id, hash_u64(&c->index, id));
	if (!path)
		c->missed = c->denied;
	return path;
}

void cgroups_free(struct cgroups *c)
{
	arena_free(&c->arena);
	hash_index_free(&c->index);
	free(c->v);
	*c = (struct cgroups){ 0 };
}

/* A directory of the hierarchy; "/" is one of the file system, too. */
static bool is_cgroup(const char *path, struct stat *st)
{
	enum { CGROUP2_MAGIC = 0x63677270 }; /* linux/magic.h */
	struct statfs fs;

	return stat(path, st) == 0 && S_ISDIR(st->st_mode) && statfs(path, &fs) == 0 &&
	       (uint32_t)fs.f_type == CGROUP2_MAGIC;
}

int cgroup_id_of(const char *path, uint64_t *id, struct fault *f)
{
	_cleanup_buf_ struct buf full = { 0 };
	struct stat st;
	char shown[160];

	if (find_mount(&full) > 0) {
		if (path[0] != '/')
			buf_putc(&full, '/');
		buf_puts(&full, path);
	}
	if ((!full.len || !is_cgroup(buf_cstr(&full), &st)) && !is_cgroup(path, &st)) {
		fault_say(f, ENOENT, "there is no control group '%s'",
			  escape_text(shown, sizeof(shown), path, strlen(path)));
		fault_hint(
			f,
			"its path below the mount point of cgroup2, as the column cgroup "
			"has it, such as /system.slice/nginx.service");
		return -ENOENT;
	}
	*id = st.st_ino;
	return 0;
}
