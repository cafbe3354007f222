/* What stands between the readings, and what moves, if slowly. */
#pragma once

#include "model/finding/inquiry.h"

enum {
	STUCK_AGE_MS = 1000, /* a closed window is normal for a moment */
	WATCH_MS = 3100,     /* who moves every 3 s has moved by then */
	PAUSE_MS = 120000,   /* curl --limit-rate reads nothing for 100 s */
	PAUSER_BYTES = 4096, /* and has read that much before, at least */
	TAKER_BYTES = 65536, /* a peer that took more has read, as far as one can see */
};

/* Those in which a program may have data to send or to read. */
enum {
	STATES_WITH_DATA = BIT(STATE_ESTABLISHED) | BIT(STATE_FIN_WAIT1) |
			   BIT(STATE_FIN_WAIT2) | BIT(STATE_CLOSE_WAIT) |
			   BIT(STATE_CLOSING) | BIT(STATE_LAST_ACK),
};

/* Nothing was read, whatever came; nothing was acknowledged. Of one that was not read
 * twice neither is so. */
bool reads_nothing(const struct connection_facts *c);
bool sends_nothing(const struct connection_facts *c);
/* Nothing is on the way, and the head of the queue could not be sent: the kernel probes.
 * Is the peer's window known to have room for it, that is not why. */
bool is_probing(const struct connection_facts *c);
bool window_is_open(const struct connection_facts *c);
/* A try of the timer was in vain though the window is open and nothing is on the way. Of
 * data that is held back for a moment (TCP_CORK, MSG_MORE, pacing) the first goes. */
bool is_held_back(const struct connection_facts *c);
/* This, or it was sent again in vain: what of this host's own may keep it from leaving
 * is asked for. */
bool may_be_unsent(const struct connection_facts *c);

/* Why this host cannot send it, as far as that is known (unsent.c). */
enum unsent_by { UNSENT_UNKNOWN, UNSENT_SOURCE, UNSENT_ROUTE, UNSENT_FILTER };
enum unsent_by unsent_by(const struct inquiry *q, const struct connection_facts *c);
/* "this host cannot send it: ...", without a full stop; the commands that show it. */
void put_unsent(struct inquiry *q, const struct connection_facts *c);
void advise_unsent(struct inquiry *q, const struct connection_facts *c);
/* The packets that this host made and did not send, as a figure of f. */
void unsent_figure(const struct inquiry *q, struct finding *f,
		   const struct connection_facts *c);
/* Both readings are there. */
bool was_read_twice(const struct connection_facts *c);

/* The other end on this host, of those for which it is so (NULL: any); or NULL. */
const struct connection_facts *other_end(const struct connection_facts *c,
					 const struct candidates *all,
					 bool (*is_so)(const struct connection_facts *));

/* The candidates of stuck-sender and stuck-reader: who may not send, who may not read. */
struct candidates all_senders(const struct inquiry *q);
struct candidates all_readers(const struct inquiry *q);

/* What a reader does whose buffer is full. */
enum reader_does {
	READER_UNKNOWN,
	READER_STANDS,
	READER_IS_SLOW,	  /* it has read, if only a little */
	READER_PAUSES,	  /* it has read before, and runs: it may limit its rate */
	READER_PASSES_ON, /* its program waits to send elsewhere */
};
enum reader_does reader_does(const struct inquiry *q, const struct connection_facts *c);

/* The next step: to let a program that is stopped go on, or to look at what it does; as a
 * text of the findings, or NULL if nobody is known. */
const char *advise_reader(struct inquiry *q, const struct holder *h);

/* Whether its program waits to send elsewhere, or to the same peer: where to, and what.
 */
bool passes_on(const struct inquiry *q, const struct connection_facts *c,
	       struct outlets *to);
