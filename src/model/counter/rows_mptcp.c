/* Multipath TCP. */
#include "model/counter/counter_rows_private.h"

#define LOOK_MPTCP \
	"Look at the MPTCP connections (inspect -o +mptcp), and at 'ip mptcp endpoint'."
#define LOOK_PATH \
	"Look at firewalls and proxies on the path that remove or change TCP options."
#define ADVICE_PLAIN                                                              \
	"The connection works as plain TCP; let the path keep TCP options if it " \
	"should use several paths."
#define ADVICE_KEYS \
	"See whether a balancer sends subflows of one connection to several servers."
#define ADVICE_ENDPOINTS \
	"See the endpoints and limits (ip mptcp endpoint, ip mptcp limits)."
#define ADVICE_SUBFLOW "Ask the other addresses of the peer with probe."

/* clang-format off */
#define MP(n, c, l, a) { OF("MPTcpExt", n), NONE, .clause = c, .look = l, .advice = a }
/* clang-format on */

static const struct counter_row rows[] = {
	MP("MPCapableSYNTXDrop",
	   "this host went back to plain TCP for # connection*: SYNs with MPTCP got no answer",
	   LOOK_PATH,
	   "Find the firewall that drops SYNs with MPTCP; this host now leaves MPTCP out for "
	   "net.mptcp.blackhole_timeout."),
	MP("MPCapableSYNTXDisabled",
	   "this host opened # connection* without MPTCP: an earlier SYN with MPTCP got no answer",
	   LOOK_PATH,
	   "Find the firewall that drops SYNs with MPTCP; net.mptcp.blackhole_timeout sets for "
	   "how long it is left out."),
	MP("Blackhole",
	   "this host disabled MPTCP for a while because only plain SYNs got an answer, # time*",
	   LOOK_PATH, "Find the firewall that drops SYNs with MPTCP."),
	MP("MPCapableFallbackACK",
	   "# client* lost MPTCP during the handshake and went on with plain TCP",
	   LOOK_PATH, ADVICE_PLAIN),
	MP("MPCapableFallbackSYNACK",
	   "# server* did not answer with MPTCP: plain TCP is used", LOOK_PATH,
	   ADVICE_PLAIN),
	MP("MPCapableDataFallback", "# connection* lost MPTCP with the first data",
	   LOOK_PATH, ADVICE_PLAIN),
	MP("MPFallbackTokenInit",
	   "# connection* went back to plain TCP: no token was free", LOOK_MPTCP,
	   ADVICE_PLAIN),
	MP("MD5SigFallback",
	   "# connection* went back to plain TCP: MD5 signatures exclude MPTCP",
	   LOOK_MPTCP, ADVICE_PLAIN),
	MP("DssFallback",
	   "# connection* went back to plain TCP: data came without a mapping", LOOK_PATH,
	   ADVICE_PLAIN),
	MP("SimultConnectFallback",
	   "# connection* went back to plain TCP: both sides connected at once",
	   LOOK_MPTCP, ADVICE_PLAIN),
	MP("FallbackFailed",
	   "# connection* could not go back to plain TCP, and a subflow was reset",
	   LOOK_PATH, ADVICE_PLAIN),
	MP("InfiniteMapTx", "this host told # peer* to go on with plain TCP", LOOK_PATH,
	   ADVICE_PLAIN),
	MP("InfiniteMapRx", "# peer* went on with plain TCP", LOOK_PATH, ADVICE_PLAIN),
	{ OF("MPTcpExt", "MPTCPRetrans"), PER_SECOND(10),
	  .clause = "this host sent # segment* again over another subflow",
	  .look = LOOK_MPTCP, .advice = ADVICE_SUBFLOW },
	MP("MPJoinNoTokenFound",
	   "this host refused # subflow* to a connection that it does not have",
	   LOOK_MPTCP, ADVICE_KEYS),
	MP("MPJoinSynAckHMacFailure",
	   "this host refused # subflow*: the server's authentication code was wrong",
	   LOOK_MPTCP, ADVICE_KEYS),
	MP("MPJoinAckHMacFailure",
	   "this host refused # subflow*: the client's authentication code was wrong",
	   LOOK_MPTCP, ADVICE_KEYS),
	MP("MPJoinRejected", "this host refused # subflow* beyond its limits", LOOK_MPTCP,
	   ADVICE_ENDPOINTS),
	MP("MPJoinSynTxCreatSkErr", "this host could not create a socket for # subflow*",
	   LOOK_MPTCP, ADVICE_ENDPOINTS),
	MP("MPJoinSynTxBindErr", "this host could not bind # subflow* to its address",
	   LOOK_MPTCP,
	   "See whether the address of the endpoint is still there (ip mptcp endpoint)."),
	MP("MPJoinSynTxConnectErr", "this host could not connect # subflow*", LOOK_MPTCP,
	   ADVICE_SUBFLOW),
	MP("DSSNotMatching", "this host received # contradictory mapping*", LOOK_PATH,
	   ADVICE_PLAIN),
	MP("DSSCorruptionFallback",
	   "# connection* went back to plain TCP: data was damaged", LOOK_PATH,
	   ADVICE_PLAIN),
	MP("DSSCorruptionReset", "this host reset # subflow*: the data was damaged",
	   LOOK_PATH, "Find the proxy on the path that changes the data of TCP."),
	MP("DSSNoMatchTCP", "this host received # mapping* without matching data",
	   LOOK_PATH, ADVICE_PLAIN),
	MP("DataCsumErr",
	   "this host dropped # piece* of data with a wrong MPTCP checksum", LOOK_PATH,
	   "Find the proxy on the path that changes the data of TCP."),
	MP("NoDSSInWindow",
	   "this host dropped # piece* of data outside of the MPTCP window", LOOK_MPTCP,
	   ADVICE_SUBFLOW),
	MP("RcvPruned",
	   "this host dropped # segment* of MPTCP: the receive buffer was full",
	   LOOK_MPTCP, "Let the program read faster, or raise net.ipv4.tcp_rmem."),
	MP("AddAddrTxDrop", "this host could not send # announcement* of an address",
	   LOOK_MPTCP, ADVICE_ENDPOINTS),
	MP("EchoAddTxDrop", "this host could not confirm # announcement* of an address",
	   LOOK_MPTCP, ADVICE_ENDPOINTS),
	MP("AddAddrDrop", "this host ignored # announcement* of an address", LOOK_MPTCP,
	   ADVICE_ENDPOINTS),
	MP("MismatchPortSynRx",
	   "this host refused # subflow* to a port that it did not announce", LOOK_MPTCP,
	   ADVICE_ENDPOINTS),
	MP("MismatchPortAckRx",
	   "this host refused # subflow* to a port that it did not announce, at the end of the handshake",
	   LOOK_MPTCP, ADVICE_ENDPOINTS),
	MP("RmAddrDrop", "this host ignored # withdrawal* of an address", LOOK_MPTCP,
	   ADVICE_ENDPOINTS),
	MP("RmAddrTxDrop", "this host could not send # withdrawal* of an address",
	   LOOK_MPTCP, ADVICE_ENDPOINTS),
	MP("MPFailTx", "this host told # peer* that data was damaged", LOOK_PATH,
	   "Find the proxy on the path that changes the data of TCP."),
	MP("MPFailRx", "# peer* reported damaged data", LOOK_PATH,
	   "Find the proxy on the path that changes the data of TCP."),
	MP("MPFastcloseTx", "programs here aborted # MPTCP connection*",
	   "Look at the programs that close connections with data still coming.",
	   "Read until the end before close()."),
	MP("MPFastcloseRx", "peers aborted # MPTCP connection*", LOOK_MPTCP,
	   "See why the program of the peer closes before it has read all."),
	MP("MPRstTx", "this host reset # subflow*", LOOK_MPTCP, ADVICE_SUBFLOW),
	MP("MPRstRx", "peers reset # subflow*", LOOK_MPTCP, ADVICE_SUBFLOW),
	MP("SubflowStale", "# subflow* made no progress for a long time", LOOK_MPTCP,
	   ADVICE_SUBFLOW),
};

ROWS(counter_rows_mptcp, rows);
