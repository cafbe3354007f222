/* What a laboratory is, and the system calls of its steps: lab.h has its life. */
#pragma once

#include "model/sock.h"
#include "net/lab/recipes.h"
#include "net/role/server_state.h"

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
	const struct lab_way *way;
	const struct lab_step *step;
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

/*
 * Makes the call of lab->step, or goes on with it. 1 = it is made, its states may come;
 * 0 = again, later; -errno with a fault. lab->call says what was called.
 */
int lab_step_do(struct lab *lab, struct fault *f);

/* The descriptor of an end; -1 = it has none (not accepted, closed). */
int *lab_fd(struct lab *lab, enum lab_who who);

/* The end's descriptor is closed with a reset, whatever it has still to say. */
void lab_reset_fd(int *fd);
