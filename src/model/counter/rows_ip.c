/* IPv4 and IPv6: most counters are of both. */
#include "model/counter/counter_rows_private.h"

#define LOOK_ROUTES \
	"Look at the routes of this host, and at its rules (ip route, ip rule)."
#define LOOK_FRAGMENTS                                                             \
	"Look at the sockets that send and receive UDP datagrams larger than the " \
	"MTU, and at what filters fragments on the path."
#define ADVICE_FRAGMENTS                                                              \
	"Send datagrams that fit the MTU of the path, or let fragments through: one " \
	"lost fragment loses the whole datagram."

/* clang-format off */
#define IP_ROWS(ID, NET, OUT, PARTS)                                                                \
	{ ID("InUnknownProtos"), PER_SECOND(1),                                              \
	  .clause = "this host refused # packet* of a protocol that nothing here receives",  \
	  .look = "Look at tunnels and protocols that are missing here (GRE, SCTP, IPsec): is their module loaded?", \
	  .advice = "Load the module, or configure the tunnel, at this end; or stop the sender." }, \
	{ ID("InDiscards"), PER_SECOND(10),                                                            \
	  .clause = "this host dropped # packet* on arrival: no memory was left, or IPv6 is disabled on the interface", \
	  .look = "Look at the free memory of the host, and at net.ipv6.conf.*.disable_ipv6.", \
	  .advice = "Enable IPv6 on the interface if it should receive it; otherwise free memory." }, \
	{ ID("OutDiscards"), NONE, .told = "stuck-sender",                                                          \
	  .clause = "this host dropped # outgoing packet* because of an OUTPUT rule of its firewall or a full interface queue", \
	  .look = "Look at the OUTPUT rules (nft list ruleset) and at the queues of the interfaces (tc -s qdisc).", \
	  .advice = "Correct the rule that drops them, or enlarge the queue." },             \
	{ ID("OutNoRoutes"), NONE, .told = "lost-address stuck-sender",                                                          \
	  .clause = "this host dropped # outgoing packet*: it has no route to the destination", \
	  .look = LOOK_ROUTES,                                                               \
	  .advice = "Add the route; answers need one to the address that the question came from, too." }, \
	{ ID("ReasmTimeout"), NONE,                                                          \
	  .clause = "this host discarded # incomplete datagram*: a fragment did not arrive in time (" NET ")", \
	  .look = LOOK_FRAGMENTS, .advice = ADVICE_FRAGMENTS },                              \
	{ ID("ReasmFails"), NONE, .parts = PARTS,                                                           \
	  .clause = "this host failed to reassemble # datagram* from fragments",     \
	  .look = LOOK_FRAGMENTS, .advice = ADVICE_FRAGMENTS },                              \
	{ ID("FragFails"), PER_SECOND(1),                                                    \
	  .clause = "this host dropped # packet* for exceeding the MTU: fragmentation is not allowed", \
	  .look = "Look at the MTU of the interfaces and routes (ip link, ip route), of tunnels above all.", \
	  .advice = "Let the ICMP messages about it reach the sender, or lower the MTU, or clamp the MSS of TCP." }, \
	{ ID("FragCreates"), PERCENT(1, OUT, 2),                                            \
	  .clause = "this host sent # fragment* of packets larger than the MTU",    \
	  .look = LOOK_FRAGMENTS, .advice = ADVICE_FRAGMENTS }

#define IP4(n) OF("Ip", n)
#define IP6(n) OF6("Ip6" n)
#define OUT4   "Ip", "OutRequests"
#define OUT6   "snmp6", "Ip6OutRequests"
/* clang-format on */

#define HEADERS                                                                                \
	.clause = "this host dropped # packet* with a damaged header or a used-up TTL",        \
	.look = "Look at the path of what is forwarded here: a routing loop uses up the TTL.", \
	.advice =                                                                              \
		"Follow the packets with probe --hops; correct the route that leads back."
#define NOT_OURS                                                                                        \
	.clause =                                                                                       \
		"this host dropped # packet* for addresses that are not its own (it does not forward)", \
	.look = "Look at the addresses of this host, and at net.ipv4.ip_forward and "                   \
		"net.ipv6.conf.all.forwarding.",                                                        \
	.advice =                                                                                       \
		"Add the address, correct the route of the sender, or enable forwarding."
#define NO_WAY_IN                                                                             \
	.clause =                                                                             \
		"this host dropped # packet* to forward: it has no route to the destination", \
	.look = LOOK_ROUTES, .advice = "Add the route, or correct that of the sender."
#define TRUNCATED                                                                   \
	.clause = "this host dropped # packet* shorter than the header says",       \
	.look = "Look at the interfaces and tunnels on the path that cut packets.", \
	.advice = "Repair or replace the part of the path that cuts them."

static const struct counter_row rows[] = {
	{ OF("Ip", "InHdrErrors"), PER_SECOND(1), .parts = "IpExtInCsumErrors", HEADERS },
	{ OF("Ip", "InAddrErrors"), PER_SECOND(10), NOT_OURS },
	IP_ROWS(IP4, "net.ipv4.ipfrag_time", OUT4, "IpReasmTimeout IpExtReasmOverlaps"),
	{ OF6("Ip6InHdrErrors"), PER_SECOND(1), HEADERS },
	{ OF6("Ip6InTooBigErrors"), PER_SECOND(1),
	  .clause =
		  "this host could not forward # packet* larger than the MTU of the next link",
	  .look = "Look at the MTU of the interfaces and routes, of tunnels above all.",
	  .advice = "Let ICMPv6 'packet too big' reach the sender; without it the sender "
		    "goes on in vain." },
	{ OF6("Ip6InNoRoutes"), NONE, NO_WAY_IN },
	{ OF6("Ip6InAddrErrors"), PER_SECOND(10), NOT_OURS },
	{ OF6("Ip6InTruncatedPkts"), NONE, TRUNCATED },
	IP_ROWS(IP6, "net.ipv6.ip6frag_time", OUT6, "Ip6ReasmTimeout"),
	{ OF("IpExt", "InNoRoutes"), NONE, NO_WAY_IN },
	{ OF("IpExt", "InTruncatedPkts"), NONE, TRUNCATED },
	{ OF("IpExt", "InCsumErrors"), NONE,
	  .clause =
		  "this host dropped # packet* with a wrong checksum of the IPv4 header",
	  .look = "Look at the interfaces on the path, and at their errors (ip -s link).",
	  .advice = "Replace the cable, port or offload that damages them." },
	{ OF("IpExt", "ReasmOverlaps"), NONE,
	  .clause = "this host dropped # datagram* with overlapping fragments",
	  .look = LOOK_FRAGMENTS,
	  .advice = "Find out who sends them: correct senders never do, attackers may." },
};

ROWS(counter_rows_ip, rows);
