#include "base/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>

/* include/uapi/linux/openat2.h, which older distributions lack */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

void entry_fresh(char name[ENTRY_FRESH_MAX])
{
	static const char digits[] = "0123456789abcdef";
	static const char prefix[] = ".sockctl-";
	uint64_t bits = 0;
	size_t i, n = sizeof(prefix) - 1;

	/* Before the kernel has gathered entropy the clock and the pid must do. */
	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits)) {
		struct timespec now;

		clock_gettime(CLOCK_MONOTONIC, &now);
		bits = (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec << 20 ^
		       (uint64_t)getpid();
	}
	memcpy(name, prefix, n);
	for (i = 0; i < 16; i++, bits >>= 4)
		name[n++] = digits[bits & 15];
	name[n] = '\0';
}

int entry_move(int from_dir, const char *from, int to_dir, const char *to)
{
	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* This file system knows no such rename; a link is refused where a name is taken,
	 * too. */
	if (linkat(from_dir, from, to_dir, to, 0) != 0 ||
	    unlinkat(from_dir, from, 0) != 0)
		return -errno;
	return 0;
}

static bool is(int dir, const char *name, dev_t dev, ino_t ino)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

int entry_remove(int dir, const char *name, const char *aside, dev_t dev, ino_t ino)
{
	struct stat st;
	int r;

	/* What is surely another's is not touched, not for an instant. */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	if (st.st_dev != dev || st.st_ino != ino)
		return -ESTALE;
	r = entry_move(dir, name, dir, aside);
	if (r < 0)
		return r;
	if (is(dir, aside, dev, ino))
		return unlinkat(dir, aside, 0) == 0 ? 0 : -errno;
	r = entry_move(dir, aside, dir, name);
	return r < 0 ? r : -ESTALE;
}

enum { NO_MAGICLINKS = 0x02, IN_ROOT = 0x10 };

int entry_in_root(int root, const char *path, int flags)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = {
		.flags = (unsigned)(O_PATH | O_CLOEXEC | flags),
		/* A link of /proc would lead out of that root. */
		.resolve = IN_ROOT | NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}
