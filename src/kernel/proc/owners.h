/*
 * Which processes hold which sockets: one pass over the links in /proc/PID/fd, on as many
 * threads as there are processors. readlink() never touches what a link leads to, so a
 * dead file server cannot stop it. Source: proc(5).
 */
#pragma once

#include "base/hash.h"
#include "kernel/proc/visible.h"
#include "model/sock.h"

struct owner_entry;
struct owner_process;

struct owners {
	struct owner_entry *entries; /* one a descriptor */
	size_t n_entries;
	struct hash_index index; /* of these by inode */
	struct owner_process *processes;
	size_t n_processes;
	size_t cap_entries, cap_processes; /* of those that are added, not scanned */
	size_t unreadable; /* processes whose descriptors may not be read */
	size_t unnamed;	   /* whose name may not be read */
	/* errno, if some could not be read, named or listed for another reason, and how
	 * many; 0 = not even their number is known */
	int failed;
	size_t n_failed;
	/* enum owner_status of a socket without a holder, as far as processes are visible
	 * and may be read, and in words what hides some; "" = nothing does */
	uint8_t unseen;
	char unseen_why[VISIBLE_WHY];
	struct holder *scratch;
	size_t scratch_cap;
	bool scanned;
	bool has_threads; /* those of all threads are among them */
};

/*
 * Scans all processes, or only those in pids (n > 0). Keeps the descriptors whose inode
 * is in wanted (NULL = all sockets). threads = 0: as many as processors, at most 4.
 */
void owners_scan(struct owners *o, const struct hash_index *wanted, const int32_t *pids,
		 size_t n_pids, unsigned threads);
/*
 * Looks for those of wanted that have no holder among the descriptors of threads that do
 * not share their leader's, for 50 ms at most; NULL: for all. owners_scan() does that for
 * what it wants.
 */
void owners_search_threads(struct owners *o, const struct hash_index *wanted,
			   const int32_t *pids, size_t n_pids);
/*
 * The same for what has no descriptor: sockets that a ring of io_uring has registered,
 * whose holder has the ring's descriptor, and files in flight in the queue of a unix
 * socket, which make its process a candidate (OWNER_CANDIDATES).
 */
void owners_search_files(struct owners *o, const struct hash_index *wanted);
void owners_free(struct owners *o);

/*
 * The holders of a socket, in the order of pid and fd; NULL if there are none. The list
 * lives until the next call with the same scratch.
 */
const struct holder *owners_find(struct owners *o, uint32_t inode);

/* Why a socket with an inode has no holder that is known: enum owner_status. */
uint8_t owners_why_nobody(const struct owners *o);

/* The next process from *i on whose descriptors were not all read, as a holder without a
 * descriptor. False if there is none. */
bool owners_unreadable(struct owners *o, size_t *i, struct holder *h);
