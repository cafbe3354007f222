#include "kernel/explain/arrivals_now.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "kernel/netlink/route.h"
#include "kernel/netlink/rtnl.h"
#include "kernel/proc/counters_read.h"
#include "kernel/proc/path_filter.h"
#include "model/counter/arrivals.h"
#include "model/counter/counters_judge.h"

static int take_interface(const struct nlmsghdr *h, void *ctx)
{
	struct rtnl_route r;
	uint32_t *ifindex = ctx;

	if (rtnl_route(h, &r))
		*ifindex = r.ifindex;
	return 0;
}

static void find_way(struct unheard *u)
{
	struct addr to = addr_unmapped(&u->peer);
	uint32_t ifindex = 0;
	struct nl nl;

	if (nl_open_route(&nl) < 0)
		return;
	if (route_ask(&nl, &to, to.scope, 0, take_interface, &ifindex) < 0 || !ifindex ||
	    !if_indextoname(ifindex, u->leaves))
		u->leaves[0] = '\0';
	nl_close(&nl);
}

/* What the attempt itself makes rise, or other words tell. */
static const char told_elsewhere[] =
	"TcpExtIPReversePathFilter TcpExtTCPSynRetrans TcpExtTCPTimeouts TcpRetransSegs "
	"TcpAttemptFails IpOutDiscards Ip6OutDiscards";

/* Packets of the other family are not of the attempt. */
static bool is_of_family(const struct counter_row *row, bool four)
{
	return four ? !streq(row->table, "snmp6")
		    : !counter_has_word("Ip Icmp Udp UdpLite IpExt", row->table);
}

static void take_others(struct unheard *u, const struct counters *before,
			const struct counters *after, uint32_t ms)
{
	bool four = addr_unmapped(&u->peer).family == AF_INET;
	struct counter_rises rises;
	size_t i;

	counters_judge(before, after, ms, &rises);
	for (i = 0; i < rises.n && u->n_others < UNHEARD_OTHERS_MOST; i++)
		if (rises.v[i].row && is_of_family(rises.v[i].row, four) &&
		    !counter_has_word(told_elsewhere, rises.v[i].id))
			u->others[u->n_others++] =
				(struct unheard_other){ rises.v[i].row, rises.v[i].by };
}

void explain_arrivals(struct unheard *u, const struct counters *before, uint32_t ms)
{
	struct counters after;
	struct arrivals a;

	counters_read(&after);
	arrivals_between(before, &after, addr_unmapped(&u->peer).family, u->udp, &a);
	take_others(u, before, &after, ms);
	counters_free(&after);
	u->counted = a.known;
	u->by_path = a.by_path;
	u->in_other = a.dropped;
	u->damaged = a.damaged;
	u->kept = a.kept;
}

void explain_unheard(struct unheard *u, uint32_t ifindex, bool routed)
{
	bool four = addr_unmapped(&u->peer).family == AF_INET;

	if (ifindex && !if_indextoname(ifindex, u->arrived))
		u->arrived[0] = '\0';
	if (ifindex && routed)
		find_way(u);
	if (!four || !u->by_path)
		return;
	if (!u->arrived[0])
		strict_paths_read(&u->strict);
	else if (!path_filter_read(u->arrived, &u->filter))
		u->filter = 0;
}
