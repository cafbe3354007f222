#include "kernel/read/seen.h"

#include <stdlib.h>

#include "base/mem.h"

void seen_free(struct seen *s)
{
	free(s->young.blocks);
	hash_index_free(&s->young.index);
	free(s->old.blocks);
	hash_index_free(&s->old.index);
	*s = (struct seen){ 0 };
}

/* The block of key of this hash; NULL if there is none. */
static struct seen_block *find_block(const struct seen_table *t, uint32_t hash,
				     uint64_t key)
{
	uint32_t step = 0;
	size_t at;

	while ((at = hash_index_next(&t->index, hash, &step)) != SIZE_MAX)
		if (t->blocks[at].key == key)
			return &t->blocks[at];
	return NULL;
}

static struct seen_block *add_block(struct seen_table *t, uint32_t hash, uint64_t key)
{
	t->blocks = array_grow(t->blocks, t->used, &t->cap, sizeof(*t->blocks));
	hash_index_add(&t->index, hash, t->used);
	t->blocks[t->used] = (struct seen_block){ .key = key };
	return &t->blocks[t->used++];
}

/* What was young is old, what was old is forgotten. */
static void age(struct seen *s)
{
	struct seen_table forgotten = s->old;

	s->old = s->young;
	s->young = forgotten;
	s->young.used = 0;
	hash_index_clear(&s->young.index);
	s->rows = 0;
}

void seen_turn_to(struct seen *s, uint64_t key)
{
	const struct seen_block *old;
	uint32_t hash = hash_u64(&s->young.index, key); /* the same in both */

	if (s->rows == SEEN_GENERATION || s->young.used == SEEN_BLOCKS)
		age(s);
	s->key = key;
	s->block = find_block(&s->young, hash, key);
	if (!s->block)
		s->block = add_block(&s->young, hash, key);
	old = find_block(&s->old, hash, key);
	s->old_bits = old ? old->bits : 0;
}
