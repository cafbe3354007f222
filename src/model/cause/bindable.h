/*
 * Whether bind() would succeed beside the sockets that hold a port: the kernel's rules
 * (inet_csk_get_port() and udp_lib_get_port(), net/ipv4) as tables. Pure: what is known
 * of the holders comes from kernel/explain, and where it is not enough the answer is
 * "cannot tell", never a guess.
 */
#pragma once

#include "model/sock.h"

/* An option of somebody else's socket: no dump tells it, its owner's descriptor does. */
enum known { KNOWN_NOT, KNOWN_OFF, KNOWN_ON };

static inline enum known known_bool(bool on)
{
	return on ? KNOWN_ON : KNOWN_OFF;
}

/* The socket that somebody wants to bind. */
struct bind_candidate {
	uint8_t proto; /* enum sock_proto */
	struct addr addr;
	uint32_t ifindex; /* it is bound to this interface; 0 = to none */
	uint32_t uid;	  /* of who makes the socket */
	bool reuseaddr, reuseport, v6only;
};

/* A socket that holds the same port. */
struct bind_holder {
	const struct sock *row;
	enum known reuseaddr, reuseport;
	enum known v6only; /* of IPv6 rows */
	bool inherited;	   /* a connection that a listener took: the port is still in the
			      listener's name, whose user may be another */
};

/* The worse is the greater. */
/* From good to bad; what nobody has judged is no success. */
enum bind_verdict { BIND_NOT_JUDGED, BIND_OK, BIND_CANNOT_TELL, BIND_CONFLICT };

/* Whether a row holds its port at all: half-open requests do not. */
bool bind_holds(const struct sock *row);

/* Whether both want the same address: KNOWN_NOT where it hangs on the holder's v6only. */
enum known bind_overlap(const struct bind_candidate *c, const struct bind_holder *h);

/* Overlap, interface, options and users of the two taken together. */
enum bind_verdict bind_between(const struct bind_candidate *c,
			       const struct bind_holder *h);

/* The verdict over all holders of the port. */
enum bind_verdict bind_among(const struct bind_candidate *c,
			     const struct bind_holder *holders, size_t n);

/*
 * Whether all that stands in the way is SO_REUSEPORT that is off now. The kernel keeps
 * for each port that it was on when a socket of this user was bound (fastreuseport), and
 * lets others in by that; no table tells it, so a conflict has this reservation. Changes
 * the holders.
 */
bool bind_is_remembered(const struct bind_candidate *c, struct bind_holder *holders,
			size_t n);
