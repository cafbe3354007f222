/*
 * Answers that reach this host and not the socket that waits for them: what is read and
 * listened to while an attempt lasts. begin() comes before the last packet is sent:
 * early in a silence, or before the first where none is sent again in time.
 */
#pragma once

#include "model/answer/unheard.h"
#include "model/counter/counters.h"
#include "net/socket/endpoint.h"
#include "net/socket/overhear.h"
#include "net/socket/sockopt.h"

/* A kernel sends a SYN again after a second: an attempt that is shorter sends one only.
 */
enum { UNHEARD_SHORT_US = 1200 * 1000 };

struct unheard_watch {
	bool begun;
	int fd; /* the packet socket; -1 = it may not be opened */
	struct counters before;
	uint64_t began_ms;
};

void unheard_begin(struct unheard_watch *w, const struct overhear_end *ends, size_t n);

struct unheard_question {
	const struct endpoint *peer, *ours;
	bool sent_since;		    /* something was sent since begin() */
	bool delivered;			    /* the socket has taken packets of the peer */
	const struct sockopt_list *options; /* of the socket */
};

/* After the attempt, which was silent; w goes on. */
void unheard_end(const struct unheard_watch *w, const struct unheard_question *q,
		 struct unheard *u);
/* Safe at any time of one that was zeroed. */
void unheard_stop(struct unheard_watch *w);

/* The end that is asked; false if it is none of TCP or UDP. our_port 0 = any. */
bool unheard_end_of(const struct endpoint *peer, uint16_t our_port,
		    struct overhear_end *e);
