/* Messages of rtnetlink, parsed: every length is checked, what does not fit is no such
 * message. */
#pragma once

#include "model/addr.h"
#include "model/attr.h"
#include "model/sock.h"

/* RTM_NEWROUTE of IPv4 or IPv6. */
struct rtnl_route {
	struct addr dst; /* with its prefix; any address of the family if none is named */
	struct addr hop; /* family 0 = none: dst is on the link */
	uint32_t table;
	uint32_t ifindex; /* 0 = none is named */
	uint8_t type;	  /* RTN_* */
	bool hop_unknown; /* it has a form that we do not know */
	bool linkdown;	  /* its interface has no carrier */
};
bool rtnl_route(const struct nlmsghdr *h, struct rtnl_route *r);

/* RTM_NEWADDR of IPv4 or IPv6: our own address, not that of the other end of the line. */
struct rtnl_address {
	struct addr addr;
	uint32_t ifindex;
	uint32_t flags; /* IFA_F_* */
};
bool rtnl_address(const struct nlmsghdr *h, struct rtnl_address *a);

/* RTM_NEWLINK of a tunnel that is up, and for which the kernel has a UDP socket of its
 * own on a port that the message tells. Texts point into the message. */
struct rtnl_tunnel {
	struct blob name, kind; /* "vxlan0", "vxlan" */
	uint16_t port;
};
bool rtnl_tunnel(const struct nlmsghdr *h, struct rtnl_tunnel *t);

/* RTM_NEWNEIGH: NUD_*. */
bool rtnl_neighbour(const struct nlmsghdr *h, uint16_t *state);

/* RTM_NEWLINK of this interface; sets the one that it is enslaved to, if there is one. */
bool rtnl_link(const struct nlmsghdr *h, uint32_t ifindex, uint32_t *master);

/* RTM_NEWLINK of this interface: IFF_*. */
bool rtnl_link_flags(const struct nlmsghdr *h, uint32_t ifindex, uint32_t *flags);

/* The address that an interface has on its link, such as six bytes of Ethernet. */
struct hardware {
	uint8_t len; /* 0 = none, or none that is known */
	uint8_t bytes[32];
};
bool hardware_same(const struct hardware *a, const struct hardware *b);

/* RTM_NEWNEIGH: that of the neighbour; RTM_NEWLINK: that of the interface. */
bool rtnl_hardware(const struct nlmsghdr *h, struct hardware *of);
