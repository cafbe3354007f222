#include "base/mem.h"

#include <stdlib.h>

#include "base/leave.h"

struct arena_block {
	struct arena_block *next;
	size_t size;
	_Alignas(16) char data[];
};

enum { ARENA_FIRST = 4096, ARENA_LARGEST = 1 << 20 };

static void *or_abort(void *p)
{
	static const char msg[] = "sockctl: out of memory\n";

	if (!p) {
		leave_now();
		if (write(STDERR_FILENO, msg, sizeof(msg) - 1) < 0)
			abort();
		abort();
	}
	return p;
}

void *xmalloc(size_t size)
{
	return or_abort(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
	return or_abort(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size)
{
	return or_abort(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return or_abort(strdup(s));
}

char *xstrndup(const char *s, size_t len)
{
	char *copy = xmalloc(len + 1);

	if (len)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->head;

	size = (size + 7) & ~(size_t)7;
	if (!b || b->size - a->used < size) {
		size_t want = b ? MIN(b->size * 2, (size_t)ARENA_LARGEST) : ARENA_FIRST;

		want = MAX(want, size);
		b = xmalloc(sizeof(*b) + want);
		b->next = a->head;
		b->size = want;
		a->head = b;
		a->used = 0;
		a->total += want;
	}
	a->used += size;
	return b->data + a->used - size;
}

void *arena_zalloc(struct arena *a, size_t size)
{
	return memset(arena_alloc(a, size), 0, size);
}

void *arena_dup(struct arena *a, const void *p, size_t size)
{
	return size ? memcpy(arena_alloc(a, size), p, size) : arena_alloc(a, 0);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (len)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

void arena_free(struct arena *a)
{
	while (a->head) {
		struct arena_block *next = a->head->next;

		free(a->head);
		a->head = next;
	}
	a->used = 0;
	a->total = 0;
}

void *array_grow(void *base, size_t n, size_t *cap, size_t element_size)
{
	if (n < *cap)
		return base;
	*cap = *cap ? *cap * 2 : 8;
	return xrealloc(base, *cap * element_size);
}

void strv_add(struct strv *sv, const char *s)
{
	sv->v = array_grow(sv->v, sv->n, &sv->cap, sizeof(*sv->v));
	sv->v[sv->n++] = s;
}

void strv_free(struct strv *sv)
{
	free(sv->v);
	*sv = (struct strv){ 0 };
}
