/*
 * Tables by hash, of what strangers choose: addresses, inodes, names. Hashes depend on a
 * key of this process, so that nobody can choose what falls into one place and makes a
 * table a list.
 */
#pragma once

#include "base/util.h"

struct hash_key {
	uint64_t k[2];
};

/* From the random bytes that the kernel gave this process (AT_RANDOM): no system call,
 * and the same each time. */
struct hash_key hash_key_of_process(void);

struct hash_slot {
	uint32_t hash;
	uint32_t number; /* 1-based; 0 = free */
};

/*
 * Finds members of an array by hash: numbers of them, in open addressing, half full at
 * most. Zeroed is empty; the array is the caller's, who also knows which are the same.
 */
struct hash_index {
	struct hash_key key; /* of the process, from the first hash on */
	struct hash_slot *slots;
	uint32_t n, size;
	uint64_t steps; /* to the places of all that were added */
};

/* One member more, or one less; at: its number in the array, below UINT32_MAX. */
void hash_index_add(struct hash_index *x, uint32_t hash, size_t at);
void hash_index_remove(struct hash_index *x, uint32_t hash, size_t at);
/* Room for n members in all, so that it need not grow on the way. */
void hash_index_reserve(struct hash_index *x, size_t n);
void hash_index_clear(struct hash_index *x); /* keeps its memory */
void hash_index_free(struct hash_index *x);

/* The number of the next member with this hash, of which *step, 0 at first, is the way
 * there; SIZE_MAX behind the last. A few of them are others, by chance. */
static inline size_t hash_index_next(const struct hash_index *x, uint32_t hash,
				     uint32_t *step)
{
	const struct hash_slot *s;

	while (x->size && (s = &x->slots[(hash + (*step)++) & (x->size - 1)])->number)
		if (s->hash == hash)
			return s->number - 1;
	return SIZE_MAX;
}

__extension__ typedef unsigned __int128 hash_wide;

/* Both halves of the product: every bit of one word reaches every bit of the result by
 * way of the other, which is secret. */
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
	hash_wide product = (hash_wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* One product leaves numbers in even steps as heaps, with some keys. */
static inline uint32_t hash_end(const struct hash_key *key, uint64_t h)
{
	return (uint32_t)hash_fold(h, key->k[0]);
}

static inline uint32_t hash_u64_by(const struct hash_key *key, uint64_t v)
{
	return hash_end(key, hash_fold(v ^ key->k[0], key->k[1]));
}

/* 16 bytes more; h: of those before them. */
static inline uint64_t hash_step(const struct hash_key *key, uint64_t h, const void *data)
{
	uint64_t word[2];

	memcpy(word, data, sizeof(word));
	return hash_fold(word[0] ^ key->k[1], word[1] ^ h);
}

uint32_t hash_bytes_by(const struct hash_key *key, const void *data, size_t len);

/* By the key of a table. */
static inline const struct hash_key *hash_index_key(struct hash_index *x)
{
	if (UNLIKELY(!x->key.k[1]))
		x->key = hash_key_of_process();
	return &x->key;
}

static inline uint32_t hash_u64(struct hash_index *x, uint64_t v)
{
	return hash_u64_by(hash_index_key(x), v);
}

static inline uint32_t hash_bytes(struct hash_index *x, const void *data, size_t len)
{
	return hash_bytes_by(hash_index_key(x), data, len);
}

/* An index as a set of numbers, such as inodes, which are members and hashed themselves:
 * no array. 0, which stands for none, is never in it. */
static inline bool hash_set_has_by(const struct hash_index *set, uint32_t hash,
				   uint32_t v)
{
	uint32_t step = 0;
	size_t at;

	while ((at = hash_index_next(set, hash, &step)) != SIZE_MAX)
		if (at + 1 == v)
			return true;
	return false;
}

static inline bool hash_set_has(const struct hash_index *set, uint32_t v)
{
	return hash_set_has_by(set, hash_u64_by(&set->key, v), v);
}

/* Adds v; false if it was there, or is 0. */
bool hash_set_add(struct hash_index *set, uint32_t v);
