/* An answer that may not be of the host that was asked: filled by kernel/explain. */
#pragma once

#include "model/cause/bindable.h"
#include "model/cause/cause.h"

struct nearby_facts {
	bool again;	     /* a SYN that no router passes on is refused, too */
	bool taken;	     /* or accepted */
	struct addr gateway; /* the next hop; family 0 = the address is on the link */
	enum known here; /* the RST came by the loopback interface; KNOWN_NOT: without the
			    right to see packets */
	struct addr to;	 /* where the loopback interface took the SYN; family 0 = nowhere:
			    it went no way at all, or left */
	enum known left; /* the SYN was seen to leave for the address that was asked;
			    KNOWN_NOT as above */
	struct addr sent_to; /* or for this one, which NAT of this host has put in */
	uint32_t asker;	     /* as in struct bind_facts */
};

/* Of a refusal: adds the cause; none if it is the host itself that refuses, as far as is
 * known. */
void cause_of_nearby(const struct nearby_facts *f, struct causes *causes);
/* Of a connection that was made: who has taken it, in a clause; nothing if it is the host
 * itself, as far as is known. */
void nearby_put_taker(struct buf *b, const struct nearby_facts *f);
