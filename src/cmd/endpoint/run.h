/* The parts of the story that listen, connect and echo have in common. */
#pragma once

#include "cmd/endpoint/opts.h"
#include "cmd/endpoint/tell.h"
#include "net/lab/lab.h"

/* What listen, connect and echo differ in. */
struct endpoint_story {
	const char *otherwise, *otherwise6; /* the address where none is given; NULL = it
					       must be */
	/* What the parser cannot know: options that do not go together. 0 or -errno with
	 * a fault; NULL = anything goes. */
	int (*check)(const struct endpoint_config *c, const struct target *t,
		     struct fault *f);
	int (*go)(const struct command *cmd, struct endpoint_config *c,
		  const struct target *t); /* returns the exit code */
	enum lab_side side;		   /* of --lab */
};

/* The frame of the three commands: options, the address, what does not go together, then
 * the story. Returns the exit code. */
int endpoint_main(const struct command *cmd, int argc, char **argv,
		  const struct endpoint_story *story);

/* What this protocol, or a client that measures, cannot do. 0 or -EINVAL with a fault. */
int endpoint_check(const struct command *cmd, const struct endpoint_config *c,
		   enum target_proto proto, struct fault *f);

/* The exit code, from how the connections ended. */
int endpoint_code_of_session(const struct session *s);

/* --port-file, NULL = none: opened before there is a port, written when there is one. A
 * signal that ends us removes it. Each 0 or -errno with a fault. */
int endpoint_open_port_file(struct out *o, const char *path, struct fault *f);
int endpoint_write_port_file(struct out *o, const struct endpoint *local,
			     struct fault *f);

/*
 * --background: returns in a process of its own, whose parent waits. The parent ends with
 * 0 when endpoint_let_go() is called with *parent, or else with the child's code.
 * Standard input and output are let go at once, stderr then. 0 or -errno with a fault.
 */
int endpoint_fork_background(int *parent, struct fault *f);
void endpoint_let_go(int *parent, struct tell_out *out);

/*
 * The whole of a server command once its config is parsed: resolve, bind, listen, tell,
 * serve, report. echo is true for `echo`. Returns the exit code.
 */
int endpoint_serve(const struct command *cmd, struct endpoint_config *c,
		   const struct target *t, bool echo);

/*
 * The same for a client: resolve, connect (one or many), relay, report; echo measures
 * instead of relaying.
 */
int endpoint_dial(const struct command *cmd, struct endpoint_config *c,
		  const struct target *t, bool echo);

/*
 * --lab: makes a TCP state, says each step, holds it until told to end. The address is
 * the listener's, 127.0.0.1:0 where there is none.
 */
int endpoint_lab(const struct command *cmd, struct endpoint_config *c,
		 const struct opt_operands *words, enum lab_side side);
/* The table of the laboratory, one state a line: name, sides, meaning, recipe, how long
 * it is kept, recipe with --strict, how long that is; TAB between. */
void endpoint_lab_tsv(struct buf *b);
