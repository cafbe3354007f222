#include "base/mem.h"

#include "unit/unit.h"

static void arena_keeps(void)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *texts[2000];
	char want[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		snprintf(want, sizeof(want), "text number %zu", i);
		texts[i] = arena_strdup(&a, want);
	}
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		snprintf(want, sizeof(want), "text number %zu", i);
		CHECK_STR(texts[i], want);
	}
	CHECK(a.total >= ARRAY_SIZE(texts) * 16);
}

static void arena_aligns(void)
{
	_cleanup_arena_ struct arena a = { 0 };
	size_t size;

	for (size = 0; size < 100; size++) {
		char *p = arena_zalloc(&a, size);
		size_t i;

		CHECK_INT((uintptr_t)p % 8, 0);
		for (i = 0; i < size; i++)
			CHECK_INT(p[i], 0);
		memset(p, 0xff, size);
	}
}

static void arena_takes_large(void)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *large = arena_alloc(&a, 5 << 20), *small = arena_strndup(&a, "abcdef", 3);

	memset(large, 'x', 5 << 20);
	CHECK_STR(small, "abc");
	CHECK_STR(arena_dup(&a, "hey", 4), "hey");
	CHECK(a.total >= 5 << 20);
	arena_free(&a);
	CHECK_INT(a.total, 0);
	CHECK_STR(arena_strdup(&a, "again"), "again");
}

static void string_lists(void)
{
	_cleanup_strv_ struct strv sv = { 0 };
	size_t i;

	for (i = 0; i < 100; i++)
		strv_add(&sv, i % 2 ? "odd" : "even");
	CHECK_INT(sv.n, 100);
	CHECK_STR(sv.v[98], "even");
	CHECK_STR(sv.v[99], "odd");
}

int main(void)
{
	RUN(arena_keeps, "what an arena handed out stays");
	RUN(arena_aligns, "every piece is aligned and zeroed when asked");
	RUN(arena_takes_large,
	    "a piece may be larger than a block; a freed arena starts anew");
	RUN(string_lists, "a list of strings grows");
	return unit_done();
}
