#include "kernel/netlink/presence_ask.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "kernel/netlink/route.h"
#include "kernel/netlink/rtnl.h"

struct own {
	void (*fn)(void *ctx, const struct addr *a, uint32_t ifindex);
	void *ctx;
};

static bool is_usable(uint32_t flags)
{
	return !(flags & IFA_F_DADFAILED) &&
	       (!(flags & IFA_F_TENTATIVE) || (flags & IFA_F_OPTIMISTIC));
}

static int take_own(const struct nlmsghdr *h, void *ctx)
{
	const struct own *own = ctx;
	struct rtnl_address a;

	if (rtnl_address(h, &a) && is_usable(a.flags))
		own->fn(own->ctx, &a.addr, a.ifindex);
	return 0;
}

static int dump_addresses(struct nl *nl, uint8_t family, nl_message_fn *fn, void *ctx)
{
	struct {
		struct nlmsghdr h;
		struct ifaddrmsg m;
	} req = {
		.h = { .nlmsg_type = RTM_GETADDR, .nlmsg_len = sizeof(req) },
		.m = { .ifa_family = family },
	};

	return nl_dump(nl, &req.h, fn, ctx);
}

int presence_own(void (*fn)(void *ctx, const struct addr *a, uint32_t ifindex), void *ctx)
{
	struct own own = { fn, ctx };
	struct nl nl;
	int r = nl_open_route(&nl);

	if (r < 0)
		return r;
	r = dump_addresses(&nl, AF_UNSPEC, take_own, &own);
	nl_close(&nl);
	return r;
}

/* What a question says that looks a route up: none, or one that is forbidden. */
static bool is_answer(int err)
{
	return err == 0 || err == -ENETUNREACH || err == -EHOSTUNREACH ||
	       err == -EINVAL || err == -EACCES || err == -ESRCH || err == -ENODEV;
}

static bool is_for_us(uint8_t type)
{
	return type == RTN_LOCAL || type == RTN_BROADCAST || type == RTN_ANYCAST ||
	       type == RTN_MULTICAST;
}

static int take_type(const struct nlmsghdr *h, void *ctx)
{
	bool *ours = ctx;
	struct rtnl_route r;

	if (rtnl_route(h, &r))
		*ours |= is_for_us(r.type);
	return 0;
}

struct link {
	uint32_t ifindex, master;
	bool found;
};

static int take_link(const struct nlmsghdr *h, void *ctx)
{
	struct link *link = ctx;

	link->found |= rtnl_link(h, link->ifindex, &link->master);
	return 0;
}

static int ask_link(struct nl *nl, struct link *link)
{
	const uint32_t brief = RTEXT_FILTER_SKIP_STATS;
	union {
		struct nlmsghdr h;
		char room[64];
	} req = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			 .nlmsg_type = RTM_GETLINK } };
	struct ifinfomsg *m = NLMSG_DATA(&req.h);

	m->ifi_index = (int)link->ifindex;
	route_attribute(&req.h, IFLA_EXT_MASK, &brief, sizeof(brief));
	return nl_ask(nl, &req.h, take_link, link);
}

/* What comes in is looked up without an outgoing interface; only a VRF has a table of its
 * own, to which the VRF itself leads, or what is enslaved to it. */
static int ask_routes(struct nl *nl, const struct addr *a, const struct link *link,
		      enum presence *is)
{
	const uint32_t by[] = { 0, link->ifindex, link->master };
	bool ours = false;
	size_t i;
	int r = 0;

	for (i = 0; i < ARRAY_SIZE(by) && !ours; i++) {
		if (i && !by[i])
			continue;
		r = route_ask(nl, a, by[i], 0, take_type, &ours);
		if (!is_answer(r))
			return r;
	}
	*is = ours ? PRESENCE_HERE : PRESENCE_GONE;
	return 0;
}

static int ask_one(struct nl *nl, struct presence_of *p)
{
	struct addr plain = addr_unmapped(&p->addr);
	struct link link = { .ifindex = p->ifindex };
	int r = 0;

	if (p->ifindex) {
		r = ask_link(nl, &link);
		if (r < 0 && r != -ENODEV)
			return r;
		if (!link.found) {
			p->is = PRESENCE_NO_DEVICE;
			return 0;
		}
	}
	if (addr_is_any(&plain) || addr_is_multicast(&plain)) {
		p->is = PRESENCE_HERE;
		return 0;
	}
	if (addr_is_link_local(&plain) && !link.ifindex)
		link.ifindex = plain.scope;
	return ask_routes(nl, &plain, &link, &p->is);
}

struct second_look {
	struct presence_of *v;
	size_t n;
};

/* A local route of any table, not only of those that the look-up came by. */
static int take_local(const struct nlmsghdr *h, void *ctx)
{
	struct second_look *look = ctx;
	struct rtnl_route r;
	size_t i;

	if (!rtnl_route(h, &r) || !is_for_us(r.type))
		return 0;
	for (i = 0; i < look->n; i++) {
		struct addr plain = addr_unmapped(&look->v[i].addr);

		if (look->v[i].is == PRESENCE_GONE && addr_in_prefix(&plain, &r.dst))
			look->v[i].is = PRESENCE_BY_RULE;
	}
	return 0;
}

static int take_state(const struct nlmsghdr *h, void *ctx)
{
	struct second_look *look = ctx;
	struct rtnl_address a;
	size_t i;

	if (!rtnl_address(h, &a))
		return 0;
	for (i = 0; i < look->n; i++) {
		struct presence_of *p = &look->v[i];
		uint32_t device = p->ifindex ? p->ifindex : p->addr.scope;

		if (p->is != PRESENCE_GONE || !addr_same_ip(&p->addr, &a.addr) ||
		    (device && device != a.ifindex && addr_is_link_local(&p->addr)))
			continue;
		/* What is usable by now has come since. */
		p->is = a.flags & IFA_F_DADFAILED ? PRESENCE_DUPLICATE
			: is_usable(a.flags)	  ? PRESENCE_HERE
						  : PRESENCE_TENTATIVE;
	}
	return 0;
}

static int dump_local(struct nl *nl, uint8_t family, struct second_look *look)
{
	struct {
		struct nlmsghdr h;
		struct rtmsg m;
	} req = {
		.h = { .nlmsg_type = RTM_GETROUTE, .nlmsg_len = sizeof(req) },
		/* Of a kernel that is not strict all routes come, and are sorted out. */
		.m = { .rtm_family = family, .rtm_type = RTN_LOCAL },
	};
	int r = nl_dump(nl, &req.h, take_local, look);

	return r == -ENOENT ? 0 : r;
}

static bool has_gone(const struct second_look *look, uint8_t family)
{
	size_t i;

	for (i = 0; i < look->n; i++)
		if (look->v[i].is == PRESENCE_GONE &&
		    addr_unmapped(&look->v[i].addr).family == family)
			return true;
	return false;
}

static int look_again(struct nl *nl, struct second_look *look)
{
	int r = 0;

	nl_strict(nl);
	if (has_gone(look, AF_INET))
		r = dump_local(nl, AF_INET, look);
	if (r == 0 && has_gone(look, AF_INET6))
		r = dump_local(nl, AF_INET6, look);
	if (r == 0 && has_gone(look, AF_INET6))
		r = dump_addresses(nl, AF_INET6, take_state, look);
	return r;
}

int presence_ask(struct presence_of *v, size_t n)
{
	struct second_look look = { v, n };
	int r, failed = 0;
	struct nl nl;
	size_t i;

	for (i = 0; i < n; i++)
		v[i].is = PRESENCE_UNKNOWN;
	r = n ? nl_open_route(&nl) : 0;
	if (r < 0 || !n)
		return r;
	for (i = 0; i < n; i++) {
		r = ask_one(&nl, &v[i]);
		failed = failed ? failed : r;
	}
	r = look_again(&nl, &look);
	nl_close(&nl);
	/* A table that was not read may have it. */
	for (i = 0; r < 0 && i < n; i++)
		if (v[i].is == PRESENCE_GONE)
			v[i].is = PRESENCE_UNKNOWN;
	return failed ? failed : r;
}
