/* What became of packets that arrived: each fate is subtracted once. */
#include "model/counter/arrivals.h"

#include <sys/socket.h>

#include "unit/unit.h"

#define IP_HEAD                                                                  \
	"Ip: InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos " \
	"InDiscards InDelivers ReasmReqds ReasmOKs\n"

static char snmp_before[] = IP_HEAD "Ip: 1000 1 2 3 4 5 900 0 0\n"
				    "Tcp: InSegs InCsumErrors\nTcp: 9 0\n"
				    "Udp: InDatagrams InCsumErrors\nUdp: 5 1\n";
/* 100 came: 60 delivered, 10 forwarded, 1 + 2 + 3 + 4 errors, 3 fragments became one. */
static char snmp_after[] = IP_HEAD "Ip: 1100 2 4 13 7 9 960 3 1\n"
				   "Tcp: InSegs InCsumErrors\nTcp: 9 2\n"
				   "Udp: InDatagrams InCsumErrors\nUdp: 5 4\n";
static char netstat_before[] = "TcpExt: IPReversePathFilter\nTcpExt: 5\n"
			       "IpExt: InNoRoutes InTruncatedPkts\nIpExt: 0 0\n";
static char netstat_after[] = "TcpExt: IPReversePathFilter\nTcpExt: 12\n"
			      "IpExt: InNoRoutes InTruncatedPkts\nIpExt: 1 1\n";
static char snmp6_before[] = "Ip6InReceives 10\nIp6InDelivers 10\nUdp6InCsumErrors 0\n";
static char snmp6_after[] = "Ip6InReceives 20\nIp6InDelivers 14\nIp6OutForwDatagrams 1\n"
			    "Udp6InCsumErrors 3\n";
static char newer_kernel[] = "Ip6InReceives 20\n";

static const struct counters before = { .snmp = snmp_before,
					.netstat = netstat_before,
					.snmp6 = snmp6_before };
static const struct counters after = { .snmp = snmp_after,
				       .netstat = netstat_after,
				       .snmp6 = snmp6_after };

static void four(void)
{
	struct arrivals a;

	arrivals_between(&before, &after, AF_INET, false, &a);
	CHECK(a.known && a.by_path == 7);
	CHECK_INT(a.dropped, 100 + 1 - 60 - 10 - 1 - 2 - 3 - 4 - 3 - 2 - 7);
	CHECK_INT(a.damaged, 2);
	arrivals_between(&before, &after, AF_INET, true, &a);
	CHECK_INT(a.damaged, 3);
	arrivals_between(&after, &after, AF_INET, false, &a);
	CHECK(a.known && !a.by_path && !a.dropped && !a.damaged);
}

static void six(void)
{
	struct counters none = { .snmp6 = newer_kernel };
	struct arrivals a;

	arrivals_between(&before, &after, AF_INET6, true, &a);
	CHECK(a.known && !a.by_path && a.dropped == 6 && a.damaged == 3);
	arrivals_between(&before, &none, AF_INET6, true, &a);
	CHECK(!a.known);
}

/* More delivered than received between two readings that are not of one moment. */
static void no_wrap(void)
{
	struct counters busy = { .snmp = snmp_after, .netstat = netstat_before };
	struct counters less = { .snmp = snmp_before, .netstat = netstat_after };
	struct arrivals a;

	arrivals_between(&busy, &less, AF_INET, false, &a);
	CHECK(a.known && a.dropped == 0);
}

/* Beyond one a second, and beyond what two numbers of a busy host differ by. */
static void dropped(void)
{
	static const struct {
		struct arrivals a;
		uint32_t ms;
		bool are;
	} rows[] = {
		{ { .known = true, .received = 2, .dropped = 2 }, 200, true },
		{ { .known = true, .received = 1, .dropped = 1 }, 200, false },
		{ { .known = true, .received = 9, .dropped = 3 }, 3000, false },
		{ { .known = true, .received = 9, .dropped = 4 }, 3000, true },
		{ { .known = true, .received = 10000, .dropped = 100 }, 200, false },
		{ { .known = true, .received = 10000, .dropped = 101 }, 200, true },
		{ { .received = 2, .dropped = 2 }, 200, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(arrivals_are_dropped(&rows[i].a, rows[i].ms), rows[i].are);
}

static void strict(void)
{
	static const struct strict_paths one = { { "eth0.7" }, 1 },
					 many = { { "a", "b", "c", "d" }, 9 };
	_cleanup_buf_ struct buf b = { 0 };

	strict_paths_put(&b, &one);
	buf_puts(&b, "; ");
	strict_paths_put(&b, &many);
	CHECK_STR(buf_cstr(&b),
		  "rp_filter is 1 on eth0.7; rp_filter is 1 on a, b, c, d and 5 more");
	buf_reset(&b);
	advise_loose_path(&b, (struct advised){ 0 }, one.v[0]);
	CHECK(strstr(buf_cstr(&b), "sysctl -w net.ipv4.conf.eth0/7.rp_filter=2"));
}

int main(void)
{
	RUN(four, "IPv4: fragments, errors, the reverse path filter and what is left");
	RUN(six, "IPv6 has no reverse path filter");
	RUN(no_wrap, "a difference is never less than nothing");
	RUN(dropped, "when what is left over is worth a word");
	RUN(strict, "interfaces whose filter is strict");
	return unit_done();
}
