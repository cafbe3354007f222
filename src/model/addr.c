#include "model/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>

#include "base/digits.h"

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* len: 4 to 16 bytes, read as two words that overlap. */
static inline bool all_zero(const uint8_t *p, size_t len)
{
	uint64_t first = 0, last = 0;
	size_t word = len < 8 ? 4 : 8;

	memcpy(&first, p, word);
	memcpy(&last, p + len - word, word);
	return !(first | last);
}

bool addr_is_v4_mapped(const struct addr *a)
{
	return a->family == AF_INET6 &&
	       memcmp(a->ip, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

struct addr addr_unmapped(const struct addr *a)
{
	struct addr v4 = *a;

	if (!addr_is_v4_mapped(a))
		return v4;
	memset(v4.ip, 0, sizeof(v4.ip));
	memcpy(v4.ip, a->ip + 12, 4);
	v4.family = AF_INET;
	v4.scope = 0;
	return v4;
}

bool addr_is_any(const struct addr *a)
{
	return all_zero(a->ip, a->family == AF_INET ? 4 : 16);
}

bool addr_is_loopback(const struct addr *a)
{
	struct addr u = addr_unmapped(a);

	if (u.family == AF_INET)
		return u.ip[0] == 127;
	return u.family == AF_INET6 && all_zero(u.ip, 15) && u.ip[15] == 1;
}

bool addr_is_link_local(const struct addr *a)
{
	return a->family == AF_INET6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool addr_is_multicast(const struct addr *a)
{
	static const uint8_t everybody[4] = { 255, 255, 255, 255 };

	if (a->family == AF_INET6)
		return a->ip[0] == 0xff;
	return a->family == AF_INET &&
	       ((a->ip[0] & 0xf0) == 0xe0 || memcmp(a->ip, everybody, 4) == 0);
}

bool addr_is_of_link(const struct addr *a)
{
	return a->family == AF_INET6 && (addr_is_link_local(a) || addr_is_multicast(a));
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	int d = (int)a->family - (int)b->family;

	if (!d)
		d = memcmp(a->ip, b->ip, sizeof(a->ip));
	return d ? d : (int)a->port - (int)b->port;
}

bool addr_same_end(const struct addr *a, const struct addr *b)
{
	struct addr x = addr_unmapped(a), y = addr_unmapped(b);

	return addr_compare(&x, &y) == 0;
}

bool addr_in_prefix(const struct addr *a, const struct addr *pattern)
{
	struct addr u = pattern->family == AF_INET ? addr_unmapped(a) : *a;
	unsigned whole = pattern->prefix / 8, rest = pattern->prefix % 8;

	if (u.family != pattern->family)
		return false;
	if (pattern->scope && pattern->scope != (u.scope & ~ADDR_SCOPE_ELSEWHERE))
		return false;
	if (memcmp(u.ip, pattern->ip, whole) != 0)
		return false;
	return !rest ||
	       ((u.ip[whole] ^ pattern->ip[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
}

/* Every octet as text with the dot behind it, and how long that is. */
struct octet {
	char text[4];
	uint32_t len;
};

#define DIGIT(v) (char)('0' + (v))
#define OCTET(n)                                             \
	{                                                    \
		{ (n) >= 100  ? DIGIT((n) / 100)             \
		  : (n) >= 10 ? DIGIT((n) / 10 % 10)         \
			      : DIGIT((n) % 10),             \
		  (n) >= 100  ? DIGIT((n) / 10 % 10)         \
		  : (n) >= 10 ? DIGIT((n) % 10)              \
			      : '.',                         \
		  (n) >= 100 ? DIGIT((n) % 10) : '.', '.' }, \
			(n) >= 100  ? 4                      \
			: (n) >= 10 ? 3                      \
				    : 2                      \
	}
#define OCTETS4(n)  OCTET(n), OCTET((n) + 1), OCTET((n) + 2), OCTET((n) + 3)
#define OCTETS16(n) OCTETS4(n), OCTETS4((n) + 4), OCTETS4((n) + 8), OCTETS4((n) + 12)
#define OCTETS64(n) \
	OCTETS16(n), OCTETS16((n) + 16), OCTETS16((n) + 32), OCTETS16((n) + 48)

static const struct octet octets[256] = { OCTETS64(0), OCTETS64(64), OCTETS64(128),
					  OCTETS64(192) };

/* Writes up to 16 bytes: the last dot is overwritten by what follows. */
static inline char *put_ip4(char *p, const uint8_t *ip)
{
	unsigned i;

#pragma GCC unroll 4
	for (i = 0; i < 4; i++) {
		const struct octet *o = &octets[ip[i]];

		memcpy(p, o->text, 4);
		p += o->len;
	}
	return p - 1;
}

static char *put_group(char *p, unsigned v)
{
	static const char hex[] = "0123456789abcdef";

	if (v >= 0x1000)
		*p++ = hex[v >> 12];
	if (v >= 0x100)
		*p++ = hex[v >> 8 & 15];
	if (v >= 0x10)
		*p++ = hex[v >> 4 & 15];
	*p++ = hex[v & 15];
	return p;
}

/* RFC 5952: lower case, no leading zeros, the first longest run of two or more zero
 * groups as "::". */
static char *put_ip6(char *p, const uint8_t *ip)
{
	unsigned group[8], i, best = 8, best_len = 1, run = 0;

	/* "::" and "::1", which most listeners and local connections have. */
	if (all_zero(ip, 14)) {
		*p++ = ':';
		*p++ = ':';
		return ip[14] || ip[15] ? put_group(p, (unsigned)ip[14] << 8 | ip[15])
					: p;
	}
	for (i = 0; i < 8; i++) {
		group[i] = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
		run = group[i] ? 0 : run + 1;
		if (run > best_len) {
			best_len = run;
			best = i + 1 - run;
		}
	}
	for (i = 0; i < 8; i++) {
		if (i == best) {
			*p++ = ':';
			i += best_len - 1;
			if (i == 7)
				*p++ = ':';
			continue;
		}
		if (i)
			*p++ = ':';
		p = put_group(p, group[i]);
	}
	return p;
}

static void put_scope(struct buf *b, uint32_t scope)
{
	char name[IF_NAMESIZE];

	buf_putc(b, '%');
	if (!(scope & ADDR_SCOPE_ELSEWHERE) && if_indextoname(scope, name))
		buf_put_escaped(b, name, strlen(name));
	else
		buf_put_u64(b, scope & ~ADDR_SCOPE_ELSEWHERE);
}

void addr_put_ip(struct buf *b, const struct addr *a)
{
	char *p;

	buf_reserve(b, ADDR_TEXT_MAX);
	p = b->data + b->len;
	if (a->family == AF_INET) {
		p = put_ip4(p, a->ip);
	} else if (addr_is_v4_mapped(a)) {
		memcpy(p, "::ffff:", 7);
		p = put_ip4(p + 7, a->ip + 12);
	} else {
		p = put_ip6(p, a->ip);
	}
	b->len = (size_t)(p - b->data);
	if (a->scope && addr_is_link_local(a))
		put_scope(b, a->scope);
}

static inline char *write_port(char *p, unsigned port)
{
	unsigned high = port / 100, low = port - high * 100;

	*p++ = ':';
	if (LIKELY(port >= 1000)) {
		if (high >= 100) {
			*p++ = (char)('0' + high / 100);
			high %= 100;
		}
		memcpy(p, digit_pairs + 2 * high, 2);
		memcpy(p + 2, digit_pairs + 2 * low, 2);
		return p + 4;
	}
	if (high)
		*p++ = (char)('0' + high);
	if (port >= 10)
		*p++ = (char)('0' + low / 10);
	*p++ = (char)('0' + low % 10);
	return p;
}

char *addr_write_ip(char *p, const struct addr *a)
{
	if (LIKELY(a->family == AF_INET))
		return put_ip4(p, a->ip);
	if (addr_is_v4_mapped(a))
		return put_ip4(p, a->ip + 12);
	*p++ = '[';
	p = put_ip6(p, a->ip);
	*p++ = ']';
	return p;
}

char *addr_write_port(char *p, unsigned port)
{
	if (LIKELY(port))
		return write_port(p, port);
	*p++ = ':';
	*p++ = '*';
	return p;
}

void addr_put(struct buf *b, const struct addr *a)
{
	char *p;

	if (UNLIKELY(a->scope && addr_is_link_local(a))) {
		buf_putc(b, '[');
		addr_put_ip(b, a);
		buf_putc(b, ']');
		buf_reserve(b, 8);
		b->len = (size_t)(write_port(b->data + b->len, a->port) - b->data);
		return;
	}
	buf_reserve(b, ADDR_WRITE_MAX);
	p = addr_write_ip(b->data + b->len, a);
	b->len = (size_t)(addr_write_port(p, a->port) - b->data);
}

int addr_parse_ip(const char *text, size_t len, bool want_prefix, struct addr *a)
{
	char copy[ADDR_TEXT_MAX + 8];
	char *slash, *percent;
	unsigned most;

	if (len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	*a = (struct addr){ 0 };
	slash = want_prefix ? strchr(copy, '/') : NULL;
	if (slash)
		*slash++ = '\0';
	percent = strchr(copy, '%');
	if (percent)
		*percent++ = '\0';
	if (inet_pton(AF_INET, copy, a->ip) == 1 && !percent)
		a->family = AF_INET;
	else if (inet_pton(AF_INET6, copy, a->ip) == 1)
		a->family = AF_INET6;
	else
		return -EINVAL;
	if (percent) {
		char *end;

		a->scope = if_nametoindex(percent);
		if (!a->scope) {
			unsigned long v = strtoul(percent, &end, 10);

			if (!*percent || *end || v > UINT32_MAX || !v)
				return -ENODEV;
			a->scope = (uint32_t)v;
		}
	}
	most = a->family == AF_INET ? 32 : 128;
	a->prefix = (uint8_t)most;
	if (slash) {
		unsigned bits = 0;

		if (!*slash)
			return -EINVAL;
		for (; *slash; slash++) {
			if (*slash < '0' || *slash > '9')
				return -EINVAL;
			bits = bits * 10 + (unsigned)(*slash - '0');
			if (bits > most)
				return -EINVAL;
		}
		a->prefix = (uint8_t)bits;
	}
	return 0;
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;

	memset(ss, 0, sizeof(*ss));
	if (a->family == AF_INET) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(a->port);
		memcpy(&sin->sin_addr, a->ip, 4);
		return sizeof(*sin);
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(a->port);
	sin6->sin6_scope_id = a->scope;
	memcpy(&sin6->sin6_addr, a->ip, 16);
	return sizeof(*sin6);
}

bool addr_from_sockaddr(struct addr *a, const struct sockaddr *sa, socklen_t len)
{
	*a = (struct addr){ 0 };
	if (len >= sizeof(struct sockaddr_in) && sa->sa_family == AF_INET) {
		const struct sockaddr_in *sin =
			(const struct sockaddr_in *)(const void *)sa;

		a->family = AF_INET;
		a->port = ntohs(sin->sin_port);
		memcpy(a->ip, &sin->sin_addr, 4);
		return true;
	}
	if (len >= sizeof(struct sockaddr_in6) && sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *sin6 =
			(const struct sockaddr_in6 *)(const void *)sa;

		a->family = AF_INET6;
		a->port = ntohs(sin6->sin6_port);
		a->scope = sin6->sin6_scope_id;
		memcpy(a->ip, &sin6->sin6_addr, 16);
		return true;
	}
	return false;
}
