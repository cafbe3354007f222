/* One type for every address a socket can have over IP: 16 bytes, family, port and scope.
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/fault.h"

struct addr {
	uint8_t ip[16]; /* network order; IPv4 uses the first four, the rest is zero */
	uint16_t port;	/* host order; 0 = none, or any */
	uint8_t family; /* AF_INET, AF_INET6; 0 = no address */
	uint8_t prefix; /* for patterns: leading bits that count; unused elsewhere */
	uint32_t scope; /* interface index of a link-local IPv6 address, or 0 */
};

/* In a scope: the interface is one of another host, or of another time. Only its number
 * is known, which is nobody's here. */
#define ADDR_SCOPE_ELSEWHERE BIT(31)

/* Longest text of an address without port: an IPv6 address, '%' and an interface name. */
enum { ADDR_TEXT_MAX = 46 + 1 + 16 };

bool addr_is_any(const struct addr *a);
bool addr_is_loopback(const struct addr *a);   /* 127/8, ::1, and mapped 127/8 */
bool addr_is_link_local(const struct addr *a); /* fe80::/10 */
bool addr_is_multicast(const struct addr *a);  /* or 255.255.255.255 */
/* Of IPv6, link-local or multicast: it means something with its interface only. */
bool addr_is_of_link(const struct addr *a);
bool addr_is_v4_mapped(const struct addr *a); /* ::ffff:a.b.c.d */

/* The IPv4 address inside a v4-mapped one; others are returned as they are. */
struct addr addr_unmapped(const struct addr *a);

/* Same address bytes and family (port and scope aside). */
static inline bool addr_same_ip(const struct addr *a, const struct addr *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a->ip, sizeof(x));
	memcpy(y, b->ip, sizeof(y));
	return x[0] == y[0] && x[1] == y[1] && a->family == b->family;
}

/* Whether both are one address and port: a dual-stack socket has an IPv4 address mapped.
 */
bool addr_same_end(const struct addr *a, const struct addr *b);

/* memcmp-like total order: family, address, port. For sorting. */
int addr_compare(const struct addr *a, const struct addr *b);

/*
 * Whether a is inside pattern/pattern->prefix. An IPv4 pattern matches IPv4 rows and
 * v4-mapped IPv6 rows, and no other IPv6 row; an IPv6 pattern matches IPv6 rows only.
 */
bool addr_in_prefix(const struct addr *a, const struct addr *pattern);

/* "127.0.0.1", "fe80::1%eth0", as RFC 5952 writes it; v4-mapped as ::ffff:1.2.3.4. No
 * port, no brackets. */
void addr_put_ip(struct buf *b, const struct addr *a);

/* "127.0.0.1:80", "[::1]:80", "*" for port 0 of a wildcard peer; v4-mapped shown as plain
 * IPv4. */
void addr_put(struct buf *b, const struct addr *a);

/*
 * Its two halves, "1.2.3.4" or "[::1]", and ":80", at p, which has room for
 * ADDR_WRITE_MAX bytes; returns the end. Not for link-local addresses with a scope, whose
 * interface names are foreign text.
 */
enum { ADDR_WRITE_MAX = 64 };
char *addr_write_ip(char *p, const struct addr *a);
char *addr_write_port(char *p, unsigned port);

/* "1.2.3.4", "::1", "fe80::1%eth0" and, with want_prefix, "/len". Numeric only. 0 or
 * -EINVAL. */
int addr_parse_ip(const char *text, size_t len, bool want_prefix, struct addr *a);

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ss);
bool addr_from_sockaddr(struct addr *a, const struct sockaddr *sa, socklen_t len);
