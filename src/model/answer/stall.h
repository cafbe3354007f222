/* What it means that a stream stands still in its middle: segments of one size do not
 * arrive, while others do. */
#pragma once

#include "model/cause/cause.h"

/* A connection at one moment. */
struct stall_look {
	bool known; /* all of the rest is */
	uint64_t at_us;
	uint64_t received, acked;
	uint32_t unread, memory; /* bytes to read; memory of all that came */
	uint32_t overtook;	 /* segments that came before an earlier one, in all */
	uint32_t unacked;	 /* bytes */
	uint32_t retransmits;	 /* of the first of them */
	uint32_t sacked;	 /* segments behind it that the peer has */
	uint32_t answers; /* segments without data that came, the SYN-ACK among them */
	uint32_t mss, pmtu, rtt_us;
};

enum stall_side {
	STALL_NONE,
	STALL_TOWARDS_US,   /* the peer's segments do not arrive */
	STALL_TOWARDS_PEER, /* ours do not */
};

struct stall {
	enum stall_side side;
	uint32_t for_ms; /* it has stood, at least */
	bool brief;	 /* what is merely lost may take as long to come again */
	uint32_t memory; /* of what waits behind the gap */
	uint32_t retransmits, sacked, mss, pmtu;
};

/* Whether it stood still between two looks. */
bool stall_between(const struct stall_look *first, const struct stall_look *second,
		   struct stall *s);

/* Of a connection that this host opened: nothing that was sent is acknowledged, a whole
 * segment at least, though the peer has the end of the handshake, for it does not send
 * its SYN-ACK again. That is no full queue, and no firewall that sees one direction only.
 */
bool stall_is_shut_out(const struct stall_look *l);

/* What may be the reason, as a list that ends in no full stop. others: other segments
 * with data arrive. */
const char *stall_reasons(enum stall_side side, bool others);
/* What tells: packets of the path's size, and a connection with small segments. asks:
 * the peer's port takes connections. */
void stall_put_advice(struct buf *next, const struct addr *peer, uint32_t pmtu,
		      bool asks);
/* Both as a cause of connect_cause.h. */
void cause_of_stall(const struct stall *s, const struct addr *peer,
		    struct causes *causes);
