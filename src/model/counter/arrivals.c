#include "model/counter/arrivals.h"

#include <string.h>
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

/* Of IPv4 and IPv6: what was meant to be sent, and what was. */
static const struct counter_name meant[][2] = {
	{ { "Ip", "OutRequests" }, { "Ip", "ForwDatagrams" } },
	{ { "snmp6", "Ip6OutRequests" }, { "snmp6", "Ip6OutForwDatagrams" } },
};
static const struct counter_name sent[] = {
	{ "Ip", "OutTransmits" },
	{ "snmp6", "Ip6OutTransmits" },
};

static uint64_t grown(const struct counters *before, const struct counters *after,
		      const struct counter_name *of, bool *known)
{
	uint64_t by = 0;

	if (!counters_grown(before, after, of->table, of->name, &by))
		*known = false;
	return by;
}

static uint64_t kept_back(const struct counters *before, const struct counters *after,
			  bool six)
{
	bool known = true;
	uint64_t all = grown(before, after, &meant[six][0], &known) +
		       grown(before, after, &meant[six][1], &known);
	uint64_t out = grown(before, after, &sent[six], &known);

	return known && all > out ? all - out : 0;
}

void arrivals_between(const struct counters *before, const struct counters *after,
		      int family, bool udp, struct arrivals *a)
{
	bool six = family == AF_INET6, ignored = true;
	const struct counter_name *gone = six ? gone6 : gone4;
	size_t i, n = six ? ARRAY_SIZE(gone6) : ARRAY_SIZE(gone4);
	uint64_t all, less;

	*a = (struct arrivals){ .known = true };
	a->received = grown(before, after, &came[six][0], &a->known);
	all = a->received + grown(before, after, &came[six][1], &ignored);
	less = grown(before, after, &gone[0], &a->known);
	for (i = 1; i < n; i++)
		less += grown(before, after, &gone[i], &ignored);
	if (!six)
		a->by_path = grown(before, after, &by_path, &a->known);
	less += a->by_path;
	a->dropped = all > less ? all - less : 0;
	a->kept = kept_back(before, after, six);
	a->damaged = grown(before, after, &damaged[udp ? 1 + six : 0], &ignored);
}

bool arrivals_are_dropped(const struct arrivals *a, uint32_t ms)
{
	enum { PER_SECOND = 1, PERCENT = 1 };

	return a->known && a->dropped > ((uint64_t)PER_SECOND * ms + 999) / 1000 &&
	       a->dropped * 100 > a->received * PERCENT;
}

void strict_paths_put(struct buf *b, const struct strict_paths *p)
{
	size_t i, n = MIN(p->n, (size_t)STRICT_PATHS_MOST);

	buf_puts(b, "rp_filter is 1 on ");
	for (i = 0; i < n; i++) {
		buf_puts(b, i ? ", " : "");
		buf_put_escaped(b, p->v[i], strlen(p->v[i]));
	}
	if (p->n > n)
		buf_printf(b, " and %zu more", p->n - n);
}

void advise_loose_path(struct buf *b, struct advised who, const char *device)
{
	char name[IF_NAMESIZE] = "";
	size_t i;

	/* The names of sysctl(8) have '/' where the path has a dot. */
	for (i = 0; device[i] && i + 1 < sizeof(name); i++)
		name[i] = device[i] == '.' ? '/' : device[i];
	advise(b, ADVICE_LOOSE_PATH, who, name);
}
