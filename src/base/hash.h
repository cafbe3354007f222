/*
 * Hashes of what strangers choose: addresses, inodes, names. They depend on a key of this
 * process, so that nobody can choose what falls into one place and makes a table a list.
 */
#pragma once

#include "base/util.h"

struct hash_key {
	uint64_t k[2];
};

/* From the random bytes that the kernel gave this process (AT_RANDOM): no system call,
 * and the same each time. */
struct hash_key hash_key_of_process(void);

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len);
uint64_t hash_u64(const struct hash_key *key, uint64_t v);

/*
 * Finds members of an array by hash: numbers of them, in open addressing, half full at
 * most. Zeroed is empty; the array is the caller's, who also knows which are the same.
 */
struct hash_index {
	struct hash_key key; /* set by hash_index_key() */
	struct hash_slot *slots;
	size_t n, size;
	uint64_t steps; /* slots that were looked at so far */
};

/* The key of this table. */
const struct hash_key *hash_index_key(struct hash_index *x);
/* The number of the first member with this hash that is the same, or SIZE_MAX. */
size_t hash_index_find(struct hash_index *x, uint64_t hash,
		       bool (*same)(const void *ctx, size_t at), const void *ctx);
/* at: below UINT32_MAX. */
void hash_index_add(struct hash_index *x, uint64_t hash, size_t at);
void hash_index_free(struct hash_index *x);
