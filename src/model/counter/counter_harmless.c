/* The counters that count what is normal: traffic, and how TCP adapts to its path. */
#include "base/util.h"
#include "model/counter/counter_row.h"

/* clang-format off */
#define UDP_NAMES(p) p "InDatagrams " p "OutDatagrams " p "IgnoredMulti"
#define ICMP_NAMES                                                                           \
	"InMsgs InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps InTimestampReps "   \
	"InAddrMasks InAddrMaskReps OutMsgs OutSrcQuenchs OutRedirects OutEchos OutEchoReps " \
	"OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps"
#define IP6_NAMES                                                                            \
	"Ip6InReceives Ip6InDelivers Ip6OutForwDatagrams Ip6OutRequests Ip6OutTransmits "    \
	"Ip6ReasmReqds Ip6ReasmOKs Ip6FragOKs Ip6InMcast* Ip6OutMcast* Ip6InOctets "         \
	"Ip6OutOctets Ip6InBcastOctets Ip6OutBcastOctets Ip6InNoECTPkts Ip6InECT1Pkts "      \
	"Ip6InECT0Pkts Ip6InCEPkts"
#define ICMP6_NAMES                                                                          \
	"Icmp6InMsgs Icmp6OutMsgs Icmp6InEchos Icmp6InEchoReplies Icmp6InGroupMemb* "        \
	"Icmp6InRouter* Icmp6InNeighbor* Icmp6InRedirects Icmp6InMLDv2Reports "              \
	"Icmp6OutEchos Icmp6OutEchoReplies Icmp6OutGroupMemb* Icmp6OutRouter* "              \
	"Icmp6OutNeighbor* Icmp6OutRedirects Icmp6OutMLDv2Reports Icmp6InType* Icmp6OutType*"
/* Those of loss recovery: what was lost is in Tcp RetransSegs and TcpExt TCPTimeouts. */
#define TCP_RECOVERY                                                                         \
	"TCPRenoRecovery TCPSackRecovery TCPSACKReorder TCPRenoReorder TCPTSReorder "        \
	"TCPFACKReorder TCPFullUndo TCPPartialUndo TCPDSACKUndo TCPLossUndo "                \
	"TCPLostRetransmit TCPRenoFailures TCPSackFailures TCPLossFailures TCPFastRetrans "  \
	"TCPForwardRetrans TCPSlowStartRetrans TCPLossProbes TCPLossProbeRecovery "          \
	"TCPRenoRecoveryFail TCPSackRecoveryFail TCPDSACKOldSent TCPDSACKOfoSent "           \
	"TCPDSACKRecv TCPDSACKOfoRecv TCPDSACKRecvSegs TCPDSACKIgnoredOld "                  \
	"TCPDSACKIgnoredNoUndo TCPDSACKIgnoredDubious TCPSpuriousRTOs "                      \
	"TCPSpuriousRtxHostQueues TCPSackShifted TCPSackMerged TCPSackShiftFallback "        \
	"TcpTimeoutRehash TcpDuplicateDataRehash TCPPLBRehash"
#define TCP_TRAFFIC                                                                          \
	"SyncookiesRecv TW TWRecycled TWKilled PAWSOldAck DelayedACKs DelayedACKLocked "     \
	"DelayedACKLost TCPHPHits TCPPureAcks TCPHPAcks TCPRcvCollapsed TCPBacklogCoalesce " \
	"TCPMemoryPressuresChrono TCPRcvCoalesce TCPOFOQueue TCPOFOMerge "                   \
	"TCPFastOpenActive TCPFastOpenPassive TCPFastOpenPassiveAltKey "                     \
	"TCPFastOpenCookieReqd BusyPollRxPackets TCPAutoCorking TCPFromZeroWindowAdv "       \
	"TCPToZeroWindowAdv TCPWantZeroWindowAdv TCPOrigDataSent TCPHystart* TCPWinProbe "   \
	"TCPKeepAlive TCPMTUPSuccess TCPDelivered TCPDeliveredCE TCPAckCompressed "          \
	"TCPMigrateReqSuccess TCPAOGood"
#define MPTCP_NAMES                                                                          \
	"MPCapableSYNRX MPCapableSYNTX MPCapableSYNACKRX MPCapableACKRX "                    \
	"MPCapableEndpAttempt MPJoinSynRx MPJoinSynBackupRx MPJoinSynAckRx "                 \
	"MPJoinSynAckBackupRx MPJoinAckRx MPJoinSynTx OFOQueueTail OFOQueue OFOMerge "       \
	"DuplicateData AddAddr AddAddrTx EchoAdd EchoAddTx PortAdd MPJoinPortSynRx "         \
	"MPJoinPortSynAckRx MPJoinPortAckRx RmAddr RmAddrTx RmSubflow MPPrioTx MPPrioRx "    \
	"SubflowRecover SndWndShared RcvWndShared RcvWndConflictUpdate RcvWndConflict "      \
	"MPCurrEstab WinProbe"
/* clang-format on */

static const struct counter_harmless harmless[] = {
	{ "Ip", "Forwarding DefaultTTL InReceives ForwDatagrams InDelivers OutRequests "
		"ReasmReqds ReasmOKs FragOKs OutTransmits" },
	{ "Icmp", ICMP_NAMES },
	{ "IcmpMsg", "InType* OutType*" },
	{ "Tcp", "RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens CurrEstab "
		 "InSegs OutSegs" },
	{ "Udp", UDP_NAMES("") },
	{ "UdpLite", UDP_NAMES("") },
	{ "snmp6", IP6_NAMES },
	{ "snmp6", ICMP6_NAMES },
	{ "snmp6", UDP_NAMES("Udp6") " " UDP_NAMES("UdpLite6") },
	{ "TcpExt", TCP_RECOVERY },
	{ "TcpExt", TCP_TRAFFIC },
	{ "IpExt", "InMcast* OutMcast* InBcast* OutBcast* InOctets OutOctets InNoECTPkts "
		   "InECT1Pkts InECT0Pkts InCEPkts" },
	{ "MPTcpExt", MPTCP_NAMES },
};

const struct counter_harmless *counter_harmless_at(size_t i)
{
	return i < ARRAY_SIZE(harmless) ? &harmless[i] : NULL;
}
