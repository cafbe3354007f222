/* The states that the laboratory can make, and the steps that lead to them. */
#pragma once

#include "base/fault.h"

enum lab_side { LAB_SIDE_LISTEN = BIT(0), LAB_SIDE_CONNECT = BIT(1) };

enum lab_op {
	LAB_END, /* of the list */
	LAB_BIND,
	LAB_LISTEN,
	LAB_FILL_QUEUE, /* connections that nobody accepts, until the queue is full */
	LAB_CONNECT,
	LAB_CONNECT_BOUND, /* from a port that was bound */
	LAB_ACCEPT,
	LAB_SEND,     /* until the other's window is shut and bytes wait here */
	LAB_READ_END, /* recv() up to the other's FIN */
	LAB_SHUT,     /* shutdown(SHUT_WR) */
	LAB_CLOSE,
	LAB_RESET,    /* close() with SO_LINGER 0 */
	LAB_DROP_ALL, /* a filter: nothing arrives here any more */
	LAB_ONLY_SYN, /* a filter: SYNs arrive here, nothing else */
};

enum lab_who { LAB_US, LAB_PEER, LAB_LISTENER };

struct lab_step {
	enum lab_op op;
	enum lab_who who;
	uint8_t us, peer; /* enum sock_state after it; 0 = none, and not asked for */
	const char *why;  /* what happened, for people */
};

struct lab_way {
	const char *how;     /* in one line */
	const char *kept;    /* how long the kernel holds it */
	const char *options; /* of both ends, unless the user gave them */
	const struct lab_step *steps;
};

struct lab_recipe {
	const char *name;
	unsigned sides;	   /* on which the state can be had */
	bool of_listener;  /* "us" is the listener itself */
	unsigned holds;	   /* connections in the accept queue; 0 = the kernel's most */
	const char *means; /* the state, in one line */
	struct lab_way plain;
	struct lab_way strict; /* with a socket filter; steps NULL = plain needs none */
};

/* The table. */
const struct lab_recipe *lab_recipes(size_t *n);

/* By name, any case, '-' or '_', also the short forms of states; NULL with a fault that
 * offers the nearest. A state of the other side only is a fault that says so. */
const struct lab_recipe *lab_find(const char *name, enum lab_side side, struct fault *f);

/* "listen", "connect", "listen,connect". */
const char *lab_sides_text(unsigned sides);
