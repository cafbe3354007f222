/* What the parts of the search for owners share. */
#pragma once

#include "kernel/proc/owners.h"

struct owner_entry {
	uint32_t inode;
	uint32_t process;
	int32_t fd;
};

struct owner_process {
	int32_t pid;
	char command[16];
	int err;      /* of reading its descriptors: positive, 0 = all were read */
	int name_err; /* of reading its name; "?" stands for it then */
};

/* Whether a right is missing; and, of two errors of a process, the one that tells more.
 */
bool owners_is_refusal(int err);
void owners_keep_error(int *kept, int err);

/* Reads the name of a process, if that has not been done. */
void owners_read_command(int proc_fd, struct owner_process *p);
