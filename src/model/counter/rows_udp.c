/* UDP and UDP-Lite, over IPv4 and IPv6: the same counters. */
#include "model/counter/counter_rows_private.h"

#define LOOK_RECEIVER                                                                        \
	"Look at the UDP sockets with drops (inspect -u --findings=all); net.core.rmem_max " \
	"bounds their buffers."

/* clang-format off */
#define UDP_ROWS(ID, IN)                                                                     \
	{ ID("NoPorts"), PER_SECOND(10),                                                     \
	  .clause = "this host refused # datagram*: no UDP socket has that address and port",                                                \
	  .look = "Look at the UDP sockets of this host (inspect -u); Icmp OutDestUnreachs " \
		  "rises with it.",                                                          \
	  .advice = "Start the program that should have the port, or find out who sends there: " \
		    "an answer that comes from another address than the one asked ends here, too." }, \
	{ ID("InErrors"), NONE, .parts = IN,                                                 \
	  .told = "udp-drops unread-datagrams",                                              \
	  .clause = "this host dropped # datagram* at a socket for another reason than a full buffer or a wrong checksum",                         \
	  .look = "Look at socket filters (SO_ATTACH_FILTER) and IPsec policies of the UDP " \
		  "sockets.",                                                                \
	  .advice = "Find the filter, or the policy, that refuses them, and correct it." },  \
	{ ID("RcvbufErrors"), NONE, .told = "udp-drops unread-datagrams",                    \
	  .clause = "this host dropped # datagram*: the receive buffer of the socket was full", \
	  .look = LOOK_RECEIVER,                                                             \
	  .advice = "Let the program read faster, or give its socket a larger SO_RCVBUF." }, \
	{ ID("SndbufErrors"), PER_SECOND(1),                                                 \
	  .clause = "this host did not send # datagram*: the send buffer, or a queue of the interface, was full", \
	  .look = "Look at the SEND-Q of the UDP sockets (inspect -u), and at the queue of the interface.", \
	  .advice = "Send more slowly, or raise SO_SNDBUF and the txqueuelen of the interface." }, \
	{ ID("InCsumErrors"), NONE,                                                          \
	  .clause = "this host dropped # datagram* with a wrong checksum",                   \
	  .look = "Look at the interfaces on the path: tunnels and virtual machines whose checksum offload is broken.", \
	  .advice = "Turn off checksum offload on the interface that sends them, or replace the part that damages them." }

#define UDP_MEM_ROW(ID)                                                                      \
	{ ID("MemErrors"), NONE, .told = "udp-drops",                                        \
	  .clause = "this host dropped # datagram*: UDP has no memory left (net.ipv4.udp_mem)", \
	  .look = "Look at the UDP sockets that hold the most memory (inspect -u --sort rmem_alloc:desc).", \
	  .advice = "Let their programs read; raise net.ipv4.udp_mem only if the load is real." }

#define UDP(n)	    OF("Udp", n)
#define UDP_LITE(n) OF("UdpLite", n)
#define UDP6(n)	    OF6("Udp6" n)
#define UDP_LITE6(n) OF6("UdpLite6" n)
/* clang-format on */

static const struct counter_row rows[] = {
	UDP_ROWS(UDP, "UdpRcvbufErrors UdpInCsumErrors UdpMemErrors"),
	UDP_MEM_ROW(UDP),
	UDP_ROWS(UDP_LITE, "UdpLiteRcvbufErrors UdpLiteInCsumErrors UdpLiteMemErrors"),
	UDP_MEM_ROW(UDP_LITE),
	UDP_ROWS(UDP6, "Udp6RcvbufErrors Udp6InCsumErrors Udp6MemErrors"),
	UDP_MEM_ROW(UDP6),
	UDP_ROWS(UDP_LITE6,
		 "UdpLite6RcvbufErrors UdpLite6InCsumErrors UdpLite6MemErrors"),
	UDP_MEM_ROW(UDP_LITE6),
};

ROWS(counter_rows_udp, rows);
