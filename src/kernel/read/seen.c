#include "kernel/read/seen.h"

#include <stdlib.h>

#include "base/mem.h"

enum { LEAST_BLOCKS = 1024 };

void seen_free(struct seen *s)
{
	free(s->young.blocks);
	free(s->old.blocks);
	*s = (struct seen){ 0 };
}

/* The block of key, or the free one where it belongs. */
static struct seen_block *find(const struct seen_table *t, uint64_t key)
{
	uint32_t i = (uint32_t)((key * 0x9e3779b97f4a7c15ull) >> 32) & (t->size - 1);

	while (t->blocks[i].key && t->blocks[i].key != key)
		i = (i + 1) & (t->size - 1);
	return &t->blocks[i];
}

static void grow(struct seen_table *t)
{
	struct seen_table larger = { .size = MAX(t->size * 2, (uint32_t)LEAST_BLOCKS),
				     .used = t->used };
	uint32_t i;

	larger.blocks = xcalloc(larger.size, sizeof(*larger.blocks));
	for (i = 0; i < t->size; i++)
		if (t->blocks[i].key)
			*find(&larger, t->blocks[i].key) = t->blocks[i];
	free(t->blocks);
	*t = larger;
}

/* What was young is old, what was old is forgotten. */
static void age(struct seen *s)
{
	struct seen_table forgotten = s->old;

	s->old = s->young;
	s->young = forgotten;
	s->young.used = 0;
	if (forgotten.size)
		memset(forgotten.blocks, 0, forgotten.size * sizeof(*forgotten.blocks));
	s->rows = 0;
}

void seen_turn_to(struct seen *s, uint64_t key)
{
	if (s->rows == SEEN_GENERATION || s->young.used == SEEN_BLOCKS)
		age(s);
	if (s->young.used * 2 >= s->young.size)
		grow(&s->young);
	s->key = key;
	s->block = find(&s->young, key);
	if (!s->block->key) {
		s->block->key = key;
		s->young.used++;
	}
	s->old_bits = s->old.size ? find(&s->old, key)->bits : 0;
}
