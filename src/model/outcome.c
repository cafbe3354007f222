#include "model/outcome.h"

#include <errno.h>
#include <sys/socket.h>

/* What each means, how it weighs for the exit code, and whether it shows that nobody
 * serves there any more. */
static const struct {
	struct meaning meaning;
	enum verdict verdict;
	enum outcome_down down;
} outcomes[] = {
	[OUTCOME_NOT_ASKED] = {
		{
			"not-asked",
			"It was not asked: the probe was interrupted before.",
			"A signal ended the probe. For a scan it means that no open "
			"port was found so far, and not all ports were asked.",
			"Ask again; for a scan, with fewer ports or more at a time "
			"(--parallel, --rate).",
		},
		VERDICT_CANNOT,
		DOWN_NEVER,
	},
	[OUTCOME_OPEN] = {
		{
			"open",
			"Connected; over UDP, answered.",
			"Something listens there. Over TCP the kernel answers by "
			"itself: the program may not have accepted the connection yet.",
			"To ask the program itself, use --http, --banner, or --send "
			"with --expect.",
		},
		VERDICT_YES,
		DOWN_NEVER,
	},
	[OUTCOME_REFUSED] = {
		{
			"refused",
			"Answered with RST: the host is up, and nothing listens there, "
			"or a firewall says so.",
			"The server is not running, has not called listen() yet, or "
			"has another port or address.",
			"On that host 'sockctl inspect -l --port PORT' shows who "
			"listens; --wait asks until somebody does.",
		},
		VERDICT_NO,
		DOWN_UNLESS_HEARD,
	},
	[OUTCOME_REFUSED_ICMP] = {
		{
			"refused-icmp",
			"Answered with ICMP port or protocol unreachable.",
			"No socket receives on that UDP port. TCP answers with RST "
			"instead, so over TCP a firewall rejects it.",
			"On that host 'sockctl inspect -ul --port PORT' shows who "
			"receives. For a firewall, see the rules of the sender that is "
			"named.",
		},
		VERDICT_NO,
		DOWN_UNLESS_HEARD,
	},
	[OUTCOME_REJECTED] = {
		{
			"rejected",
			"Answered with an ICMP message that prohibits it.",
			"A firewall or an access list, on that host or on the way, "
			"rejects it.",
			"See the rules of the sender that is named, or ask who runs "
			"it.",
		},
		VERDICT_NO,
		DOWN_UNLESS_HEARD,
	},
	[OUTCOME_UNREACHABLE] = {
		{
			"unreachable",
			"No way leads there: this host has none, the next hop does not "
			"answer, or a router says so.",
			"There is no route or no source address, IPv6 is disabled, an "
			"interface is down, or the host is off.",
			"'ip route get ADDRESS' shows the way, 'ip neigh' the next "
			"hop; --hops asks each router.",
		},
		VERDICT_NO,
		DOWN_UNLESS_HEARD,
	},
	[OUTCOME_FILTERED] = {
		{
			"filtered",
			"No answer: a firewall drops it, or the host is down.",
			"What was sent, or the answer, is lost on the way. Rules that "
			"drop, a host that is off, a wrong address and a full accept "
			"queue look alike.",
			"Probe another port of the host: any answer, even refused, "
			"means that the host is up and a rule or a full queue is the "
			"reason. --hops shows how far packets get.",
		},
		VERDICT_SILENCE,
		DOWN_AFTER_SILENCE,
	},
	[OUTCOME_TRANSLATED] = {
		{
			"translated",
			"No answer to --syn, and NAT of this host rewrites what was "
			"sent, or it was not seen to leave: the silence proves "
			"nothing.",
			"A NAT rule of this host sends the SYN to another address or "
			"port, or from another. The host behind it is silent, or the "
			"rule treats a connection differently from a bare SYN.",
			"Probe it without --syn: that makes a connection, as a client "
			"does. 'nft list ruleset' and 'iptables-save' show the rules.",
		},
		VERDICT_CANNOT,
		DOWN_NEVER,
	},
	[OUTCOME_DENIED_LOCAL] = {
		{
			"denied-local",
			"This host's own firewall, a prohibit route or a policy "
			"forbids it.",
			"An OUTPUT rule rejects it, the route is of type prohibit, or "
			"a BPF program or a security module refuses the call.",
			"'nft list ruleset' and 'ip route get ADDRESS' show rules and "
			"route; a broadcast address needs --option broadcast.",
		},
		VERDICT_CANNOT,
		DOWN_NEVER,
	},
	[OUTCOME_CLOSED_AFTER_ACCEPT] = {
		{
			"closed-after-accept",
			"Accepted, then closed by the peer.",
			"The server behind a proxy is gone, or the server has reached "
			"its limit of connections or does not allow this address.",
			"See the log of the server or proxy; probe the server behind a "
			"proxy directly.",
		},
		VERDICT_NO,
		DOWN_AT_ONCE,
	},
	[OUTCOME_RESET_AFTER_ACCEPT] = {
		{
			"reset-after-accept",
			"Accepted, then reset by the peer.",
			"The program closed it with unread data or SO_LINGER, its "
			"listener was closed, or a proxy or firewall reset it.",
			"See the log of the server or proxy. For a server of this host "
			"the report says what the kernel counted.",
		},
		VERDICT_NO,
		DOWN_AT_ONCE,
	},
	[OUTCOME_UNEXPECTED] = {
		{
			"unexpected",
			"Answered, but without what --expect or --http asks for; or, over UDP, "
			"from another address or port than the one that was asked.",
			"The server is not ready or reports an error, it speaks "
			"another protocol, such as TLS, or the text that is expected "
			"is wrong. A UDP server that is bound to the wildcard answers "
			"from the address that its host prefers, unless it looks at "
			"IP_PKTINFO.",
			"The report shows the answer; --wait asks until it is as "
			"expected.",
		},
		VERDICT_NO,
		DOWN_NEVER,
	},
	[OUTCOME_SILENT] = {
		{
			"silent",
			"Connected, but not one byte came.",
			"The program is stopped or busy, has not accepted the "
			"connection yet, or waits for the client to speak first.",
			"On that host 'sockctl inspect --port PORT' shows whether the "
			"connection waits in the accept queue. Where clients speak "
			"first, use --send or --http.",
		},
		VERDICT_SILENCE,
		DOWN_NEVER,
	},
	[OUTCOME_GHOST] = {
		{
			"ghost",
			"Connected for the client only: the server does not have the "
			"connection.",
			"Our ACK does not arrive, as where a firewall sees one "
			"direction only, or the server's accept queue was full when it "
			"came.",
			"The report says what a second connection came to: a full "
			"queue drops new SYNs, too. On that host 'sockctl inspect "
			"--port PORT' shows the queue and the process that should "
			"accept.",
		},
		VERDICT_NO,
		DOWN_NEVER,
	},
	[OUTCOME_NO_PORT] = {
		{
			"no-port",
			"No local port is left for this destination.",
			"Each connection to the same address and port needs a local "
			"port of its own from net.ipv4.ip_local_port_range, also in "
			"TIME_WAIT.",
			"'sockctl inspect --dst ADDRESS --group pid' shows who has "
			"them. Another source address (--source) has as many ports "
			"again.",
		},
		VERDICT_CANNOT,
		DOWN_NEVER,
	},
	[OUTCOME_SELF_CONNECT] = {
		{
			"self-connect",
			"The socket was connected to itself: nothing listens there.",
			"The port is in net.ipv4.ip_local_port_range, and the kernel "
			"chose it as the local one, too.",
			"Start the server. Put its port into "
			"net.ipv4.ip_local_reserved_ports, or choose one outside of "
			"the range.",
		},
		VERDICT_NO,
		DOWN_AT_ONCE,
	},
	[OUTCOME_QUEUE_FULL] = {
		{
			"queue-full",
			"The accept queue of a server of this host, or of a unix "
			"socket, is full, or was when it was asked.",
			"The program is stopped or busy, or clients come faster than "
			"it accepts.",
			"'sockctl inspect -l --findings' shows the queue and the "
			"process that should accept.",
		},
		VERDICT_SILENCE,
		DOWN_NEVER,
	},
	[OUTCOME_RATE_LIMITED] = {
		{
			"rate-limited",
			"UDP scans: a port that is known to be closed does not say so "
			"any more.",
			"Hosts limit how many ICMP messages they send "
			"(net.ipv4.icmp_ratelimit), so that silence means nothing any "
			"more.",
			"Scan fewer ports, or slower: Linux answers one a second by "
			"default (--rate 1/s).",
		},
		VERDICT_CANNOT,
		DOWN_NEVER,
	},
	[OUTCOME_NO_NAME] = {
		{
			"no-name",
			"The name does not resolve.",
			"It is misspelled or not registered, or has no address of the "
			"family that was asked for.",
			"'getent ahosts NAME' asks the same sources: /etc/hosts and "
			"the name servers.",
		},
		VERDICT_NAME,
		DOWN_NEVER,
	},
	[OUTCOME_NAME_TIMEOUT] = {
		{
			"name-timeout",
			"No name server answered, or they failed.",
			"The servers in /etc/resolv.conf are not reachable, are "
			"overloaded, or cannot reach others.",
			"Probe the server that is named, as names are asked for: "
			"'sockctl probe udp:SERVER:53'.",
		},
		VERDICT_NAME,
		DOWN_NEVER,
	},
	[OUTCOME_MISSING_PATH] = {
		{
			"missing-path",
			"There is no such path, or abstract name.",
			"The server is not running or has another path, or a container "
			"or chroot sees other files.",
			"'sockctl inspect -xlp' shows the paths that programs listen "
			"on.",
		},
		VERDICT_NO,
		DOWN_AT_ONCE,
	},
	[OUTCOME_STALE_UNIX] = {
		{
			"stale-unix",
			"The path is there, but nobody listens behind it.",
			"The program that made it ended without removing it, or has "
			"not called listen() yet.",
			"Start the server. If it finds the path taken, remove the file "
			"first.",
		},
		VERDICT_NO,
		DOWN_AT_ONCE,
	},
	[OUTCOME_WRONG_TYPE] = {
		{
			"wrong-type",
			"A unix socket of another type is there, or no socket at all.",
			"Both ends must be of the same type: stream, datagram or "
			"seqpacket. Or the path is that of another file.",
			"Put unix-dgram: or unix-seqpacket: before the path.",
		},
		VERDICT_NO,
		DOWN_NEVER,
	},
	[OUTCOME_NO_PERMISSION] = {
		{
			"no-permission",
			"The permissions of the path forbid it.",
			"connect() needs write permission on the socket and search "
			"permission on each directory above it.",
			"'namei -l PATH' shows them all; join the group that may, or "
			"ask as its user.",
		},
		VERDICT_CANNOT,
		DOWN_NEVER,
	},
	[OUTCOME_OPEN_OR_FILTERED] = {
		{
			"open-or-filtered",
			"UDP: no answer, which proves nothing.",
			"A server that does not know what was sent is as silent as a "
			"firewall that drops it.",
			"Send a request that the server answers (--send), and tell "
			"what to --expect.",
		},
		VERDICT_SILENCE,
		DOWN_NEVER,
	},
	[OUTCOME_ERROR] = {
		{
			"error",
			"It could not be asked as told.",
			"A source address that is not ours, an interface that is not "
			"there, an option that is refused, no descriptor left, or a "
			"device that takes no packet.",
			"The reason that is printed names the call and its error.",
		},
		VERDICT_CANNOT,
		DOWN_NEVER,
	},
};

_Static_assert(ARRAY_SIZE(outcomes) == OUTCOME_COUNT, "one row an outcome");

const char *outcome_name(enum outcome o)
{
	return outcomes[o].meaning.id;
}

enum verdict outcome_verdict(enum outcome o)
{
	return outcomes[o].verdict;
}

enum outcome_down outcome_down(enum outcome o)
{
	return outcomes[o].down;
}

const struct meaning *outcome_meaning(enum outcome o)
{
	return &outcomes[o].meaning;
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
	{ EACCES, AF_UNIX, OUTCOME_NO_PERMISSION, NULL },
	{ EPERM, AF_UNIX, OUTCOME_DENIED_LOCAL, NULL },
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
