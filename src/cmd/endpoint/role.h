/* What listen, connect and echo differ in, and what follows for a connection. */
#pragma once

#include "cmd/endpoint/opts.h"
#include "cmd/endpoint/tell.h"
#include "net/lab/recipes.h"
#include "net/socket/resolve.h"

struct endpoint_role {
	const char *otherwise, *otherwise6; /* the address where none is given; NULL = it
					       must be */
	enum resolve_empty empty;	    /* the host where only a port is given */
	enum conn_source source; /* of what a peer gets, where no option says it */
	enum lab_side side;	 /* of --lab; 0 = the command has none */
	/* What its options cannot be combined with: marks of check.h. */
	unsigned (*marks)(const struct endpoint_config *c, enum target_proto proto);
	/* What the parser cannot know: options that do not go together. 0 or -errno with
	 * a fault; NULL = anything goes. */
	int (*check)(const struct endpoint_config *c, const struct target *t,
		     struct fault *f);
	/* Once the address is known; returns the exit code. */
	int (*run)(const struct endpoint_role *role, const struct command *cmd,
		   struct endpoint_config *c, const struct target *t);
};

/* Texts, directions, limits: everything of conn_how but the streams. 0 or -errno with a
 * fault (of usage).  */
int endpoint_fill_how(const struct endpoint_role *role, const struct endpoint_config *c,
		      enum target_proto proto, struct conn_how *how, struct fault *f);

/* The exit code of a name that could not be looked up, from the -errno of resolve(). */
int endpoint_code_of_lookup(int err);

/* NULL, or what becomes of a standard input that somebody gave and nobody reads: a
 * sentence. */
const char *endpoint_unread_stdin(const struct endpoint_role *role,
				  const struct endpoint_config *c);

/* Opens the file of --dump-file for t, where one is given. 0 or -errno with a fault. */
int endpoint_open_dump(struct teller *t, const struct endpoint_config *c,
		       struct fault *f);

/* Opens out, and t to tell through it. */
void endpoint_tell(struct teller *t, struct tell_out *out, const struct command *cmd,
		   const struct endpoint_config *c);
