/* Small things that C lacks. Everything here is a macro or a one-line inline function. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	       (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	       ((a) < (b) ? (a) : (b))
#define MAX(a, b)	       ((a) > (b) ? (a) : (b))
#define BIT(n)		       (1u << (n))
#define BIT64(n)	       ((uint64_t)1 << (n))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define LIKELY(x)	       __builtin_expect(!!(x), 1)
#define UNLIKELY(x)	       __builtin_expect(!!(x), 0)

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static inline bool has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static inline bool has_suffix(const char *s, const char *suffix)
{
	size_t len = strlen(s), n = strlen(suffix);

	return len >= n && strcmp(s + len - n, suffix) == 0;
}

/* The fd, and -1 left behind: the caller owns it now. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void *take_ptr(void *pointer_to_pointer)
{
	void **p = pointer_to_pointer, *taken = *p;

	*p = NULL;
	return taken;
}

/* Closes fd unless it is negative; errno stays as it was. */
void close_fd(int fd);
void cleanup_close(int *fd);
void cleanup_free(void *pointer_to_pointer);

#define _cleanup_close_ __attribute__((cleanup(cleanup_close)))
#define _cleanup_free_	__attribute__((cleanup(cleanup_free)))

/* On which this process may run. */
unsigned processors(void);
