/*
 * The laboratory: a TCP state made by both ends in this process, verified, and held until
 * told to end. A recipe is a row of a table; its steps are data, one system call each,
 * with the states that both ends must have after it.
 *
 *	start -> step, both ends seen in the states of that step -> ... -> ready
 *	ready -> (the kernel ended it) -> anew from the first step that is needed
 *	any   -> failed: fault says it, the loop is stopped
 *
 * Only loopback or another address of this host is involved; what remains in the end is
 * reset, but for a TIME_WAIT, which nobody can take back.
 */
#pragma once

#include "model/sock.h"
#include "net/role/server.h"

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

struct lab_recipe {
	const char *name;
	unsigned sides;	     /* on which the state can be had */
	bool of_listener;    /* "us" is the listener itself */
	int backlog;	     /* -1 = the kernel's most */
	const char *means;   /* the state, in one line */
	const char *how;     /* the recipe, in one line */
	const char *kept;    /* how long the kernel holds it */
	const char *options; /* of both ends, unless the user gave them */
	const struct lab_step *steps;
	/* With a socket filter; steps NULL = the plain recipe needs none. */
	struct {
		const char *how, *kept, *options;
		const struct lab_step *steps;
	} strict;
};

/* The table. */
const struct lab_recipe *lab_recipes(size_t *n);

/* By name, any case, '-' or '_', also the short forms of states; NULL with a fault that
 * offers the nearest. A state of the other side only is a fault that says so. */
const struct lab_recipe *lab_find(const char *name, enum lab_side side, struct fault *f);

/* "listen", "connect", "listen,connect". */
const char *lab_sides_text(unsigned sides);

struct lab;

struct lab_ops {
	/* A step is done; lab->call, lab->us and lab->peer tell of it. */
	void (*step)(void *ctx, const struct lab *lab, const struct lab_step *step);
	/* The state is there. May end the process' part in it by loop_stop(). */
	void (*ready)(void *ctx, const struct lab *lab);
	/* The kernel ended it; lab->us is what it is now. It is made anew. */
	void (*gone)(void *ctx, const struct lab *lab);
	/* The state of a connection in the kernel's tables: enum sock_state, 0 = there is
	 * none, or -errno where they cannot be asked. */
	int (*look)(void *ctx, const struct addr *local, const struct addr *peer);
	void *ctx;
};

struct lab_how {
	const struct lab_recipe *recipe;
	enum lab_side side;
	bool strict, no_reuseaddr;
	int backlog;			    /* -1 = the recipe's */
	const struct sockopt_list *options; /* of the side that was asked for */
	const struct endpoint_list *list;   /* where the listener may be */
	struct lab_ops ops;
};

struct lab {
	struct session *s;
	const struct lab_how *how;
	const struct lab_step *steps, *step;
	struct sockopt_list listener_options, client_options;
	struct timer turn;
	int listener, server, client;
	int *helpers; /* what fills the queue */
	size_t n_helpers, cap_helpers;
	struct endpoint at;	   /* of the listener, once it is bound */
	struct endpoint to, from;  /* of the connection: the server's end, the client's */
	struct endpoint failed_at; /* of a bind() that failed */
	struct fault fault;	   /* fault.err 0 = nothing failed */
	enum sock_state us, peer;  /* as last seen; 0 = none */
	char call[ENDPOINT_TEXT_MAX];  /* of the last step, as a program would write it */
	uint64_t deadline_us, wait_us; /* of the step */
	uint64_t ready_us;	       /* since when it is held; 0 = not yet */
	uint64_t held_us;	       /* how long it was, when it is gone */
	unsigned renewed;	       /* times it had to be made anew */
	bool called;		       /* the step's call was made, its states may come */
	bool overruled;		       /* an option of the recipe was given otherwise */
	bool blind;		       /* the kernel's tables cannot be asked */
};

/* Makes the state; the first step is the loop's. 0 or -errno with a fault. */
int lab_start(struct lab *lab, struct session *s, const struct lab_how *how,
	      struct fault *f);
/* Resets what is open. Harmless on a lab of zeros that was never started. */
void lab_stop(struct lab *lab);

/* Who makes the call of a step. */
enum lab_doer { LAB_BY_US, LAB_BY_PEER, LAB_BY_OTHERS };
enum lab_doer lab_doer(const struct lab *lab, const struct lab_step *step);

/* The ends of the connection, ours first; false where there is none (a listener). */
bool lab_tuple(const struct lab *lab, struct addr *us, struct addr *peer);
/* How long the kernel holds it, in words. */
const char *lab_kept(const struct lab *lab);
