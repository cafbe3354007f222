/* What is at a path, and which file that is to the kernel's tables. */
#pragma once

#include "model/file_id.h"

struct file_at {
	struct file_id id;
	uint32_t mode, uid, gid; /* as stat() has them */
	bool is_mount;		 /* something is mounted on just this path */
	bool mounts_deleted;	 /* and what is mounted has been deleted since */
};

/*
 * Of a descriptor (O_PATH will do). mountinfo: of a process that sees its mount,
 * "/proc/self/mountinfo" or "/proc/PID/mountinfo". 0 or -errno; where the list of mounts
 * tells nothing, id.dev_known is false.
 */
int file_at_fd(int fd, const char *mountinfo, struct file_at *at);

/* The same of a path; follow: where it is a link, of what it leads to. */
int file_at_path(const char *path, bool follow, struct file_at *at);
