/* TCP and the reverse path filter: what Linux counts besides. */
#include "model/counter/counter_rows_private.h"

#define EXT(n) OF("TcpExt", n)

#define QUEUE_FINDINGS                                                       \
	"accept-queue-full accept-queue-filling accept-stalled accept-slow " \
	"accept-queue-overflow syn-queue-pressure"
#define LOOK_LISTENERS "Look at the listeners and their queues (inspect -l)."
#define LOOK_READERS                                                                   \
	"Look at the connections with the most received and not read (inspect --sort " \
	"recv_queue:desc)."
#define LOOK_MEMORY \
	"Look at the sockets that hold the most memory (inspect --sort rmem_alloc:desc)."
#define LOOK_PAWS                                                              \
	"Look at clients behind one NAT address, and at balancers that share " \
	"connections: their timestamps differ."
#define ADVICE_PAWS                                                         \
	"Let the NAT or balancer rewrite or remove TCP timestamps, or set " \
	"net.ipv4.tcp_timestamps to 0 on one side."
#define LOOK_KEYS \
	"Look at the keys of the sockets: BGP daemons mostly (TCP_MD5SIG, TCP_AO)."
#define ADVICE_KEYS "Give both sides the same key for each other's address."
#define ADVICE_ICMP "Nothing needs to be done while few come: forged errors end here."
#define LOOK_DUPLICATES                                                           \
	"Look for two devices that both believe the other has lost its place: a " \
	"balancer or firewall that rewrites sequence numbers, mostly."
#define ADVICE_DUPLICATES                                           \
	"Find out with tcpdump who repeats the segments; net.ipv4." \
	"tcp_invalid_ratelimit sets how often each is answered."
#define LOOK_ABORTS   "Look at the programs that close connections with data still coming."
#define LOOK_FASTOPEN "Look at net.ipv4.tcp_fastopen, and at the listeners that use it."

/* clang-format off */
#define SKIPPED(n, in)                                                                       \
	{ EXT(n), PER_SECOND(10),                                                            \
	  .clause = "this host withheld # answer* to repeated or invalid segments " in, \
	  .look = LOOK_DUPLICATES, .advice = ADVICE_DUPLICATES }
#define KEYED(n, what)                                                                       \
	{ EXT(n), NONE, .clause = "this host dropped # segment* " what,                      \
	  .look = LOOK_KEYS, .advice = ADVICE_KEYS }
/* clang-format on */

static const struct counter_row rows[] = {
	{ EXT("SyncookiesSent"), NONE, .told = QUEUE_FINDINGS,
	  .clause =
		  "this host answered # SYN* with a cookie: the queue of half-open connections of a listener was full",
	  .look = LOOK_LISTENERS,
	  .advice =
		  "Raise the backlog of the listener and net.ipv4.tcp_max_syn_backlog; many "
		  "sources at once are a SYN flood, which cookies withstand." },
	{ EXT("SyncookiesFailed"), PER_SECOND(1),
	  .clause =
		  "this host dropped # segment* to listeners: no recent SYN cookie matches",
	  .look = LOOK_LISTENERS,
	  .advice = "Find out who sends them: clients of connections that this host has "
		    "forgotten, or a scan." },
	{ EXT("EmbryonicRsts"), PER_SECOND(10),
	  .clause = "clients reset # half-open connection*",
	  .look = "Look at health checks and scans, which connect in this way.",
	  .advice =
		  "Let health checks complete the connection; otherwise nothing needs to be "
		  "done." },
	{ EXT("PruneCalled"), NONE, .told = "tcp-memory stuck-reader slow-reader",
	  .clause =
		  "this host squeezed the receive queue of a connection for lack of memory, # time*",
	  .look = LOOK_READERS,
	  .advice = "Let the program read faster, or raise net.ipv4.tcp_rmem." },
	{ EXT("RcvPruned"), NONE, .told = "tcp-memory",
	  .clause =
		  "this host dropped # segment*: the receive buffer of the connection was full",
	  .look = LOOK_READERS,
	  .advice = "Let the program read faster, or raise net.ipv4.tcp_rmem." },
	{ EXT("OfoPruned"), NONE, .told = "tcp-memory",
	  .clause =
		  "this host dropped all data received out of order on a connection because the buffer was full, # time*",
	  .look = LOOK_READERS,
	  .advice = "Raise net.ipv4.tcp_rmem, and find the loss that makes the gaps." },
	{ EXT("OutOfWindowIcmps"), PER_SECOND(1),
	  .clause =
		  "this host ignored # ICMP error* without a matching segment of the connection",
	  .look = "Look at routers that send them late, or at who forges them.",
	  .advice = ADVICE_ICMP },
	{ EXT("LockDroppedIcmps"), PER_SECOND(1),
	  .clause =
		  "this host ignored # ICMP error*: a program was using the connection at that moment",
	  .look = "Look at the peers that send ICMP errors.",
	  .advice = "Nothing needs to be done: the next error is taken." },
	{ EXT("ArpFilter"), PER_SECOND(1),
	  .clause = "this host left # ARP request* without an answer (arp_filter)",
	  .look = "Look at net.ipv4.conf.*.arp_filter, and at the routes back to who asks.",
	  .advice =
		  "Set arp_filter to 0, or give each interface a route to those who ask on "
		  "it." },
	{ EXT("PAWSActive"), NONE, .look = LOOK_PAWS, .advice = ADVICE_PAWS,
	  .clause =
		  "this host dropped # answer* to its SYNs because of an invalid timestamp" },
	{ EXT("PAWSEstab"), PER_SECOND(1), .look = LOOK_PAWS, .advice = ADVICE_PAWS,
	  .clause =
		  "this host dropped # segment* with an older timestamp than the last" },
	{ EXT("PAWSTimewait"), NONE, .look = LOOK_PAWS, .advice = ADVICE_PAWS,
	  .clause =
		  "this host dropped # SYN* for a connection in TIME-WAIT because of an old timestamp" },
	{ EXT("TSEcrRejected"), PER_SECOND(1), .look = LOOK_PAWS, .advice = ADVICE_PAWS,
	  .clause =
		  "this host dropped # acknowledgement* of its SYN-ACKs because of a wrong echoed timestamp" },
	{ EXT("BeyondWindow"), PER_SECOND(1),
	  .clause = "this host dropped # segment* beyond the window that it had offered",
	  .look = LOOK_DUPLICATES,
	  .advice = "Find out with tcpdump who sends more than was offered." },
	{ EXT("ListenOverflows"), NONE, .told = QUEUE_FINDINGS,
	  .clause =
		  "this host dropped # SYN* or last step* of a handshake: the accept queue of "
		  "the listener was full",
	  .look = LOOK_LISTENERS,
	  .advice = "Let the program accept faster, or raise its backlog and "
		    "net.core.somaxconn." },
	{ EXT("ListenDrops"), NONE, .told = QUEUE_FINDINGS,
	  .parts = "TcpExtListenOverflows TcpExtTCPReqQFullDrop",
	  .clause =
		  "this host dropped # connection* at a listener whose accept queue was not full: no route back, no memory, or too many half-open ones",
	  .look = LOOK_LISTENERS,
	  .advice =
		  "See whether there is a route back to the clients (IpOutNoRoutes rises with it), and raise net.ipv4.tcp_max_syn_backlog if they are many." },
	{ EXT("TCPSACKReneging"), NONE,
	  .clause = "peers discarded data after acknowledging it selectively, # time*",
	  .look = "Look at the peers with retransmissions (inspect --sort retrans:desc).",
	  .advice =
		  "See why the peer lacks receive buffer, or which device between forges "
		  "acknowledgements." },
	{ EXT("TCPTimeouts"), PERCENT(2, "Tcp", "OutSegs", 5),
	  .told = "lossy-path syn-sent-unanswered stuck-sender",
	  .clause =
		  "this host received no acknowledgement in time and retransmitted, # time*",
	  .look = "Look at the connections with a retransmission timer (inspect -o +timer).",
	  .advice =
		  "Ask the peers with probe; the part of the path that they have in common "
		  "loses packets." },
	{ EXT("TCPAbortOnData"), PERCENT(50, "Tcp", "PassiveOpens", 20),
	  .look = LOOK_ABORTS,
	  .clause =
		  "programs here aborted # connection*: data came after close(), or SO_LINGER "
		  "was 0",
	  .advice =
		  "Shut down for sending, read until the end, and close then; the peer loses "
		  "what was on the way." },
	{ EXT("TCPAbortOnClose"), PERCENT(50, "Tcp", "PassiveOpens", 20),
	  .look = LOOK_ABORTS,
	  .clause = "programs here closed # connection* with unread data",
	  .advice = "Read until the end before close(); the peer gets a reset." },
	{ EXT("TCPAbortOnMemory"), NONE, .told = "tcp-memory",
	  .clause =
		  "this host aborted # connection*: memory was short, or net.ipv4.tcp_max_orphans was reached",
	  .look = LOOK_MEMORY,
	  .advice =
		  "See who leaves connections behind with unsent data; raise tcp_mem or "
		  "tcp_max_orphans only if the load is real." },
	{ EXT("TCPAbortOnTimeout"), PER_SECOND(1),
	  .clause = "this host gave up # connection*: the peer stopped answering",
	  .look = "Look at the connections with a timer that has been doubled (inspect -o "
		  "+timer).",
	  .advice =
		  "Ask the peer with probe; a firewall that forgets idle connections needs "
		  "TCP keepalives." },
	{ EXT("TCPAbortOnLinger"), PER_SECOND(1),
	  .clause =
		  "this host gave up # connection* in FIN-WAIT-2 without the FIN of the peer",
	  .look = "Look at the connections in FIN-WAIT-2, and at TCP_LINGER2 of their sockets.",
	  .advice = "Let the program of the peer close its side." },
	{ EXT("TCPAbortFailed"), NONE,
	  .clause = "this host could not send # reset*: no memory was left",
	  .look = LOOK_MEMORY,
	  .advice =
		  "Free memory; the peers were not told that these connections ended." },
	{ EXT("TCPMemoryPressures"), NONE, .told = "tcp-memory",
	  .clause = "TCP came under memory pressure (net.ipv4.tcp_mem), # time*",
	  .look = LOOK_MEMORY,
	  .advice =
		  "Let the programs read; raise net.ipv4.tcp_mem only if the load is real." },
	{ EXT("TCPSACKDiscard"), PER_SECOND(1),
	  .clause = "this host ignored # invalid selective acknowledgement*",
	  .look = LOOK_DUPLICATES,
	  .advice =
		  "Let the device that rewrites sequence numbers rewrite SACK options, too, "
		  "or remove them." },
	KEYED("TCPMD5NotFound", "without the required MD5 signature"),
	KEYED("TCPMD5Unexpected", "with an unexpected MD5 signature"),
	KEYED("TCPMD5Failure", "with a wrong MD5 signature"),
	KEYED("TCPAORequired", "without the required TCP-AO signature"),
	KEYED("TCPAOBad", "with a wrong TCP-AO signature"),
	KEYED("TCPAOKeyNotFound", "with an unknown TCP-AO key"),
	{ EXT("TCPAODroppedIcmps"), PER_SECOND(1),
	  .clause =
		  "this host ignored # ICMP error* about connections that TCP-AO protects",
	  .look = LOOK_KEYS, .advice = ADVICE_ICMP },
	{ EXT("TCPBacklogDrop"), NONE,
	  .clause =
		  "this host dropped # segment*: the backlog of the connection was full while a program used it",
	  .look = LOOK_READERS,
	  .advice = "Raise net.ipv4.tcp_rmem or SO_RCVBUF, and read in smaller steps." },
	{ EXT("PFMemallocDrop"), NONE,
	  .clause =
		  "this host dropped # packet*: memory was so short that only swapping may "
		  "use it",
	  .look = "Look at the free memory of the host, and at vm.min_free_kbytes.",
	  .advice = "Free memory, or raise vm.min_free_kbytes." },
	{ EXT("TCPMinTTLDrop"), NONE,
	  .clause =
		  "this host dropped # segment* with a TTL below the minimum of the socket (IP_MINTTL)",
	  .look = "Look at sockets with IP_MINTTL: BGP daemons mostly (ttl-security).",
	  .advice = "Set the number of hops to what probe --hops shows." },
	{ EXT("TCPDeferAcceptDrop"), PER_SECOND(10),
	  .clause = "this host left # handshake* unfinished until data comes "
		    "(TCP_DEFER_ACCEPT)",
	  .look = LOOK_LISTENERS,
	  .advice =
		  "Nothing needs to be done where the client speaks first; otherwise leave "
		  "out TCP_DEFER_ACCEPT ('deferred' of nginx, 'accf' of Apache)." },
	{ EXT("IPReversePathFilter"), NONE,
	  .clause =
		  "this host dropped # packet* by rp_filter: the route back to the source leads through another interface",
	  .look = "Look at net.ipv4.conf.*.rp_filter: of 'all' and the interface the greater "
		  "value counts.",
	  .advice =
		  "Set rp_filter to 2 on the interface that they come through, or add the "
		  "route to their source." },
	{ EXT("TCPTimeWaitOverflow"), NONE, .told = "time-wait-overflow",
	  .clause = "this host ended # connection* without TIME-WAIT: "
		    "net.ipv4.tcp_max_tw_buckets was reached",
	  .look = "Look at the connections in TIME-WAIT (inspect state time-wait --group peer).",
	  .advice =
		  "Let the clients reuse connections, or raise net.ipv4.tcp_max_tw_buckets." },
	{ EXT("TCPReqQFullDoCookies"), NONE, .told = QUEUE_FINDINGS,
	  .parts = "TcpExtSyncookiesSent",
	  .clause = "the queue of half-open connections was full for # SYN*",
	  .look = LOOK_LISTENERS,
	  .advice =
		  "Raise the backlog of the listener and net.ipv4.tcp_max_syn_backlog." },
	{ EXT("TCPReqQFullDrop"), NONE, .told = QUEUE_FINDINGS,
	  .clause =
		  "this host dropped # SYN*: the queue of half-open connections was full, and "
		  "SYN cookies are off",
	  .look = LOOK_LISTENERS,
	  .advice =
		  "Set net.ipv4.tcp_syncookies to 1, and raise net.ipv4.tcp_max_syn_backlog." },
	{ EXT("TCPRetransFail"), NONE,
	  .clause =
		  "this host could not retransmit # segment*: no memory, no route, or an OUTPUT rule",
	  .look = "Look at the OUTPUT rules and the routes to the peers.",
	  .advice = "Correct the rule or the route." },
	{ EXT("TCPOFODrop"), NONE, .told = "tcp-memory",
	  .clause = "this host dropped # segment* out of order: the buffer was full",
	  .look = LOOK_READERS,
	  .advice = "Raise net.ipv4.tcp_rmem, and find the loss that makes the gaps." },
	{ EXT("TCPChallengeACK"), PER_SECOND(10),
	  .clause = "this host answered # unexpected segment* with a challenge ACK",
	  .look = LOOK_DUPLICATES,
	  .advice =
		  "Find out with tcpdump who sends them: peers that were restarted, or a "
		  "device that rewrites sequence numbers." },
	{ EXT("TCPSYNChallenge"), PER_SECOND(1),
	  .clause = "this host received # SYN* for a connection that still exists here",
	  .look = "Look at clients that were restarted or sit behind NAT: they use a port anew.",
	  .advice = "Let TCP keepalives end connections whose client is gone." },
	{ EXT("TCPFastOpenActiveFail"), NONE, .look = LOOK_FASTOPEN,
	  .clause = "# attempt* to send data with the SYN failed",
	  .advice = "See whether the server, or a device between, takes TCP Fast Open." },
	{ EXT("TCPFastOpenPassiveFail"), NONE, .look = LOOK_FASTOPEN,
	  .clause =
		  "this host rejected the data of # SYN*: the Fast Open cookie was wrong",
	  .advice =
		  "Give all servers behind a balancer the same net.ipv4.tcp_fastopen_key." },
	{ EXT("TCPFastOpenListenOverflow"), NONE, .look = LOOK_FASTOPEN,
	  .clause = "this host rejected the data of # SYN*: the Fast Open queue was full",
	  .advice = "Raise the TCP_FASTOPEN queue length of the listener." },
	{ EXT("TCPFastOpenBlackhole"), NONE, .look = LOOK_FASTOPEN,
	  .clause =
		  "this host disabled TCP Fast Open for a while because data was lost on the way, # time*",
	  .advice =
		  "Find the firewall that drops SYNs with data, or turn off TCP Fast Open." },
	{ EXT("TCPSynRetrans"), PERCENT(5, "Tcp", "ActiveOpens", 3),
	  .told = "syn-sent-unanswered",
	  .clause = "this host sent # SYN* or SYN-ACK* again: no answer came",
	  .look = "Look at the connections in SYN-SENT and SYN-RECV.",
	  .advice =
		  "Ask the destination with probe; where clients do not answer SYN-ACKs, see "
		  "the route back to them." },
	SKIPPED("TCPACKSkippedSynRecv", "in SYN-RECV"),
	SKIPPED("TCPACKSkippedPAWS", "because of old timestamps"),
	SKIPPED("TCPACKSkippedSeq", "because of their sequence numbers"),
	SKIPPED("TCPACKSkippedFinWait2", "in FIN-WAIT-2"),
	SKIPPED("TCPACKSkippedTimeWait", "in TIME-WAIT"),
	SKIPPED("TCPACKSkippedChallenge", "after a recent challenge ACK"),
	{ EXT("TCPMTUPFail"), PER_SECOND(1),
	  .clause =
		  "# oversized segment* sent to find the MTU of the path did not arrive",
	  .look = "Look at net.ipv4.tcp_mtu_probing, and at the MTU of the routes.",
	  .advice =
		  "Few are normal, for that is how the MTU is found; otherwise set the MTU of "
		  "the route." },
	{ EXT("TCPZeroWindowDrop"), NONE, .told = "stuck-reader slow-reader",
	  .clause = "this host dropped # segment* sent although its window was closed",
	  .look = LOOK_READERS, .advice = "Let the program read." },
	{ EXT("TCPRcvQDrop"), NONE, .told = "tcp-memory",
	  .clause =
		  "this host dropped # segment*: there was no memory for the receive queue",
	  .look = LOOK_READERS,
	  .advice =
		  "Let the program read; raise net.ipv4.tcp_mem only if the load is real." },
	{ EXT("TCPWqueueTooBig"), NONE,
	  .clause = "this host refused to split # segment*: the send queue was too large",
	  .look = "Look at the sockets with a small SO_SNDBUF and much in SEND-Q.",
	  .advice = "Give the socket a larger SO_SNDBUF: at this bound a peer that "
		    "acknowledges single bytes stops the connection." },
	{ EXT("TCPMigrateReqFailure"), NONE,
	  .clause =
		  "this host lost # connection* that no other listener of the port could take over",
	  .look = LOOK_LISTENERS,
	  .advice =
		  "Let the new program listen with SO_REUSEPORT before the old one closes, and "
		  "see net.ipv4.tcp_migrate_req." },
};

ROWS(counter_rows_tcp_ext, rows);
