/* ICMP and ICMPv6: errors that came, errors that this host sent or withheld. */
#include "model/counter/counter_rows_private.h"

#define LOOK_HOPS \
	"Look at who is unreachable: probe names the router or host that reports it."

/* clang-format off */
#define ICMP_ROWS(ID, ALL, CSUM)                                                             \
	{ ID("InErrors"), PER_SECOND(10), .parts = CSUM,                                     \
	  .clause = "this host could not use # ICMP message*: malformed, or about a socket that no longer exists", \
	  .look = "Look at programs that close their sockets before the answer comes.",      \
	  .advice = "Nothing needs to be done while few come; otherwise see with tcpdump who sends them." }, \
	{ ID("InCsumErrors"), NONE,                                                          \
	  .clause = "this host dropped # ICMP message* with a wrong checksum",               \
	  .look = "Look at the interfaces on the path, and at their errors (ip -s link).",   \
	  .advice = "Replace the cable, port or offload that damages them." },               \
	{ ID("InDestUnreachs"), PER_SECOND(10),                                              \
	  .clause = "others reported # packet* of this host as undeliverable (ICMP destination unreachable)", \
	  .look = LOOK_HOPS,                                                                 \
	  .advice = "Ask the destination with probe, which tells a closed port from a missing route or a firewall." }, \
	{ ID("InTimeExcds"), PER_SECOND(1),                                                  \
	  .clause = "others dropped # packet* of this host because the TTL ran out or a fragment was missing", \
	  .look = "Look at the route to the destination with probe --hops: a loop shows the same routers again.", \
	  .advice = "Correct the routers that form the loop, or send datagrams that need no fragments." }, \
	{ ID("OutErrors"), NONE,                                                             \
	  .clause = "this host could not send # ICMP message*",                              \
	  .look = "Look at the routes of this host, and at its OUTPUT rules.",               \
	  .advice = "Add the route back to those whom it should answer." },                  \
	{ ID("OutRateLimitHost"), PER_SECOND(1),                                             \
	  .clause = "this host withheld # ICMP message*: it had sent too many to the same destination (" ALL ")", \
	  .look = "Look at who sends so much to closed ports of this host.",                 \
	  .advice = "Stop that sender; its packets to closed ports now look as if they were lost." }, \
	{ ID("OutDestUnreachs"), PER_SECOND(10),                                             \
	  .clause = "this host reported # packet* as undeliverable (ICMP destination unreachable)", \
	  .look = "Look at UdpNoPorts, at REJECT rules, and at the routes of what is forwarded here.", \
	  .advice = "Start what should have the port, or find out who sends there." },       \
	{ ID("OutTimeExcds"), PER_SECOND(1),                                                 \
	  .clause = "this host reported # packet* as undeliverable: the TTL ran out, or a fragment was missing", \
	  .look = "Look at the routes of what is forwarded here, and at fragments that are filtered.", \
	  .advice = "Correct the route that leads back, or let fragments through." }

#define ICMP4(n) OF("Icmp", n)
#define ICMP6(n) OF6("Icmp6" n)
/* clang-format on */

#define PROBLEM_IN                                                                                   \
	.clause =                                                                                    \
		"others refused # packet* of this host because of an unacceptable header or option", \
	.look = "Look at IP options and extension headers that programs or tunnels here add.",       \
	.advice = "Remove the option or extension header that is refused."
#define PROBLEM_OUT                                                                         \
	.clause =                                                                           \
		"this host refused # packet* because of an unacceptable header or option",  \
	.look = "Look at who sends them: tcpdump shows the options and extension headers.", \
	.advice = "Let the sender leave out the option or extension header."

static const struct counter_row rows[] = {
	ICMP_ROWS(ICMP4, "net.ipv4.icmp_ratelimit", "IcmpInCsumErrors"),
	{ OF("Icmp", "InParmProbs"), PER_SECOND(1), PROBLEM_IN },
	{ OF("Icmp", "OutRateLimitGlobal"), PER_SECOND(1),
	  .clause = "this host withheld # ICMP message*: all destinations together had "
		    "used up the allowance (net.ipv4.icmp_msgs_per_sec)",
	  .look = "Look at who sends so much to closed ports of this host.",
	  .advice =
		  "Stop that sender, or raise net.ipv4.icmp_msgs_per_sec; packets to closed "
		  "ports now look as if they were lost." },
	{ OF("Icmp", "OutParmProbs"), PER_SECOND(1), PROBLEM_OUT },
	ICMP_ROWS(ICMP6, "net.ipv6.icmp.ratelimit", "Icmp6InCsumErrors"),
	{ OF6("Icmp6InPktTooBigs"), PER_SECOND(1),
	  .clause =
		  "routers dropped # packet* of this host for exceeding the MTU of the path",
	  .look = "Look at the MTU of the route (ip route get), of tunnels above all.",
	  .advice =
		  "A few are normal: that is how the MTU of a path is found. If they go on, lower the MTU of the route." },
	{ OF6("Icmp6InParmProblems"), PER_SECOND(1), PROBLEM_IN },
	{ OF6("Icmp6OutPktTooBigs"), PER_SECOND(1),
	  .clause =
		  "this host could not forward # packet* larger than the MTU of the next link, and reported it",
	  .look = "Look at the MTU of the interfaces that packets are forwarded to.",
	  .advice = "Raise the MTU there, or clamp the MSS of TCP." },
	{ OF6("Icmp6OutParmProblems"), PER_SECOND(1), PROBLEM_OUT },
};

ROWS(counter_rows_icmp, rows);
