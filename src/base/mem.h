/* Memory: allocation that cannot fail (it aborts), and an arena that is freed as one. */
#pragma once

#include "base/util.h"

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);

/* Bump allocator: everything in it lives until arena_free(). Zero-initialise before use.
 */
struct arena {
	struct arena_block *head;
	size_t used;  /* bytes handed out of the head block */
	size_t total; /* bytes of all blocks, for memory accounting */
};

/* Uninitialised, aligned to 8 bytes. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_zalloc(struct arena *a, size_t size);
void *arena_dup(struct arena *a, const void *p, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
void arena_free(struct arena *a);

#define _cleanup_arena_ __attribute__((cleanup(arena_free)))

/* A growing array of pointers to strings it does not own. Zero-initialise before use. */
struct strv {
	const char **v;
	size_t n, cap;
};

void strv_add(struct strv *sv, const char *s);
void strv_free(struct strv *sv);

#define _cleanup_strv_ __attribute__((cleanup(strv_free)))

/* Makes room for one more element in a malloc'ed array that doubles; returns the new
 * base. */
void *array_grow(void *base, size_t n, size_t *cap, size_t element_size);
