/*
 * Owners that leave the program and come back: what a record of sockets keeps of the
 * processes that were read, and what is made of it elsewhere, where nobody is asked
 * again.
 */
#pragma once

#include "kernel/proc/owners.h"

struct kept_descriptor {
	uint32_t inode;
	int32_t fd;
};

struct kept_process {
	int32_t pid;
	const char *command;
	int err;      /* of reading its descriptors: positive, 0 = all were read */
	int name_err; /* of reading its name */
	const struct kept_descriptor *fds;
	size_t n_fds;
};

/* Each process that holds one of the sockets that were wanted, or that could not be read.
 */
void owners_each(const struct owners *o,
		 void (*fn)(const struct kept_process *p, void *ctx), void *ctx);

/* Begins owners that are not scanned but added. Those of one process may come in several
 * parts, one behind the other. */
void owners_begin_kept(struct owners *o);
void owners_add(struct owners *o, const struct kept_process *p);
