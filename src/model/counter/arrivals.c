#include "model/counter/arrivals.h"

#include <sys/socket.h>

#include "base/util.h"

struct counter_name {
	const char *table, *name;
};

/* What becomes of a packet that arrives, but for a socket of this host. */
static const struct counter_name gone4[] = {
	{ "Ip", "InDelivers" },		{ "Ip", "InHdrErrors" },
	{ "Ip", "InAddrErrors" },	{ "Ip", "InUnknownProtos" },
	{ "Ip", "InDiscards" },		{ "Ip", "ForwDatagrams" },
	{ "Ip", "ReasmReqds" },		{ "IpExt", "InNoRoutes" },
	{ "IpExt", "InTruncatedPkts" },
};
static const struct counter_name gone6[] = {
	{ "snmp6", "Ip6InDelivers" },	    { "snmp6", "Ip6InHdrErrors" },
	{ "snmp6", "Ip6InTooBigErrors" },   { "snmp6", "Ip6InNoRoutes" },
	{ "snmp6", "Ip6InAddrErrors" },	    { "snmp6", "Ip6InUnknownProtos" },
	{ "snmp6", "Ip6InTruncatedPkts" },  { "snmp6", "Ip6InDiscards" },
	{ "snmp6", "Ip6OutForwDatagrams" }, { "snmp6", "Ip6ReasmReqds" },
};

/* Fragments are received one by one, and delivered once. */
static const struct counter_name came[][2] = {
	{ { "Ip", "InReceives" }, { "Ip", "ReasmOKs" } },
	{ { "snmp6", "Ip6InReceives" }, { "snmp6", "Ip6ReasmOKs" } },
};

static const struct counter_name by_path = { "TcpExt", "IPReversePathFilter" };

static const struct counter_name damaged[] = {
	{ "Tcp", "InCsumErrors" },
	{ "Udp", "InCsumErrors" },
	{ "snmp6", "Udp6InCsumErrors" },
};

static uint64_t grown(const struct counters *before, const struct counters *after,
		      const struct counter_name *of, bool *known)
{
	uint64_t by = 0;

	if (!counters_grown(before, after, of->table, of->name, &by))
		*known = false;
	return by;
}

void arrivals_between(const struct counters *before, const struct counters *after,
		      int family, bool udp, struct arrivals *a)
{
	bool six = family == AF_INET6, ignored = true;
	const struct counter_name *gone = six ? gone6 : gone4;
	size_t i, n = six ? ARRAY_SIZE(gone6) : ARRAY_SIZE(gone4);
	uint64_t all, less;

	*a = (struct arrivals){ .known = true };
	all = grown(before, after, &came[six][0], &a->known) +
	      grown(before, after, &came[six][1], &ignored);
	less = grown(before, after, &gone[0], &a->known);
	for (i = 1; i < n; i++)
		less += grown(before, after, &gone[i], &ignored);
	if (!six)
		a->by_path = grown(before, after, &by_path, &a->known);
	less += a->by_path;
	a->dropped = all > less ? all - less : 0;
	a->damaged = grown(before, after, &damaged[udp ? 1 + six : 0], &ignored);
}
