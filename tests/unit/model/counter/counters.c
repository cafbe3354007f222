/* Counters by table and name, and what they rose by between two readings. */
#include "model/counter/counters.h"

#include "unit/unit.h"

static char before_snmp[] = "Ip: Forwarding InReceives\nIp: 1 7\n";
static char before_netstat[] = "TcpExt: ListenDrops Other\nTcpExt: 3 1\n"
			       "MPTcpExt: MPCapableSYNRX\nMPTcpExt: 0\n";
static char now_netstat[] = "TcpExt: ListenDrops Other\nTcpExt: 12 0\n";
static char now_snmp6[] = "Ip6InReceives                   \t18446744073709551615\n";

static void values(void)
{
	struct counters before = { .snmp = before_snmp, .netstat = before_netstat };
	struct counters now = { .netstat = now_netstat, .snmp6 = now_snmp6 };
	uint64_t n = 0;

	CHECK(counters_value(&before, "Ip", "InReceives", &n) && n == 7);
	CHECK(counters_value(&now, "snmp6", "Ip6InReceives", &n) && n == UINT64_MAX);
	CHECK(!counters_value(&before, "snmp6", "Ip6InReceives", &n));
	CHECK(!counters_value(&before, "TcpExt", "ListenDrop", &n));
	CHECK(counters_grown(&before, &now, "TcpExt", "ListenDrops", &n) && n == 9);
	CHECK(counters_grown(&before, &now, "TcpExt", "Other", &n) && n == 0);
	CHECK(!counters_grown(&before, &now, "MPTcpExt", "MPCapableSYNRX", &n));
}

int main(void)
{
	RUN(values, "by table and name, and between two readings");
	return unit_done();
}
