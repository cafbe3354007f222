#include "kernel/proc/place.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/netlink/nl.h"
#include "kernel/netlink/rtnl.h"
#include "kernel/proc/procfile.h"

struct look {
	const struct addr *a;
	uint32_t ifindex;
	uint32_t *device;
	int best;	/* longest prefix so far; -1 = none */
	bool strict;	/* the kernel says which table it has not */
	size_t n_local; /* routes of the local table */
	enum bind_place place;
};

/* A dump over rtnetlink; the walk is that of sock_diag. 0 or -errno. */
static int dump(struct nlmsghdr *req, nl_message_fn *fn, struct look *look)
{
	struct nl nl;
	int r = nl_open_route(&nl);

	if (r < 0)
		return r;
	look->strict = nl_strict(&nl);
	r = nl_dump(&nl, req, fn, look);
	nl_close(&nl);
	return r;
}

/*
 * inet_addr_type_table(): the longest match in the local table decides; local, broadcast
 * and multicast addresses can be bound. Whole prefixes may be local (127.0.0.0/8).
 */
static int take_route(const struct nlmsghdr *h, void *ctx)
{
	struct look *look = ctx;
	struct rtnl_route r;

	if (!rtnl_route(h, &r) || r.table != RT_TABLE_LOCAL)
		return 0;
	look->n_local++;
	if (r.dst.prefix <= look->best || !addr_in_prefix(look->a, &r.dst))
		return 0;
	look->best = r.dst.prefix;
	/* A broadcast address is of many. */
	*look->device = r.type == RTN_LOCAL ? r.ifindex : 0;
	look->place = r.type == RTN_LOCAL || r.type == RTN_BROADCAST ||
				      r.type == RTN_MULTICAST
			      ? PLACE_LOCAL
			      : PLACE_FOREIGN;
	return 0;
}

static enum bind_place place_of_v4(const struct addr *a, uint32_t *device)
{
	struct {
		struct nlmsghdr h;
		struct rtmsg m;
	} req = {
		.h = { .nlmsg_type = RTM_GETROUTE, .nlmsg_len = sizeof(req) },
		.m = { .rtm_family = AF_INET, .rtm_table = RT_TABLE_LOCAL },
	};
	struct look look = {
		.a = a, .device = device, .best = -1, .place = PLACE_FOREIGN
	};
	int err;

	if ((a->ip[0] & 0xf0) == 0xe0 || memcmp(a->ip, "\xff\xff\xff\xff", 4) == 0)
		return PLACE_LOCAL;
	err = dump(&req.h, take_route, &look);
	/* The local table is made when the first interface goes up. Until then any
	 * address can be bound: the look-up ends before it has found it foreign. */
	if (err == -ENOENT && look.strict)
		return PLACE_LOCAL;
	return err < 0 || (!look.n_local && !look.strict) ? PLACE_UNKNOWN : look.place;
}

/* ipv6_chk_addr(): an interface has the address, and it is no longer tentative. */
static int take_address(const struct nlmsghdr *h, void *ctx)
{
	struct look *look = ctx;
	struct rtnl_address a;

	if (!rtnl_address(h, &a) || !addr_same_ip(&a.addr, look->a) ||
	    (look->ifindex && a.ifindex != look->ifindex))
		return 0;
	if (look->place == PLACE_LOCAL)
		return 0;
	*look->device = a.ifindex;
	if (a.flags & IFA_F_DADFAILED)
		look->place = PLACE_DUPLICATE;
	else if (!(a.flags & IFA_F_TENTATIVE) || (a.flags & IFA_F_OPTIMISTIC))
		look->place = PLACE_LOCAL;
	else
		look->place = PLACE_TENTATIVE;
	return 0;
}

/* IFF_* of an interface; -errno. */
static int flags_of(uint32_t ifindex)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { .ifr_ifindex = (int)ifindex };

	if (fd < 0 || ioctl(fd, SIOCGIFNAME, &r) != 0 || ioctl(fd, SIOCGIFFLAGS, &r) != 0)
		return -errno;
	return (uint16_t)r.ifr_flags;
}

/* Detection needs a line to ask on. */
static enum bind_place place_of_tentative(uint32_t ifindex)
{
	int flags = flags_of(ifindex);

	return flags < 0		? PLACE_TENTATIVE
	       : !(flags & IFF_UP)	? PLACE_DOWN
	       : !(flags & IFF_RUNNING) ? PLACE_NO_CARRIER
					: PLACE_TENTATIVE;
}

static enum bind_place place_of_v6(const struct addr *a, uint32_t ifindex,
				   uint32_t *device)
{
	struct {
		struct nlmsghdr h;
		struct ifaddrmsg m;
	} req = {
		.h = { .nlmsg_type = RTM_GETADDR, .nlmsg_len = sizeof(req) },
		.m = { .ifa_family = AF_INET6 },
	};
	struct look look = {
		.a = a, .ifindex = ifindex, .device = device, .place = PLACE_FOREIGN
	};
	bool multicast = a->ip[0] == 0xff;

	if ((addr_is_link_local(a) || (multicast && (a->ip[1] & 0xf) <= 2)) && !ifindex)
		return PLACE_NO_SCOPE;
	if (multicast)
		return PLACE_LOCAL;
	if (dump(&req.h, take_address, &look) < 0)
		return PLACE_UNKNOWN;
	return look.place == PLACE_TENTATIVE ? place_of_tentative(*device) : look.place;
}

bool place_has_ipv6(void)
{
	_cleanup_close_ int fd = -1;

	if (access("/proc/net/if_inet6", F_OK) == 0)
		return true;
	/* Without /proc the kernel itself is asked. */
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd >= 0 || errno != EAFNOSUPPORT;
}

enum bind_place place_of(const struct addr *a, uint32_t ifindex, uint32_t *device)
{
	_cleanup_free_ char *text = NULL;
	struct addr plain = addr_unmapped(a);
	enum bind_place place;
	uint32_t unwanted = 0;

	device = device ? device : &unwanted;
	*device = 0;
	/* A kernel without IPv6 (ipv6.disable=1) makes no such socket. */
	if (a->family == AF_INET6 && !place_has_ipv6())
		return PLACE_FOREIGN;
	if (addr_is_any(&plain))
		return PLACE_LOCAL;
	place = plain.family == AF_INET ? place_of_v4(&plain, device)
					: place_of_v6(a, ifindex, device);
	if (place == PLACE_UNKNOWN || place == PLACE_LOCAL || place == PLACE_NO_SCOPE)
		return place;
	text = procfile_read(plain.family == AF_INET
				     ? "/proc/sys/net/ipv4/ip_nonlocal_bind"
				     : "/proc/sys/net/ipv6/ip_nonlocal_bind");
	/* A kernel may lack IPv6; without /proc nothing says what may be bound. */
	if (!text && access("/proc/sys/net/ipv4/ip_nonlocal_bind", F_OK) != 0)
		return PLACE_UNKNOWN;
	return text && *text != '0' ? PLACE_LOCAL : place;
}

int place_loopback_is_down(void)
{
	/* The first of each namespace, which may have another name than lo. */
	int flags = flags_of(1);

	return flags < 0 ? flags : (flags & IFF_LOOPBACK) && !(flags & IFF_UP);
}
