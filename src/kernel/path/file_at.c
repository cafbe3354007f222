#include "kernel/path/file_at.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/whole.h"
#include "kernel/proc/procfile.h"
#include "model/proctext.h"

struct mount_look {
	uint64_t id;
	struct file_at *at;
};

static int take_mount(char *line, void *ctx)
{
	struct mount_look *look = ctx;
	struct proctext_mount m;

	if (!proctext_mount(line, &m) || m.id != look->id)
		return 0;
	look->at->id.dev = file_id_dev(m.major, m.minor);
	look->at->id.dev_known = true;
	/* A directory that was deleted has no paths below that could be opened. */
	look->at->mounts_deleted = has_suffix(m.root, "//deleted");
	look->at->is_mount |= look->at->mounts_deleted;
	return 1;
}

/* statx() says the same since Linux 5.8, fdinfo since 3.15. */
static bool read_mount_id(int fd, uint64_t *id)
{
	_cleanup_free_ char *text = NULL;
	char path[40];

	snprintf(path, sizeof(path), "/proc/thread-self/fdinfo/%d", fd);
	text = procfile_read(path);
	return text && proctext_line(text, "mnt_id:", id);
}

/* What is mounted on the path itself: STATX_ATTR_MOUNT_ROOT, since Linux 5.8. */
static bool is_mount_root(int fd)
{
	enum { MOUNT_ROOT = 0x2000 };
	struct statx x;

	return statx(fd, "", AT_EMPTY_PATH, 0, &x) == 0 &&
	       (x.stx_attributes & x.stx_attributes_mask & MOUNT_ROOT);
}

int file_at_fd(int fd, const char *mountinfo, struct file_at *at)
{
	struct mount_look look = { .at = at };
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	*at = (struct file_at){
		.id = { .dev = file_id_dev(major(st.st_dev), minor(st.st_dev)),
			.inode = (uint32_t)st.st_ino },
		.mode = st.st_mode,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.is_mount = is_mount_root(fd),
	};
	if (read_mount_id(fd, &look.id))
		lines_each(mountinfo, take_mount, &look);
	return 0;
}

int file_at_path(const char *path, bool follow, struct file_at *at)
{
	_cleanup_close_ int fd = open(path,
				      O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));

	return fd < 0 ? -errno : file_at_fd(fd, "/proc/thread-self/mountinfo", at);
}
