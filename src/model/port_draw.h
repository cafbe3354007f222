/*
 * The local ports that the kernel draws for connect(), and how many of them are used
 * towards a destination: one and the same port serves each pair of a source and a
 * destination once.
 */
#pragma once

#include "model/sock.h"

enum { PORT_COUNT = 65536 };

struct port_draw {
	uint16_t lo, hi;	  /* net.ipv4.ip_local_port_range */
	const bool *reserved;	  /* by port, ip_local_reserved_ports; NULL = none */
	const uint8_t *listeners; /* by port: a socket listens on it; NULL = none */
};

/* Sockets of UDP that cannot have a port that another has: each has its own, whatever its
 * destination. */
enum { UDP_PORT_V4 = 1, UDP_PORT_V6 = 2 };

/* For which the port of a UDP socket is taken. A socket of IPv6 takes IPv4, too, and so
 * meets all. */
unsigned udp_port_taken(const struct sock *s);

static inline bool port_is_drawn(const struct port_draw *d, uint16_t port)
{
	return port >= d->lo && port <= d->hi && !(d->reserved && d->reserved[port]) &&
	       !(d->listeners && d->listeners[port]);
}

/* How many ports of the range are not reserved, and how many of these listeners have: the
 * rest can be drawn. */
void port_draw_count(const struct port_draw *d, uint64_t *ports, uint64_t *listeners);

/* What is used towards one destination, by source. */
struct port_use {
	struct addr from; /* address alone */
	size_t used, time_wait;
};

struct port_uses {
	struct port_draw draw;
	struct addr to, from; /* from: family 0, or a wildcard = every source */
	struct port_use *v;
	size_t n, cap;
};

/* Counts a row, if it is a connection to u->to from a port that may have been drawn. */
void port_uses_add(struct port_uses *u, const struct sock *s);
/* Of the source that has used most of them: what connect() lacks first. */
struct port_use port_uses_most(const struct port_uses *u);
void port_uses_free(struct port_uses *u);
