/*
 * What became of MPTCP on a connection that asked for it. A firewall that drops TCP's
 * option 30 looks like a loss or a full queue: the kernel repeats the SYN with it, then
 * asks without, and if that is answered leaves MPTCP out of all that this host opens for
 * a while. Its counters of MPTcpExt tell, though of all connections of the namespace.
 */
#pragma once

#include "model/addr.h"

enum multipath_kind {
	MULTIPATH_NOTHING,  /* to say */
	MULTIPATH_DROPPED,  /* no SYN with the option was answered, the first without was
			     */
	MULTIPATH_GIVEN_UP, /* without an answer in time; which SYN it came to is open */
	MULTIPATH_LEFT_OUT, /* by this host, for what it found before */
	MULTIPATH_MAYBE_LEFT_OUT,
	MULTIPATH_UNANSWERED, /* a silence: no SYN without the option was sent */
};

/* Filled by kernel/explain: what rose meanwhile, and the settings. */
struct multipath {
	enum multipath_kind kind;
	bool counted;	   /* the next four are known */
	uint64_t asked;	   /* connections whose SYN had it (MPCapableSYNTX), */
	uint64_t given_up; /* for want of an answer then had not (MPCapableSYNTXDrop), */
	uint64_t left_out; /* or never had (MPCapableSYNTXDisabled) */
	uint64_t blackholes; /* how often it was disabled (Blackhole) */
	bool gives_up;	     /* this kernel does */
	uint64_t repeats;    /* SYNs that are repeated with the option until then */
	uint64_t off_s;	     /* for so long it is disabled at first; 0 = never */
};

/* The connection itself, which tells it from others of the namespace. */
struct multipath_seen {
	bool open, fell_back;
	bool to_last;	  /* of an open one: the answer was to the last SYN */
	unsigned repeats; /* of its SYN */
};

/* Sets m->kind. */
void multipath_judge(struct multipath *m, const struct multipath_seen *seen);

/* A sentence beside the outcome, for some kinds; nothing for others. */
void multipath_put(struct buf *b, const struct multipath *m);

/* What to do, as advice.h has it. */
void multipath_put_advice(struct buf *next, const struct multipath *m,
			  const struct addr *peer, uint32_t asker);
