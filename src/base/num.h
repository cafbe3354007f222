/*
 * Strict numbers: the whole text is consumed, the range is checked, nothing is guessed.
 * Each parser returns 0, or -EINVAL / -ERANGE with a fault that marks the place.
 */
#pragma once

#include "base/fault.h"

/*
 * The most that the command line may ask for, so that UINT64_MAX can mean "not given",
 * and a sum with the clock cannot wrap.
 */
#define NUM_MOST	     ((uint64_t)INT64_MAX)
#define NUM_DURATION_MOST_US (36525ull * 86400 * 1000000) /* 100 years */

__extension__ typedef unsigned __int128 num_wide;

/* a * b / c, UINT64_MAX where that has no room; c is not 0. */
static inline uint64_t num_scale(uint64_t a, uint64_t b, uint64_t c)
{
	num_wide n = (num_wide)a * b / c;

	return n > UINT64_MAX ? UINT64_MAX : (uint64_t)n;
}

/* Decimal, or hexadecimal with 0x. */
int num_parse_u64(const char *text, uint64_t max, uint64_t *value, struct fault *f);
/* The same, and not less than least. */
int num_parse_range(const char *text, uint64_t least, uint64_t most, uint64_t *value,
		    struct fault *f);

/* "500ms 2s 1.5s 1m 1h 2d 1h30m", a bare number is seconds. Result in microseconds, to
 * the nearest, at most NUM_DURATION_MOST_US; what rounds to 0 is refused. */
int num_parse_duration(const char *text, uint64_t *us, struct fault *f);

/* "512 64k 1.5m 2g": k m g t are powers of 1024; a trailing ib or /s is not accepted
 * here. At most NUM_MOST; what is no whole number of bytes is refused. */
int num_parse_size(const char *text, uint64_t *bytes, struct fault *f);

/* "10/s", "64k/s", "10": a whole number a second, as uint64_t, not 0. The form of
 * OPT_PARSE. */
int num_parse_rate(const char *text, void *rate, struct fault *f);

/* A number 0..65535 or the name of a service (/etc/services). */
int num_parse_port(const char *text, uint16_t *port, struct fault *f);

struct port_range {
	uint16_t lo, hi; /* both included, host byte order */
};

struct port_set {
	struct port_range *v;
	size_t n, cap;
};

/* "80,443,8000-8010,https"; appends to set. */
int num_parse_ports(const char *text, struct port_set *set, struct fault *f);
/* Each port once. Where ranges overlap they are joined, and all are sorted; others keep
 * their order. */
void port_set_once(struct port_set *set);
bool port_set_has(const struct port_set *set, uint16_t port);
void port_set_free(struct port_set *set);
