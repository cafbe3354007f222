/*
 * What a probe can find out, as one table: the name in JSON, how it weighs for the exit
 * code, and what it means. How each looks to a client is classified in net/.
 */
#pragma once

#include "base/util.h"
#include "model/meaning.h"

enum outcome {
	OUTCOME_NOT_ASKED, /* yet, or ever: what nobody has set is no success */
	OUTCOME_OPEN,
	OUTCOME_REFUSED,      /* RST */
	OUTCOME_REFUSED_ICMP, /* port unreachable */
	OUTCOME_REJECTED,     /* an ICMP answer that prohibits */
	OUTCOME_UNREACHABLE,  /* no route here, or a router says so */
	OUTCOME_FILTERED,     /* silence */
	OUTCOME_TRANSLATED,   /* silence, but NAT of this host had its hand in it */
	OUTCOME_DENIED_LOCAL, /* this host's own firewall */
	OUTCOME_CLOSED_AFTER_ACCEPT, /* FIN right after the handshake */
	OUTCOME_RESET_AFTER_ACCEPT,
	OUTCOME_UNEXPECTED, /* an answer, but not the one that was asked for */
	OUTCOME_SILENT,	    /* connected, but nothing came */
	OUTCOME_GHOST,	    /* a connection only the client believes in */
	OUTCOME_NO_PORT,    /* no local port left for this destination */
	OUTCOME_SELF_CONNECT,
	OUTCOME_QUEUE_FULL,   /* accept queue of a local or unix server */
	OUTCOME_RATE_LIMITED, /* UDP: the ICMP answers dried up */
	OUTCOME_NO_NAME,
	OUTCOME_NAME_TIMEOUT,
	OUTCOME_MISSING_PATH,
	OUTCOME_STALE_UNIX,
	OUTCOME_WRONG_TYPE,
	OUTCOME_NO_PERMISSION,
	OUTCOME_OPEN_OR_FILTERED, /* UDP: silence */
	OUTCOME_ERROR,
	OUTCOME_COUNT,
};

/* What an outcome is to the one who asked, from good to bad, so that MAX() is the worse
 * as several targets are summed up; the command's exit code follows from it. */
enum verdict {
	VERDICT_NONE, /* nothing has been asked: no yes, and nothing that outweighs one */
	VERDICT_YES,
	VERDICT_NO,
	VERDICT_SILENCE,
	VERDICT_NAME,
	VERDICT_CANNOT,
};

/* Whether an outcome shows that nobody serves at an address any more. 0 is none of them:
 * each outcome has to decide. */
enum outcome_down {
	DOWN_NEVER = 1,	    /* it answers, or nothing is known of it */
	DOWN_AT_ONCE,	    /* who served there is gone */
	DOWN_UNLESS_HEARD,  /* the same, but a rule in between looks like it: not where
			       the listener is known to be there */
	DOWN_AFTER_SILENCE, /* one silence is a lost packet, several in a row are not */
};

/*
 * What connect(), or the first answer to what was sent, says by its errno: of a socket of
 * this family, where nothing else is known. And what to try next; NULL = nothing to say.
 */
enum outcome outcome_of_connect(int family, int err);
const char *outcome_hint(int family, int err);

/* "refused-icmp": stable, in JSON and on the terminal. */
const char *outcome_name(enum outcome o);
enum verdict outcome_verdict(enum outcome o);
enum outcome_down outcome_down(enum outcome o);
/* What it says, with its name. */
const struct meaning *outcome_meaning(enum outcome o);
