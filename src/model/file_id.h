/*
 * Which file a path is, so that it can be found among the sockets: a row has the device
 * of the file's superblock and the low half of its inode. stat() has another device where
 * a file system gives out its own (overlayfs, btrfs), and one file may have many paths.
 */
#pragma once

#include "model/sock.h"

struct file_id {
	uint32_t dev; /* of the superblock, as the kernel packs it */
	uint32_t inode;
	bool dev_known; /* false: dev is that of stat(), which may be another */
};

enum file_is { FILE_IS_OTHER, FILE_IS_SAME, FILE_IS_UNSURE };

/* Whether the row's socket was bound to this file; unsure too where the row does not say
 * (/proc/net/unix, a record without it). */
enum file_is file_id_is(const struct file_id *id, const struct sock *s);

/* 12 bits of major number, 20 of minor: as the kernel packs a device. */
static inline uint32_t file_id_dev(unsigned major, unsigned minor)
{
	return major << 20 | (minor & 0xfffff);
}
