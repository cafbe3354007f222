/* --exec and --sh: a command with the connection as its standard input and output. */
#pragma once

#include "base/leave.h"
#include "net/relay/session.h"
#include "net/role/drain.h"

enum { CHILD_STATUS_UNKNOWN = -1 };

struct child {
	struct watch w; /* of the pidfd */
	pid_t pid;
	uint64_t id;
	void (*ended)(struct child *c, int status);
	void *owner;
	struct child *next, **at;
	struct leaving leaving; /* a server that ends at once ends it, too */
	const struct child_how *how;
	uint64_t began_us;
	int sock; /* a descriptor of our own, until the end */
	bool running;
	bool failed;	    /* told already */
	struct drain drain; /* from its end on */
};

struct child_how {
	char **argv;		/* argv[0] is looked for in PATH */
	unsigned long fd_limit; /* RLIMIT_NOFILE of the child; 0 = as ours */
	/* Whether another process has the socket of a command that has ended: one that it
	 * left in the background keeps the connection. */
	bool (*still_held)(int sock, pid_t pid, uint64_t began_us);
};

/* Splits a command at blanks; '...' and "..." keep them. -EINVAL with a fault for an open
 * quote or nothing at all. The result is one allocation block per word. */
int child_split(const char *command, char ***argv, struct fault *f);
void child_free_argv(char **argv);

/*
 * Starts the command on sock (blocking; taken, unless it fails), SOCKCTL_PEER and
 * SOCKCTL_LOCAL in its environment. ended() comes from the loop with the status of
 * waitid: exit code, or 128 + signal, or CHILD_STATUS_UNKNOWN. 0 or -errno with a fault;
 * c->pid is 0 then where nothing was run.
 */
int child_start(struct child *c, struct session *s, int sock, const struct child_how *how,
		struct fault *f);
/*
 * After ended(): ends the connection, too. over() comes at once or from the loop, as that
 * of drain_start(); where another process has the socket only our descriptor goes.
 */
void child_end_connection(struct child *c, struct session *s,
			  void (*over)(struct drain *d, struct fault *f));
/* Ends a command that runs (SIGTERM), and its connection as far as it is ours. */
void child_kill(struct child *c, struct session *s);
