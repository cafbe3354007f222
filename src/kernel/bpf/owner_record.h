/* What owners.bpf.c tells user space: one descriptor that refers to a socket. */
#pragma once

#include <linux/types.h>

struct owner_record {
	__u32 inode;
	__s32 pid; /* as the reader's pid namespace numbers it */
	__s32 fd;
	char command[16]; /* as /proc/PID/comm, ends with NUL */
};
