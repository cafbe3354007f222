#include "kernel/explain/way_of.h"

#include <dirent.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>

#include "kernel/netlink/route.h"
#include "kernel/netlink/rtnl.h"
#include "kernel/proc/procfile.h"

enum { DEVICES_MOST = 4096 }; /* of a host of containers */

static int take_type(const struct nlmsghdr *h, void *ctx)
{
	struct rtnl_route r;
	uint8_t *type = ctx;

	if (rtnl_route(h, &r))
		*type = r.type;
	return 0;
}

/* What a look-up says: the errno that a socket gets; 0 = there is a way. IPv4 answers
 * with it, IPv6 with a route of that type. */
static int look_up(struct nl *nl, const struct way_question *q, const struct addr *to,
		   const struct addr *from, uint8_t *type)
{
	struct route_flow flow = { .oif = q->ifindex ? q->ifindex : q->to.scope,
				   .mark = q->mark };
	int err;

	flow.to = *to;
	if (from)
		flow.from = *from;
	*type = RTN_UNSPEC;
	err = -route_ask_flow(nl, &flow, take_type, type);
	if (err)
		return err;
	switch (*type) {
	case RTN_BLACKHOLE:
		return EINVAL;
	case RTN_PROHIBIT:
		return EACCES;
	case RTN_UNREACHABLE:
		return EHOSTUNREACH;
	default:
		return 0;
	}
}

struct find_ignored {
	const struct addr *to;
	int best; /* the longest prefix so far; -1 = none */
	uint32_t ifindex;
};

static int take_linkdown(const struct nlmsghdr *h, void *ctx)
{
	struct find_ignored *find = ctx;
	struct rtnl_route r;

	if (rtnl_route(h, &r) && r.linkdown && r.type == RTN_UNICAST && r.ifindex &&
	    r.dst.prefix > find->best && addr_in_prefix(find->to, &r.dst)) {
		find->best = r.dst.prefix;
		find->ifindex = r.ifindex;
	}
	return 0;
}

static bool ignores(int family, const char *device)
{
	char path[64 + IF_NAMESIZE];
	uint64_t on;

	snprintf(path, sizeof(path), "ipv%d/conf/%.15s/ignore_routes_with_linkdown",
		 family == AF_INET ? 4 : 6, device);
	return procfile_sysctl(path, &on) && on;
}

/* Tables may be long: they are read only where an interface has the setting. */
static bool any_ignores(int family)
{
	DIR *dir = opendir(family == AF_INET ? "/proc/sys/net/ipv4/conf"
					     : "/proc/sys/net/ipv6/conf");
	struct dirent *d;
	bool found = false;
	size_t n = 0;

	while (dir && !found && (d = readdir(dir)) && n++ < DEVICES_MOST)
		found = d->d_name[0] != '.' && ignores(family, d->d_name);
	if (dir)
		closedir(dir);
	return found;
}

/* Where no route is found: whether there is one that counts as none without carrier. */
static bool find_ignored(struct nl *nl, const struct addr *to, char device[IF_NAMESIZE])
{
	struct {
		struct nlmsghdr h;
		struct rtmsg m;
	} req = {
		.h = { .nlmsg_type = RTM_GETROUTE, .nlmsg_len = sizeof(req) },
		.m = { .rtm_family = to->family },
	};
	struct find_ignored find = { .to = to, .best = -1 };

	return any_ignores(to->family) &&
	       nl_dump(nl, &req.h, take_linkdown, &find) == 0 && find.ifindex &&
	       if_indextoname(find.ifindex, device) &&
	       (ignores(to->family, "all") || ignores(to->family, device));
}

static enum way_kind kind_of_error(int err)
{
	return err == EINVAL	     ? WAY_BLACKHOLE
	       : err == EACCES	     ? WAY_PROHIBIT
	       : err == EHOSTUNREACH ? WAY_UNREACHABLE
	       : err == ENETUNREACH  ? WAY_NONE
				     : WAY_UNKNOWN;
}

/* Of an address that a route leads to. */
static enum way_kind kind_of_address(const struct way_question *q, uint8_t type)
{
	if (q->err != (q->stream ? ENETUNREACH : EACCES))
		return WAY_UNKNOWN;
	return type == RTN_BROADCAST		    ? WAY_BROADCAST
	       : type == RTN_MULTICAST && q->stream ? WAY_MULTICAST
						    : WAY_UNKNOWN;
}

void explain_way(const struct way_question *q, struct way_facts *f)
{
	struct addr to = addr_unmapped(&q->to), from = addr_unmapped(&q->from);
	bool bound = from.family == to.family && !addr_is_any(&from);
	uint8_t type;
	struct nl nl;
	int err;

	from.port = to.port = 0;
	*f = (struct way_facts){
		.err = q->err, .to = to, .from = from, .stream = q->stream
	};
	/* Without its interface a link-local address has no route at all. */
	if ((addr_is_link_local(&to) && !q->ifindex && !to.scope) ||
	    nl_open_route(&nl) < 0)
		return;
	err = look_up(&nl, q, &to, NULL, &type);
	if (err == q->err)
		f->kind = err == ENETUNREACH && find_ignored(&nl, &to, f->device)
				  ? WAY_IGNORED
				  : kind_of_error(err);
	else if (!err && (f->kind = kind_of_address(q, type)) == WAY_UNKNOWN && bound &&
		 look_up(&nl, q, &to, &from, &type) == q->err)
		f->kind = WAY_SOURCE;
	nl_close(&nl);
}
