#include "base/num.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/mem.h"

const char digit_pairs[201] = "00010203040506070809"
			      "10111213141516171819"
			      "20212223242526272829"
			      "30313233343536373839"
			      "40414243444546474849"
			      "50515253545556575859"
			      "60616263646566676869"
			      "70717273747576777879"
			      "80818283848586878889"
			      "90919293949596979899";

static int digit_value(char c, unsigned base)
{
	int v;

	if (c >= '0' && c <= '9')
		v = c - '0';
	else if (c >= 'a' && c <= 'f')
		v = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		v = c - 'A' + 10;
	else
		return -1;
	return (unsigned)v < base ? v : -1;
}

/* Reads digits at *p; false on overflow. Leaves *p at the first byte that is no digit. */
static bool scan_digits(const char **p, unsigned base, uint64_t *value)
{
	uint64_t v = 0;
	int d;

	for (; (d = digit_value(**p, base)) >= 0; ++*p)
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return false;
	*value = v;
	return true;
}

int num_parse_u64(const char *text, uint64_t max, uint64_t *value, struct fault *f)
{
	unsigned base = has_prefix(text, "0x") ? 16 : 10;
	const char *start = base == 16 ? text + 2 : text, *p = start;
	uint64_t v = 0;
	int r;

	if (!scan_digits(&p, base, &v) || (*p == '\0' && p != start && v > max))
		r = fault_say(f, ERANGE, "'%s' is too large, the most is %llu", text,
			      (unsigned long long)max);
	else if (p == start || *p)
		r = fault_say(f, EINVAL, "'%s' is not a whole number", text);
	else {
		*value = v;
		return 0;
	}
	fault_mark(f, text, (size_t)(p - text));
	return r;
}

int num_parse_range(const char *text, uint64_t least, uint64_t most, uint64_t *value,
		    struct fault *f)
{
	uint64_t v = 0;
	int r = num_parse_u64(text, most, &v, f);

	if (r < 0)
		return r;
	if (v < least) {
		r = fault_say(f, ERANGE, "'%s' is too small, the least is %llu", text,
			      (unsigned long long)least);
		fault_mark(f, text, 0);
		return r;
	}
	*value = v;
	return 0;
}

struct scale {
	const char *suffix;
	uint64_t factor;
};

/* What was read, in the smallest unit. */
struct scaled {
	uint64_t value;	 /* rounded to the nearest */
	bool rounded;	 /* it was not whole */
	bool has_suffix; /* a unit was named */
};

enum { PLACES = 9 }; /* after the point; what is beyond them only rounds */

/* Digits after the point, as a fraction of 10^PLACES; true in *more if others follow. */
static uint64_t scan_fraction(const char **p, bool *more)
{
	uint64_t fraction = 0;
	unsigned n = 0;

	for (*more = false; **p >= '0' && **p <= '9'; ++*p) {
		if (n < PLACES) {
			fraction = fraction * 10 + (uint64_t)(**p - '0');
			n++;
		} else {
			*more |= **p != '0';
		}
	}
	for (; n < PLACES; n++)
		fraction *= 10;
	return fraction;
}

/* The factor of the letters at *p, bare_factor where there are none; 0 = no such unit. */
static uint64_t scan_suffix(const char **p, const struct scale *scales, size_t n_scales,
			    uint64_t bare_factor, bool *found)
{
	const char *word = *p;
	size_t i, len;

	while ((**p >= 'a' && **p <= 'z') || (**p >= 'A' && **p <= 'Z'))
		++*p;
	len = (size_t)(*p - word);
	*found = len > 0;
	if (!len)
		return bare_factor;
	for (i = 0; i < n_scales; i++)
		if (strlen(scales[i].suffix) == len &&
		    strncasecmp(scales[i].suffix, word, len) == 0)
			return scales[i].factor;
	*p = word;
	return 0;
}

/* A decimal number times the factor of its suffix. */
static int scan_scaled(const char **p, const struct scale *scales, size_t n_scales,
		       uint64_t bare_factor, struct scaled *out)
{
	static const uint64_t unit = 1000000000; /* 10^PLACES */
	const char *s = *p, *start = s;
	uint64_t whole = 0, fraction = 0, factor;
	bool more = false;
	num_wide part;

	if (!scan_digits(&s, 10, &whole))
		return -ERANGE;
	if (*s == '.' && s[1] >= '0' && s[1] <= '9') {
		s++;
		fraction = scan_fraction(&s, &more);
	} else if (s == start) {
		return -EINVAL;
	}
	*p = s;
	factor = scan_suffix(p, scales, n_scales, bare_factor, &out->has_suffix);
	if (!factor)
		return -EINVAL;
	part = (num_wide)fraction * factor;
	out->rounded = more || part % unit;
	if (__builtin_mul_overflow(whole, factor, &out->value) ||
	    __builtin_add_overflow(out->value, (uint64_t)((part + unit / 2) / unit),
				   &out->value))
		return -ERANGE;
	return 0;
}

/* One part after the other; a bare number is seconds, and all there is. */
static int scan_duration(const char **p, uint64_t *us)
{
	static const struct scale units[] = {
		{ "us", 1 },
		{ "ms", 1000 },
		{ "s", 1000000 },
		{ "sec", 1000000 },
		{ "m", 60 * 1000000ull },
		{ "min", 60 * 1000000ull },
		{ "h", 3600 * 1000000ull },
		{ "d", 86400 * 1000000ull },
	};
	const char *start = *p;
	struct scaled part;

	*us = 0;
	do {
		const char *from = *p;
		int r = scan_scaled(p, units, ARRAY_SIZE(units), 1000000, &part);

		if (r < 0)
			return r;
		if (!part.has_suffix && (from != start || **p)) {
			*p = from;
			return -EINVAL;
		}
		/* What is not nothing does not become nothing. */
		if (part.rounded && !part.value)
			return -EDOM;
		if (__builtin_add_overflow(*us, part.value, us) ||
		    *us > NUM_DURATION_MOST_US)
			return -ERANGE;
	} while (**p);
	return 0;
}

int num_parse_duration(const char *text, uint64_t *us, struct fault *f)
{
	const char *p = text;
	uint64_t total;
	int r = scan_duration(&p, &total);

	switch (r) {
	case 0:
		*us = total;
		return 0;
	case -ERANGE:
		fault_say(f, ERANGE, "'%s' is too long a time, the most is 100 years",
			  text);
		break;
	case -EDOM:
		r = fault_say(f, ERANGE, "'%s' is less than a microsecond", text);
		break;
	default:
		fault_say(f, EINVAL, "'%s' is not a duration", text);
		break;
	}
	fault_hint(
		f,
		"durations look like 500ms, 2s, 1.5m, 1h30m; a bare number is seconds");
	fault_mark(f, text, (size_t)(p - text));
	return r;
}

int num_parse_size(const char *text, uint64_t *bytes, struct fault *f)
{
	static const struct scale units[] = {
		{ "b", 1 },
		{ "k", 1024 },
		{ "m", 1024 * 1024 },
		{ "g", 1024 * 1024 * 1024 },
		{ "t", 1024ull * 1024 * 1024 * 1024 },
	};
	const char *p = text;
	struct scaled n = { 0 };
	int r = scan_scaled(&p, units, ARRAY_SIZE(units), 1, &n);

	if (r == 0 && *p)
		r = -EINVAL;
	else if (r == 0 && n.value > NUM_MOST)
		r = -ERANGE;
	if (r == -ERANGE)
		fault_say(f, ERANGE, "'%s' is too large", text);
	else if (r == 0 && n.rounded)
		r = fault_say(f, EINVAL, "'%s' is not a whole number of bytes", text);
	else if (r < 0)
		r = fault_say(f, EINVAL, "'%s' is not a size", text);
	if (r == 0) {
		*bytes = n.value;
		return 0;
	}
	fault_hint(f, "sizes look like 512, 64k, 10m, 2g (powers of 1024)");
	fault_mark(f, text, (size_t)(p - text));
	return r;
}

int num_parse_rate(const char *text, void *rate, struct fault *f)
{
	struct fault own = FAULT_INIT;
	size_t len = strlen(text);
	_cleanup_free_ char *number = NULL;
	uint64_t n = 0;
	int r;

	if (len > 2 && streq(text + len - 2, "/s"))
		len -= 2;
	number = xstrndup(text, len);
	r = num_parse_size(number, &n, &own);
	if (r == 0 && n) {
		*(uint64_t *)rate = n;
		return 0;
	}
	if (r == -ERANGE)
		fault_say(f, ERANGE, "'%s' is too large a rate", text);
	else if (r == 0)
		r = fault_say(f, ERANGE, "'%s' is a rate that would never end", text);
	else
		fault_say(f, EINVAL, "'%s' is not a rate", text);
	fault_hint(f, "rates look like 10/s, 64k/s, 5: a whole number a second");
	fault_mark(f, text, (size_t)MAX(own.mark, 0));
	return r;
}

int num_parse_port(const char *text, uint16_t *port, struct fault *f)
{
	const char *p = text;
	uint64_t v = 0;
	int r;

	if (*p >= '0' && *p <= '9') {
		bool fits = scan_digits(&p, 10, &v);

		p += strspn(p, "0123456789");
		if (fits && !*p && v <= 65535) {
			*port = (uint16_t)v;
			return 0;
		}
		if (*p) {
			r = fault_say(f, EINVAL, "'%s' is not a port", text);
		} else {
			r = fault_say(f, ERANGE, "port %s is larger than 65535", text);
			p = text;
		}
	} else {
		struct servent *se = *text ? getservbyname(text, NULL) : NULL;

		if (se) {
			*port = (uint16_t)(((se->s_port & 0xff) << 8) |
					   ((se->s_port >> 8) & 0xff));
			return 0;
		}
		r = *text ? fault_say(
				    f, EINVAL,
				    "'%s' is not a port, nor a service in /etc/services",
				    text)
			  : fault_say(f, EINVAL, "a port is missing");
		p = text;
	}
	fault_mark(f, text, (size_t)(p - text));
	return r;
}

/* Parses text[from..to) as a port; marks the place in the whole text. */
static int parse_port_part(const char *text, size_t from, size_t to, uint16_t *port,
			   struct fault *f)
{
	_cleanup_free_ char *part = xstrndup(text + from, to - from);
	int r = num_parse_port(part, port, f);

	if (r < 0)
		fault_mark(f, text, from + (f && f->mark > 0 ? (size_t)f->mark : 0));
	return r;
}

int num_parse_ports(const char *text, struct port_set *set, struct fault *f)
{
	size_t from = 0;

	for (;;) {
		size_t to = from + strcspn(text + from, ",");
		size_t dash = from;
		struct port_range range;
		int r;

		/* A range has digits on both sides; service names may hold a dash of
		 * their own. */
		while (dash < to && text[dash] >= '0' && text[dash] <= '9')
			dash++;
		if (dash > from && dash < to && text[dash] == '-') {
			r = parse_port_part(text, from, dash, &range.lo, f);
			if (r == 0)
				r = parse_port_part(text, dash + 1, to, &range.hi, f);
			if (r == 0 && range.lo > range.hi) {
				r = fault_say(f, EINVAL,
					      "the range '%.*s' ends before it starts",
					      (int)(to - from), text + from);
				fault_mark(f, text, from);
			}
		} else {
			r = parse_port_part(text, from, to, &range.lo, f);
			range.hi = range.lo;
		}
		if (r < 0)
			return r;
		set->v = array_grow(set->v, set->n, &set->cap, sizeof(*set->v));
		set->v[set->n++] = range;
		if (!text[to])
			return 0;
		from = to + 1;
	}
}

static int by_lo(const void *a, const void *b)
{
	const struct port_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/* Sorted, the ranges that overlap are neighbours. */
static size_t join(struct port_range *v, size_t n)
{
	size_t i, last = 0;

	for (i = 1; i < n; i++)
		if (v[i].lo <= v[last].hi)
			v[last].hi = MAX(v[last].hi, v[i].hi);
		else
			v[++last] = v[i];
	return last + 1;
}

void port_set_once(struct port_set *set)
{
	struct port_range *sorted;
	size_t n;

	if (set->n < 2)
		return;
	sorted = xmalloc(set->n * sizeof(*sorted));
	memcpy(sorted, set->v, set->n * sizeof(*sorted));
	qsort(sorted, set->n, sizeof(*sorted), by_lo);
	n = join(sorted, set->n);
	if (n < set->n) {
		memcpy(set->v, sorted, n * sizeof(*sorted));
		set->n = n;
	}
	free(sorted);
}

bool port_set_has(const struct port_set *set, uint16_t port)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (port >= set->v[i].lo && port <= set->v[i].hi)
			return true;
	return false;
}

void port_set_free(struct port_set *set)
{
	free(set->v);
	*set = (struct port_set){ 0 };
}
