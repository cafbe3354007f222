#include "base/hash.h"

#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { LEAST_SLOTS = 256 };

/* libc's guards of the stack are made of the same bytes: they must not show in a hash. */
struct hash_key hash_key_of_process(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM);
	uint64_t r[2];

	if (random) {
		memcpy(r, random, sizeof(r));
	} else {
		r[0] = (uint64_t)getpid();
		r[1] = clock_ns();
	}
	return (struct hash_key){
		{ hash_fold(r[0] ^ 0xa0761d6478bd642full, r[1] ^ 0xe7037ed1a0b428dbull) |
			  1,
		  hash_fold(r[1] ^ 0x8ebc6af09c88c6e3ull, r[0] ^ 0x589965cc75374cc3ull) |
			  1 }
	};
}

uint32_t hash_bytes_by(const struct hash_key *key, const void *data, size_t len)
{
	const char *p = data;
	char last[16] = { 0 };
	uint64_t h = key->k[0] ^ len;

	for (; len > sizeof(last); p += sizeof(last), len -= sizeof(last))
		h = hash_step(key, h, p);
	if (len)
		memcpy(last, p, len);
	return hash_end(key, hash_step(key, h, last));
}

static void place_slot(struct hash_index *x, struct hash_slot slot)
{
	uint32_t i = slot.hash;

	while (x->slots[i & (x->size - 1)].number)
		i++;
	x->steps += i - slot.hash + 1;
	x->slots[i & (x->size - 1)] = slot;
}

void hash_index_reserve(struct hash_index *x, size_t n)
{
	struct hash_index old = *x;
	size_t size = MAX(x->size, (uint32_t)LEAST_SLOTS), i;

	while (size < n * 2)
		size *= 2;
	if (size == old.size)
		return;
	x->size = (uint32_t)size;
	x->slots = xcalloc(size, sizeof(*x->slots));
	for (i = 0; i < old.size; i++)
		if (old.slots[i].number)
			place_slot(x, old.slots[i]);
	free(old.slots);
}

void hash_index_add(struct hash_index *x, uint32_t hash, size_t at)
{
	if (++x->n * 2 > x->size)
		hash_index_reserve(x, x->n);
	place_slot(x, (struct hash_slot){ hash, (uint32_t)at + 1 });
}

/* Those behind it move up, so that none is cut off from its place: Knuth, The Art of
 * Computer Programming, 6.4, algorithm R. */
void hash_index_remove(struct hash_index *x, uint32_t hash, size_t at)
{
	uint32_t mask = x->size - 1, gap = hash & mask, i;

	while (x->slots[gap].number != (uint32_t)at + 1)
		gap = (gap + 1) & mask;
	for (i = (gap + 1) & mask; x->slots[i].number; i = (i + 1) & mask)
		if (((i - x->slots[i].hash) & mask) >= ((i - gap) & mask)) {
			x->slots[gap] = x->slots[i];
			gap = i;
		}
	x->slots[gap].number = 0;
	x->n--;
}

void hash_index_clear(struct hash_index *x)
{
	if (x->n)
		memset(x->slots, 0, x->size * sizeof(*x->slots));
	x->n = 0;
}

void hash_index_free(struct hash_index *x)
{
	free(x->slots);
	*x = (struct hash_index){ 0 };
}

bool hash_set_add(struct hash_index *set, uint32_t v)
{
	uint32_t hash = hash_u64(set, v);

	if (!v || hash_set_has_by(set, hash, v))
		return false;
	hash_index_add(set, hash, v - 1);
	return true;
}
