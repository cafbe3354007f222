#include "base/hash.h"

#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { LEAST_SLOTS = 16 };

struct hash_slot {
	uint64_t hash;
	uint32_t number; /* 1-based; 0 = free */
};

/* Both halves of the product of 128 bits: every bit of one word reaches every bit of the
 * result by way of the other, which is secret. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
	uint64_t low = al * bl, middle = ah * bl + (low >> 32);
	uint64_t other = al * bh + (uint32_t)middle;

	return a * b ^ (ah * bh + (middle >> 32) + (other >> 32));
}

/* libc's guards of the stack are made of the same bytes: they must not show in a hash. */
struct hash_key hash_key_of_process(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM);
	uint64_t r[2] = { (uint64_t)getpid(), clock_ns() };

	if (random)
		memcpy(r, random, sizeof(r));
	return (struct hash_key){
		{ fold(r[0] ^ 0xa0761d6478bd642full, r[1] ^ 0xe7037ed1a0b428dbull),
		  fold(r[1] ^ 0x8ebc6af09c88c6e3ull, r[0] ^ 0x589965cc75374cc3ull) }
	};
}

uint64_t hash_u64(const struct hash_key *key, uint64_t v)
{
	return fold(fold(v ^ key->k[0], key->k[1] | 1),
		    key->k[0] ^ 0x1d8e4e27c47d124full);
}

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len)
{
	const char *p = data;
	uint64_t h = key->k[0] ^ len, word[2];

	for (;; p += sizeof(word), len -= sizeof(word)) {
		word[0] = word[1] = 0;
		memcpy(word, p, MIN(len, sizeof(word)));
		h = fold(word[0] ^ key->k[1], word[1] ^ h ^ 0x9e3779b97f4a7c15ull) ^
		    (h << 1 | h >> 63);
		if (len <= sizeof(word))
			return hash_u64(key, h);
	}
}

const struct hash_key *hash_index_key(struct hash_index *x)
{
	if (!x->key.k[0] && !x->key.k[1])
		x->key = hash_key_of_process();
	return &x->key;
}

static void put(struct hash_index *x, uint64_t hash, uint32_t number)
{
	size_t i = hash & (x->size - 1);

	for (x->steps++; x->slots[i].number; x->steps++)
		i = (i + 1) & (x->size - 1);
	x->slots[i] = (struct hash_slot){ hash, number };
}

static void grow(struct hash_index *x)
{
	struct hash_slot *old = x->slots;
	size_t old_size = x->size, i;

	x->size = MAX(old_size * 2, (size_t)LEAST_SLOTS);
	x->slots = xcalloc(x->size, sizeof(*x->slots));
	for (i = 0; i < old_size; i++)
		if (old[i].number)
			put(x, old[i].hash, old[i].number);
	free(old);
}

size_t hash_index_find(struct hash_index *x, uint64_t hash,
		       bool (*same)(const void *ctx, size_t at), const void *ctx)
{
	size_t i;

	if (!x->n)
		return SIZE_MAX;
	for (i = hash & (x->size - 1); x->slots[i].number; i = (i + 1) & (x->size - 1)) {
		x->steps++;
		if (x->slots[i].hash == hash && same(ctx, x->slots[i].number - 1))
			return x->slots[i].number - 1;
	}
	x->steps++;
	return SIZE_MAX;
}

void hash_index_add(struct hash_index *x, uint64_t hash, size_t at)
{
	if ((x->n + 1) * 2 > x->size)
		grow(x);
	x->n++;
	put(x, hash, (uint32_t)at + 1);
}

void hash_index_free(struct hash_index *x)
{
	free(x->slots);
	*x = (struct hash_index){ 0 };
}
