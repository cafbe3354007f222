/*
 * The cookies of the rows seen lately. A dump that resumes in the middle of a hash chain
 * tells the rows before its place again when others were inserted; they are at most a
 * chain's length apart. Two generations of SEEN_GENERATION rows remember at least that
 * many, in bounded memory; of SEEN_BLOCKS, where neighbours in the dump are none here.
 *
 * The kernel gives cookies out in the order of the first dump that asks, so neighbours
 * stay neighbours: a block holds 64 of them as bits, and most rows find theirs in the
 * block of the row before.
 */
#pragma once

#include "base/hash.h"

enum { SEEN_GENERATION = 32768, SEEN_BLOCKS = 8192 };

struct seen_block {
	uint64_t key; /* cookie / 64 + 1 */
	uint64_t bits;
};

struct seen_table {
	struct seen_block *blocks;
	size_t used, cap;
	struct hash_index index; /* of blocks by key */
};

struct seen {
	struct seen_table young, old;
	uint32_t rows; /* in young */
	/* Of the last row: its key, its block of young, the bits old has for it. */
	uint64_t key, old_bits;
	struct seen_block *block;
};

void seen_free(struct seen *s);

/* Makes key the last row's. */
void seen_turn_to(struct seen *s, uint64_t key);

/* Whether cookie was added before; adds it. Cookie 0 is never seen. */
static inline bool seen_before(struct seen *s, uint64_t cookie)
{
	uint64_t key = cookie / 64 + 1, bit = BIT64(cookie % 64);

	if (UNLIKELY(!cookie))
		return false;
	if (UNLIKELY(key != s->key || s->rows == SEEN_GENERATION))
		seen_turn_to(s, key);
	if (UNLIKELY((s->block->bits | s->old_bits) & bit))
		return true;
	s->block->bits |= bit;
	s->rows++;
	return false;
}
