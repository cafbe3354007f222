/* The duplicate filter: exact for neighbours, bounded for any cookies. */
#include "kernel/read/seen.h"
#include "base/util.h"
#include "unit/unit.h"

enum { ROWS = 1 << 20 };

/* A permutation of 64-bit numbers: no two rows have the same cookie. */
static uint64_t scattered(uint64_t i)
{
	i = (i + 1) * 0x9e3779b97f4a7c15ull;
	i ^= i >> 29;
	return i * 0xbf58476d1ce4e5b9ull;
}

static uint64_t dense(uint64_t i)
{
	return i + 1;
}

static size_t memory(const struct seen *s)
{
	return (s->young.cap + s->old.cap) * sizeof(struct seen_block) +
	       ((size_t)s->young.index.size + s->old.index.size) *
		       sizeof(struct hash_slot);
}

/* Tells a million cookies, each again `apart` rows later; counts what is wrong. */
static unsigned tell_twice(uint64_t (*cookie)(uint64_t), uint64_t apart, size_t *most)
{
	struct seen s = { 0 };
	unsigned wrong = 0;
	uint64_t i;

	*most = 0;
	for (i = 0; i < ROWS; i++) {
		wrong += seen_before(&s, cookie(i));
		if (i >= apart)
			wrong += !seen_before(&s, cookie(i - apart));
		*most = MAX(*most, memory(&s));
	}
	seen_free(&s);
	return wrong;
}

static void finds_again(void)
{
	struct seen s = { 0 };

	CHECK(!seen_before(&s, 0) && !seen_before(&s, 0));
	CHECK(!seen_before(&s, 7) && seen_before(&s, 7) && !seen_before(&s, 8));
	seen_free(&s);
}

static void neighbours(void)
{
	size_t most;

	CHECK_INT(tell_twice(dense, 1, &most), 0);
	CHECK_INT(tell_twice(dense, SEEN_GENERATION / 2, &most), 0);
	CHECK(most <= 128 << 10);
}

/* A cookie that is told again takes a block of the younger generation, too. */
static void wide_scatter(void)
{
	size_t most;

	CHECK_INT(tell_twice(scattered, 1, &most), 0);
	CHECK_INT(tell_twice(scattered, SEEN_BLOCKS / 3, &most), 0);
	CHECK(most <= 512 << 10);
}

int main(void)
{
	RUN(finds_again, "a cookie is seen the second time; none is never seen");
	RUN(neighbours, "neighbours are remembered over half a generation, in 128 KiB");
	RUN(wide_scatter,
	    "scattered cookies are remembered over thousands of rows, in 512 KiB");
	return unit_done();
}
