/*
 * Answers that reach this host and not the socket that waits for them: what is read and
 * listened to while an attempt lasts. begin() comes before the last packet is sent:
 * early in a silence, or before the first where none is sent again in time.
 */
#pragma once

#include "model/answer/unheard.h"
#include "model/counter/counters.h"
#include "model/tcpinfo.h"
#include "net/socket/endpoint.h"
#include "net/socket/overhear.h"
#include "net/socket/sockopt.h"

/* A kernel sends a SYN again after a second: an attempt that is shorter sends one only.
 */
enum { UNHEARD_SHORT_US = 1200 * 1000 };

struct unheard_watch {
	bool begun, early; /* early: before the first packet */
	int fd;		   /* the packet socket; -1 = it may not be opened */
	struct counters before;
	uint64_t began_ms;
};

/* Whether no packet is sent again within that time. 0 = as long as it takes. */
bool unheard_is_short(uint64_t timeout_us);

/* Listens for all of a list that are TCP or UDP, on our_port (0 = any). False: none is.
 */
bool unheard_begin(struct unheard_watch *w, const struct endpoint_list *list,
		   uint16_t our_port, bool early);

struct unheard_question {
	const struct endpoint *peer, *ours;
	const struct tcpinfo *tcp;	    /* of the socket; NULL = it is none of TCP */
	const struct sockopt_list *options; /* of the socket */
};

/* After the attempt, which was silent; w goes on. */
void unheard_end(const struct unheard_watch *w, const struct unheard_question *q,
		 struct unheard *u);
/* Safe at any time of one that was zeroed. */
void unheard_stop(struct unheard_watch *w);
