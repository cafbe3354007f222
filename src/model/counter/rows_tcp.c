/* TCP: what every system counts (RFC 4022). */
#include "model/counter/counter_rows_private.h"

#define TCP(n) OF("Tcp", n)

static const struct counter_row rows[] = {
	{ TCP("AttemptFails"), PERCENT(20, "Tcp", "ActiveOpens", 10),
	  .told = "syn-sent-unanswered",
	  .clause = "# connection attempt* failed, made here or by clients",
	  .look = "Look at the connections in SYN-SENT and SYN-RECV (inspect state syn-sent).",
	  .advice = "Ask the destination with probe, which tells why connecting fails." },
	{ TCP("EstabResets"), PERCENT(50, "Tcp", "PassiveOpens", 50),
	  .clause = "# established connection* ended by a reset",
	  .look = "Look at programs that close before they have read all, and at balancers and "
		  "firewalls with short timeouts.",
	  .advice =
		  "See TcpExt TCPAbortOn...: they count the resets that programs of this host "
		  "cause." },
	{ TCP("RetransSegs"), PERCENT(3, "Tcp", "OutSegs", 10),
	  .told = "lossy-path syn-sent-unanswered",
	  .clause =
		  "this host retransmitted # segment*: data or acknowledgements were lost or late",
	  .look = "Look at the connections with retransmissions (inspect --sort retrans:desc).",
	  .advice =
		  "Find the part of the path that loses packets: the peers that have it in "
		  "common tell which." },
	{ TCP("InErrs"), NONE, .parts = "TcpInCsumErrors",
	  .clause = "this host dropped # TCP segment* with a malformed header",
	  .look = "Look at the interfaces and tunnels on the path.",
	  .advice =
		  "Find out with tcpdump who sends them, and repair that part of the path." },
	{ TCP("OutRsts"), PERCENT(10, "Tcp", "InSegs", 20),
	  .clause = "this host sent # reset*: to ports where nothing listens, or for "
		    "connections that its programs aborted",
	  .look = "Look at what should listen (inspect -l), and at TcpExt TCPAbortOn....",
	  .advice =
		  "Start the program that should have the port, or find out who connects "
		  "there." },
	{ TCP("InCsumErrors"), NONE,
	  .clause = "this host dropped # TCP segment* with a wrong checksum",
	  .look = "Look at the interfaces on the path: tunnels and virtual machines whose "
		  "checksum offload is broken.",
	  .advice =
		  "Turn off checksum offload on the interface that sends them, or replace the "
		  "part that damages them." },
};

ROWS(counter_rows_tcp, rows);
