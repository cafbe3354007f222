/* The network namespace of this host that has an address which is not one of ours, and
 * what listens there: filled by kernel/explain. */
#pragma once

#include "model/cause/bind_facts.h"

struct foreign_facts {
	bool found; /* exactly one has it */
	/* Its interface has the hardware address that our neighbour has: what we send to
	 * the address gets there. Otherwise another host may have the same one. */
	bool sure;
	bool direct; /* no router is in between */
	bool cut;    /* not all were searched: that would have taken too long */
	size_t searched;
	const char *name;     /* of "ip netns"; NULL = none */
	int32_t pid;	      /* a process of it; 0 = none is known */
	struct keeper keeper; /* what keeps that process running */
	int owners_error;     /* as in struct bind_facts */
	int error;	      /* its tables could not be read: errno */
	struct bind_found *v; /* the listeners of the port, or those of others */
	size_t n;
	bool others; /* nothing has the port: v are the first listeners of other ports */
	size_t n_others; /* of which there are so many */
};

/* "container 0123456789ab", "network namespace web", "another network namespace". */
void foreign_put_place(const struct foreign_facts *f, struct buf *b);

struct connect_facts;

/* Why it refused, if a namespace of this host did; adds nothing where that is not known.
 */
void cause_of_foreign(const struct connect_facts *f, struct causes *causes);
