#include "model/outcome.h"

#include <errno.h>
#include <sys/socket.h>

static const struct {
	const char *name;
	enum verdict verdict;
	enum outcome_down down;
	const char *help;
} outcomes[] = {
	[OUTCOME_NOT_ASKED] = { "not-asked", VERDICT_CANNOT, DOWN_NEVER,
				"never asked: the probe was interrupted before" },
	[OUTCOME_OPEN] = { "open", VERDICT_YES, DOWN_NEVER, "connected, or answered" },
	[OUTCOME_REFUSED] = { "refused", VERDICT_NO, DOWN_UNLESS_HEARD,
			      "answered with RST: the host is up, nothing listens there" },
	[OUTCOME_REFUSED_ICMP] = { "refused-icmp", VERDICT_NO, DOWN_UNLESS_HEARD,
				   "answered with ICMP port unreachable" },
	[OUTCOME_REJECTED] = { "rejected", VERDICT_NO, DOWN_UNLESS_HEARD,
			       "answered with an ICMP message that prohibits it" },
	[OUTCOME_UNREACHABLE] = { "unreachable", VERDICT_NO, DOWN_UNLESS_HEARD,
				  "no route here, no neighbour, or a router says so" },
	[OUTCOME_FILTERED] = { "filtered", VERDICT_SILENCE, DOWN_AFTER_SILENCE,
			       "no answer: a firewall drops it, or the host is down" },
	[OUTCOME_DENIED_LOCAL] = { "denied-local", VERDICT_CANNOT, DOWN_NEVER,
				   "this host's own firewall or policy forbids it" },
	[OUTCOME_CLOSED_AFTER_ACCEPT] = { "closed-after-accept", VERDICT_NO, DOWN_AT_ONCE,
					  "accepted, then closed by the peer" },
	[OUTCOME_RESET_AFTER_ACCEPT] = { "reset-after-accept", VERDICT_NO, DOWN_AT_ONCE,
					 "accepted, then reset by the peer" },
	[OUTCOME_UNEXPECTED] = { "unexpected", VERDICT_NO, DOWN_NEVER,
				 "answered, but without what was expected" },
	[OUTCOME_SILENT] = { "silent", VERDICT_SILENCE, DOWN_NEVER,
			     "accepted, but not one byte came" },
	[OUTCOME_GHOST] = { "ghost", VERDICT_NO, DOWN_NEVER,
			    "connected for the client only: the server dropped it" },
	[OUTCOME_NO_PORT] = { "no-port", VERDICT_CANNOT, DOWN_NEVER,
			      "no local port left for this destination" },
	[OUTCOME_SELF_CONNECT] = { "self-connect", VERDICT_NO, DOWN_AT_ONCE,
				   "the socket was connected to itself: nothing listens" },
	[OUTCOME_QUEUE_FULL] = { "queue-full", VERDICT_SILENCE, DOWN_NEVER,
				 "the server's accept queue is full" },
	[OUTCOME_RATE_LIMITED] = { "rate-limited", VERDICT_CANNOT, DOWN_NEVER,
				   "ICMP answers dried up: cannot tell" },
	[OUTCOME_NO_NAME] = { "no-name", VERDICT_NAME, DOWN_NEVER,
			      "the name does not resolve" },
	[OUTCOME_NAME_TIMEOUT] = { "name-timeout", VERDICT_NAME, DOWN_NEVER,
				   "no name server answered, or they failed" },
	[OUTCOME_MISSING_PATH] = { "missing-path", VERDICT_NO, DOWN_AT_ONCE,
				   "there is no such path" },
	[OUTCOME_STALE_UNIX] = { "stale-unix", VERDICT_NO, DOWN_AT_ONCE,
				 "the path is there, but nobody listens behind it" },
	[OUTCOME_WRONG_TYPE] = { "wrong-type", VERDICT_NO, DOWN_NEVER,
				 "a unix socket of another type is there" },
	[OUTCOME_NO_PERMISSION] = { "no-permission", VERDICT_CANNOT, DOWN_NEVER,
				    "the permissions of the path forbid it" },
	[OUTCOME_OPEN_OR_FILTERED] = { "open-or-filtered", VERDICT_SILENCE, DOWN_NEVER,
				       "UDP: no answer, which proves nothing" },
	[OUTCOME_ERROR] = { "error", VERDICT_CANNOT, DOWN_NEVER,
			    "the probe itself failed" },
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

enum outcome_down outcome_down(enum outcome o)
{
	return outcomes[o].down;
}

const char *outcome_help(enum outcome o)
{
	return outcomes[o].help;
}

#define NO_ROUTE "no route, or a router said so: see 'ip route get'"
#define NO_PORT                                         \
	"no free local port for this destination (see " \
	"net.ipv4.ip_local_port_range), or no source address of ours leads there"
#define NO_VSOCK \
	"nothing listens there, or there is no way to it: 'lsmod' lists the vsock transports"
#define FULL "the listener's queue is full: it does not accept"
#define FORBIDDEN                                                        \
	"a local firewall or a security module forbids it; a broadcast " \
	"address wants --option broadcast"
#define SEE_PATH "see the permissions of the path"

static const struct failure {
	int err;
	int family; /* 0 = those that have no row of their own */
	enum outcome outcome;
	const char *hint;
} failures[] = {
	{ ENOENT, AF_UNIX, OUTCOME_MISSING_PATH, "there is no such path" },
	{ ENOTDIR, AF_UNIX, OUTCOME_MISSING_PATH, NULL },
	{ ELOOP, AF_UNIX, OUTCOME_MISSING_PATH, NULL },
	{ ECONNREFUSED, AF_UNIX, OUTCOME_STALE_UNIX,
	  "the file is there, but nobody listens behind it" },
	{ EPROTOTYPE, AF_UNIX, OUTCOME_WRONG_TYPE,
	  "the socket is of another type: try unix-dgram: or unix-seqpacket:" },
	{ EAGAIN, AF_UNIX, OUTCOME_QUEUE_FULL, FULL },
	{ ETIMEDOUT, AF_UNIX, OUTCOME_QUEUE_FULL, FULL },
	{ EACCES, AF_UNIX, OUTCOME_NO_PERMISSION, SEE_PATH },
	{ EPERM, AF_UNIX, OUTCOME_NO_PERMISSION, SEE_PATH },
	/* vsock has no other word for a refusal. */
	{ ECONNRESET, AF_VSOCK, OUTCOME_REFUSED, NO_VSOCK },
	{ ENODEV, AF_VSOCK, OUTCOME_ERROR, NO_VSOCK },
	{ EADDRNOTAVAIL, AF_VSOCK, OUTCOME_ERROR, NO_VSOCK },
	{ ECONNREFUSED, 0, OUTCOME_REFUSED,
	  "the host is up, but nothing listens on that port" },
	/* A RST to a SYN says ECONNREFUSED: the handshake was done when these came. */
	{ ECONNRESET, 0, OUTCOME_RESET_AFTER_ACCEPT, NULL },
	{ EPIPE, 0, OUTCOME_CLOSED_AFTER_ACCEPT, NULL },
	/* A prohibit route says EACCES at once; it is this host's policy, too. */
	{ EACCES, 0, OUTCOME_DENIED_LOCAL, FORBIDDEN },
	{ EPERM, 0, OUTCOME_DENIED_LOCAL, FORBIDDEN },
	{ EHOSTUNREACH, 0, OUTCOME_UNREACHABLE, NO_ROUTE },
	{ ENETUNREACH, 0, OUTCOME_UNREACHABLE, NO_ROUTE },
	{ ENETDOWN, 0, OUTCOME_UNREACHABLE, NULL },
	{ EHOSTDOWN, 0, OUTCOME_UNREACHABLE, NULL },
	{ EADDRNOTAVAIL, 0, OUTCOME_NO_PORT, NO_PORT },
	/* inet_autobind() has no other word; other calls have it for other reasons. */
	{ EAGAIN, 0, OUTCOME_ERROR, NO_PORT },
	{ EADDRINUSE, 0, OUTCOME_ERROR, "the source address and port are taken" },
	{ ETIMEDOUT, 0, OUTCOME_FILTERED,
	  "no answer: a firewall drops it, the host is down, or the listener's queue is full" },
};

static const struct failure *failure_of(int family, int err)
{
	static const struct failure other = { .outcome = OUTCOME_ERROR };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(failures); i++)
		if (failures[i].err == err &&
		    (failures[i].family == family ||
		     (!failures[i].family && family != AF_UNIX)))
			return &failures[i];
	return &other;
}

enum outcome outcome_of_connect(int family, int err)
{
	return failure_of(family, err)->outcome;
}

const char *outcome_hint(int family, int err)
{
	return failure_of(family, err)->hint;
}
