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
	bool followed, refused; /* one of its links was; with the right to follow it */
};

/* Whether a right is missing; and, of two errors of a process, the one that tells more.
 */
bool owners_is_refusal(int err);
void owners_keep_error(int *kept, int err);

/* Reads the name of a process, if that has not been done. */
void owners_read_command(int proc_fd, struct owner_process *p);

/* A search for those that have no holder, beyond the descriptors of processes. */
struct owner_search {
	struct owners *o;
	const struct hash_index *wanted; /* NULL = all */
	struct hash_index known;	 /* those that have a holder */
	int proc_fd;
	uint64_t until_us; /* of work of this thread */
	bool late;
};

/* False, with nothing to end, if every one that is wanted has a holder. */
bool owner_search_begin(struct owner_search *s, struct owners *o,
			const struct hash_index *wanted);
bool owner_search_wants(const struct owner_search *s, uint32_t inode);
void owner_search_add(struct owner_search *s, int32_t pid, int32_t fd, uint32_t inode);
/* Whether its time is over. */
bool owner_search_late(struct owner_search *s);
/* late: what was not all searched then. */
void owner_search_end(struct owner_search *s, const char *late);
