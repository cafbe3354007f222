#include "kernel/netlink/neighbour.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "kernel/netlink/route.h"
#include "kernel/netlink/rtnl.h"

enum { LOWER_UP = 0x10000 }; /* IFF_LOWER_UP, which <net/if.h> lacks */

struct ask {
	const struct addr *to;
	struct addr hop;
	uint32_t oif;
	uint16_t state; /* NUD_*; 0 = none known */
	struct hardware there;
	uint8_t type; /* of the route: RTN_* */
};

static size_t ip_len(const struct addr *a)
{
	return a->family == AF_INET ? 4 : 16;
}

static int take_route(const struct nlmsghdr *h, void *ctx)
{
	struct ask *ask = ctx;
	struct rtnl_route r;

	if (!rtnl_route(h, &r))
		return 0;
	ask->type = r.type;
	if (r.type != RTN_UNICAST)
		return 0;
	ask->hop = r.hop.family ? r.hop : *ask->to;
	ask->oif = r.hop_unknown ? 0 : r.ifindex;
	ask->hop.port = 0;
	ask->hop.scope = addr_is_link_local(&ask->hop) ? ask->oif : 0;
	return 0;
}

static int take_neighbour(const struct nlmsghdr *h, void *ctx)
{
	struct ask *ask = ctx;

	rtnl_neighbour(h, &ask->state);
	rtnl_hardware(h, &ask->there);
	return 0;
}

static int ask_neighbour(struct nl *nl, struct ask *ask)
{
	union {
		struct nlmsghdr h;
		char room[128];
	} req = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ndmsg)),
			 .nlmsg_type = RTM_GETNEIGH } };
	struct ndmsg *m = NLMSG_DATA(&req.h);

	m->ndm_family = ask->hop.family;
	m->ndm_ifindex = (int)ask->oif;
	route_attribute(&req.h, NDA_DST, ask->hop.ip, ip_len(&ask->hop));
	return nl_ask(nl, &req.h, take_neighbour, ask);
}

struct ask_link {
	uint32_t ifindex, flags;
	bool known;
};

static int take_flags(const struct nlmsghdr *h, void *ctx)
{
	struct ask_link *link = ctx;

	link->known |= rtnl_link_flags(h, link->ifindex, &link->flags);
	return 0;
}

static bool lacks_carrier(struct nl *nl, uint32_t ifindex)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg m;
	} req = {
		.h = { .nlmsg_type = RTM_GETLINK, .nlmsg_len = sizeof(req) },
		.m = { .ifi_index = (int)ifindex },
	};
	struct ask_link link = { .ifindex = ifindex };

	return nl_ask(nl, &req.h, take_flags, &link) == 0 && link.known &&
	       (link.flags & IFF_UP) && !(link.flags & LOWER_UP);
}

enum neighbour neighbour_of(const struct addr *to, uint32_t ifindex, uint32_t mark,
			    struct silent_hop *hop)
{
	struct addr plain = addr_unmapped(to);
	struct ask ask = { .to = &plain };
	struct nl nl;

	*hop = (struct silent_hop){ 0 };
	if (nl_open_route(&nl) < 0)
		return NEIGHBOUR_UNKNOWN;
	if (route_ask(&nl, &plain, ifindex ? ifindex : plain.scope, mark, take_route,
		      &ask) == 0 &&
	    ask.oif)
		ask_neighbour(&nl, &ask);
	*hop = (struct silent_hop){ .addr = ask.hop };
	if (ask.oif && if_indextoname(ask.oif, hop->dev))
		/* Whoever is asked there, and where nobody is, as on a tunnel. */
		hop->no_carrier = lacks_carrier(&nl, ask.oif);
	nl_close(&nl);
	return ask.state & NUD_FAILED	    ? NEIGHBOUR_FAILED
	       : ask.state & NUD_INCOMPLETE ? NEIGHBOUR_ASKED
					    : NEIGHBOUR_UNKNOWN;
}

bool neighbour_hardware(const struct addr *to, struct addr *hop, struct hardware *there)
{
	struct addr plain = addr_unmapped(to);
	struct ask ask = { .to = &plain };
	struct nl nl;
	bool found;

	if (nl_open_route(&nl) < 0)
		return false;
	found = route_ask(&nl, &plain, plain.scope, 0, take_route, &ask) == 0 && ask.oif;
	if (found)
		ask_neighbour(&nl, &ask);
	nl_close(&nl);
	*hop = ask.hop;
	*there = ask.there;
	return found;
}

bool neighbour_is_own(const struct addr *a)
{
	struct addr plain = addr_unmapped(a);
	struct ask ask = { .to = &plain };
	struct nl nl;

	if (nl_open_route(&nl) < 0)
		return false;
	route_ask(&nl, &plain, 0, 0, take_route, &ask);
	nl_close(&nl);
	return ask.type == RTN_LOCAL;
}

struct find_link {
	const struct hardware *wanted;
	bool found;
};

static int take_link(const struct nlmsghdr *h, void *ctx)
{
	struct find_link *find = ctx;
	struct hardware of;

	find->found |= rtnl_hardware(h, &of) && hardware_same(&of, find->wanted);
	return 0;
}

bool neighbour_is_here(const struct hardware *h)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg m;
	} req = {
		.h = { .nlmsg_type = RTM_GETLINK, .nlmsg_len = sizeof(req) },
	};
	struct find_link find = { .wanted = h };
	struct nl nl;

	if (nl_open_route(&nl) < 0)
		return false;
	nl_dump(&nl, &req.h, take_link, &find);
	nl_close(&nl);
	return find.found;
}
