/* How listen, connect and echo tell what happens: words for people, or JSON Lines, both
 * on stderr; stdout is the payload's. */
#pragma once

#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/endpoint/tell_out.h"
#include "cmd/traffic/traffic.h"
#include "net/relay/session.h"
#include "net/role/pinger.h"

struct tracer;

struct teller {
	const struct command *cmd;
	struct tell_out *out;
	bool json, quiet, report, info;
	bool many; /* connections: --report tells of all together */
	unsigned verbose;
	struct tracer *tracer; /* --trace, or NULL */
	struct traffic traffic;
	struct tell_out dump; /* --dump-file; beside out then */
	const char *dump_path;
	bool dump_failed; /* and that is told */
};

/* The ops of a session that tell through t. */
struct net_ops teller_ops(struct teller *t);

/* "listening on ADDR", or the event. */
void tell_listening(struct teller *t, const struct endpoint *local);
/* What is worth knowing of what went well: with -v, and as JSON. */
void tell_remark(struct teller *t, const char *text);
/* A failure that ends the command, in the chosen form. */
void tell_fault(struct teller *t, const struct fault *f);
/* The totals: always as JSON, for people with --report or when bytes were lost. */
void tell_summary(struct teller *t, const struct session *s);

/* The round trips of echo --client: stdout for people, where it is the result; a summary
 * event with --json. Returns the exit code that follows from them. */
int tell_pings(struct teller *t, const struct pinger *p);
