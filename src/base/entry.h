/*
 * Entries of directories: a name that nobody has yet, and the removal of one inode, not
 * of whatever has its name by then. System calls only, so that a signal handler may do
 * it.
 */
#pragma once

#include <sys/stat.h>

#include "base/util.h"

/* ".sockctl-" and 16 hexadecimal digits: short, whatever name the file gets in the end.
 */
enum { ENTRY_FRESH_MAX = 32 };

/* Fills name with one that is most likely new; the caller must still ask for it to be. */
void entry_fresh(char name[ENTRY_FRESH_MAX]);

/* Renames where nothing has the new name. 0 or -errno; -EEXIST: something has it. */
int entry_move(int from_dir, const char *from, int to_dir, const char *to);

/*
 * Removes name from dir if it is this inode: it is renamed aside to `aside` in the same
 * directory, looked at and put back if it is another after all. The caller keeps the
 * inode open, or its number may belong to another file. 0, -ENOENT (nothing is there),
 * -ESTALE (another has the name, and keeps it), -EEXIST (another had it, a third took it
 * meanwhile: the other is left at `aside`) or -errno.
 */
int entry_remove(int dir, const char *name, const char *aside, dev_t dev, ino_t ino);

/*
 * A descriptor (O_PATH) of what a path leads to where `root` is the root directory: its
 * absolute links, too, lead to places below. flags: O_NOFOLLOW, O_DIRECTORY. -errno;
 * -ENOSYS before Linux 5.6.
 */
int entry_in_root(int root, const char *path, int flags);
