/*
 * What must be known to say why an address of this host refuses, or why there is no local
 * port to connect from: filled by kernel/explain, judged by cause_of_connect().
 */
#pragma once

#include "model/cause/bind_facts.h"
#include "model/cause/foreign.h"
#include "model/cause/no_source.h"
#include "model/cause/policy.h"
#include "model/cause/silence.h"
#include "model/cause/way.h"
#include "model/icmp.h"

struct connect_facts {
	uint8_t proto;		/* enum sock_proto */
	int err;		/* of connect(), positive */
	struct icmp_error icmp; /* that came for it; family 0 = none, or not known */
	struct addr to;
	const char *address; /* the same as it is shown; of a unix socket all there is */
	uint32_t asker;	     /* as in struct bind_facts */
	bool local;	     /* it is an address of this namespace */
	bool loopback_down;  /* and the interface that leads there is down */
	uint32_t device;     /* the interface that has it; 0 = not known */
	enum bind_place to_place; /* of one that is not local */
	const char *to_device;
	struct addr from; /* family 0 = the kernel chose, port 0 too */
	enum bind_place from_place;
	const char *from_device; /* as device of struct bind_facts */

	/* Listeners and bound sockets of the port: of this namespace, of others. */
	struct bind_found *here, *elsewhere;
	struct bind_found *deaf; /* listeners there that nothing can reach */
	size_t n_deaf;
	size_t n_here, n_elsewhere;
	int dump_error;	  /* a table of this namespace could not be read: errno */
	int owners_error; /* as in struct bind_facts */
	struct other_netns others;
	const char *enter_remedy; /* what would help then; NULL = not known */

	struct foreign_facts foreign; /* ECONNREFUSED, and it is not local */

	/* EADDRNOTAVAIL, EAFNOSUPPORT, ENETUNREACH */
	struct source_facts source;
	struct way_facts way; /* EINVAL, EACCES, ENETUNREACH, EHOSTUNREACH */

	/* EADDRNOTAVAIL */
	uint16_t range_lo, range_hi;
	size_t range_ports; /* without the reserved ones and those of listeners */
	size_t used, used_time_wait; /* towards this destination, from one source */
	const struct sock *twin;     /* the connection that has these four already */

	/* ECONNRESET */
	struct meanwhile meanwhile;
	bool sent;

	struct access_facts access; /* unix: EACCES, EPERM */
	struct policy_facts policy; /* the same; err 0 = something else denies it */
	struct bind_facts file;	    /* unix: as if it should be bound */
};

/* Adds the causes; none if nothing is known to be wrong. */
void cause_of_connect(const struct connect_facts *f, struct causes *causes);
