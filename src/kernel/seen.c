#include "kernel/seen.h"

#include <stdlib.h>

#include "base/mem.h"

void seen_free(struct seen *s)
{
	free(s->young);
	free(s->old);
	*s = (struct seen){ 0 };
}

/*
 * The slot that holds cookie, or the free one where it belongs. Cookies are given out in
 * the order of the first dump that asks, so neighbours stay neighbours: 64 to a block,
 * blocks scattered.
 */
static inline uint64_t *slot_of(uint64_t *slots, uint64_t cookie)
{
	uint32_t block = (uint32_t)(((cookie >> 6) * 0x9e3779b97f4a7c15ull) >> 54);
	uint32_t i = (block << 6 | (cookie & 63)) & (SEEN_SLOTS - 1);

	while (slots[i] && slots[i] != cookie)
		i = (i + 1) & (SEEN_SLOTS - 1);
	return &slots[i];
}

bool seen_before(struct seen *s, uint64_t cookie)
{
	uint64_t *slot;

	if (UNLIKELY(!cookie))
		return false;
	if (UNLIKELY(!s->young))
		s->young = xcalloc(SEEN_SLOTS, sizeof(*s->young));
	if (UNLIKELY(s->n == SEEN_GENERATION)) {
		uint64_t *reuse = s->old ? s->old : xmalloc(SEEN_SLOTS * sizeof(*reuse));

		memset(reuse, 0, SEEN_SLOTS * sizeof(*reuse));
		s->old = s->young;
		s->young = reuse;
		s->n = 0;
	}
	slot = slot_of(s->young, cookie);
	if (*slot || (s->old && *slot_of(s->old, cookie)))
		return true;
	*slot = cookie;
	s->n++;
	return false;
}
