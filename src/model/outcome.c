#include "model/outcome.h"

static const struct {
	const char *name;
	enum verdict verdict;
	const char *help;
} outcomes[] = {
	[OUTCOME_NOT_ASKED] = { "not-asked", VERDICT_CANNOT,
				"never asked: the probe was interrupted before" },
	[OUTCOME_OPEN] = { "open", VERDICT_YES, "connected, or answered" },
	[OUTCOME_REFUSED] = { "refused", VERDICT_NO,
			      "answered with RST: the host is up, nothing listens there" },
	[OUTCOME_REFUSED_ICMP] = { "refused-icmp", VERDICT_NO,
				   "answered with ICMP port unreachable" },
	[OUTCOME_REJECTED] = { "rejected", VERDICT_NO,
			       "answered with an ICMP message that prohibits it" },
	[OUTCOME_UNREACHABLE] = { "unreachable", VERDICT_NO,
				  "no route here, no neighbour, or a router says so" },
	[OUTCOME_FILTERED] = { "filtered", VERDICT_SILENCE,
			       "no answer: a firewall drops it, or the host is down" },
	[OUTCOME_DENIED_LOCAL] = { "denied-local", VERDICT_CANNOT,
				   "this host's own firewall or policy forbids it" },
	[OUTCOME_CLOSED_AFTER_ACCEPT] = { "closed-after-accept", VERDICT_NO,
					  "accepted, then closed by the peer" },
	[OUTCOME_RESET_AFTER_ACCEPT] = { "reset-after-accept", VERDICT_NO,
					 "accepted, then reset by the peer" },
	[OUTCOME_SILENT] = { "silent", VERDICT_SILENCE,
			     "accepted, but what was expected did not come" },
	[OUTCOME_GHOST] = { "ghost", VERDICT_NO,
			    "connected for the client only: the server dropped it" },
	[OUTCOME_NO_PORT] = { "no-port", VERDICT_CANNOT,
			      "no local port left for this destination" },
	[OUTCOME_SELF_CONNECT] = { "self-connect", VERDICT_NO,
				   "the socket was connected to itself: nothing listens" },
	[OUTCOME_QUEUE_FULL] = { "queue-full", VERDICT_SILENCE,
				 "the server's accept queue is full" },
	[OUTCOME_RATE_LIMITED] = { "rate-limited", VERDICT_CANNOT,
				   "ICMP answers dried up: cannot tell" },
	[OUTCOME_NO_NAME] = { "no-name", VERDICT_NAME, "the name does not resolve" },
	[OUTCOME_NAME_TIMEOUT] = { "name-timeout", VERDICT_NAME,
				   "no name server answered, or they failed" },
	[OUTCOME_MISSING_PATH] = { "missing-path", VERDICT_NO, "there is no such path" },
	[OUTCOME_STALE_UNIX] = { "stale-unix", VERDICT_NO,
				 "the path is there, but nobody listens behind it" },
	[OUTCOME_WRONG_TYPE] = { "wrong-type", VERDICT_NO,
				 "a unix socket of another type is there" },
	[OUTCOME_NO_PERMISSION] = { "no-permission", VERDICT_CANNOT,
				    "the permissions of the path forbid it" },
	[OUTCOME_OPEN_OR_FILTERED] = { "open-or-filtered", VERDICT_SILENCE,
				       "UDP: no answer, which proves nothing" },
	[OUTCOME_ERROR] = { "error", VERDICT_CANNOT, "the probe itself failed" },
};

_Static_assert(ARRAY_SIZE(outcomes) == OUTCOME_COUNT, "one row an outcome");

const char *outcome_name(enum outcome o)
{
	return outcomes[o].name;
}

enum verdict outcome_verdict(enum outcome o)
{
	return outcomes[o].verdict;
}

const char *outcome_help(enum outcome o)
{
	return outcomes[o].help;
}
