#include "kernel/netlink/rtnl.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

/* Of the address in bytes; 0 = neither IPv4 nor IPv6. */
static size_t ip_len(uint8_t family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

static bool is_whole(const struct nlmsghdr *h, uint16_t type, size_t payload)
{
	return h->nlmsg_type == type && h->nlmsg_len >= NLMSG_LENGTH(payload);
}

/* The address of a family that an attribute holds, if it has the length of one. */
static bool take_ip(const struct nl_attr *attr, uint8_t family, struct addr *a)
{
	if (!attr->len || attr->len != ip_len(family))
		return false;
	a->family = family;
	memcpy(a->ip, attr->data, attr->len);
	return true;
}

static void take_u32(const struct nl_attr *attr, uint32_t *v)
{
	if (attr->len == sizeof(*v))
		memcpy(v, attr->data, sizeof(*v));
}

/* RTA_VIA: a next hop of another family, as for IPv4 routes over IPv6 routers. */
static bool take_via(const struct nl_attr *attr, struct addr *hop)
{
	struct nl_attr ip = *attr;
	sa_family_t family;

	if (attr->len < sizeof(family))
		return false;
	memcpy(&family, attr->data, sizeof(family));
	ip.data = (const char *)attr->data + sizeof(family);
	ip.len = (uint16_t)(attr->len - sizeof(family));
	return family <= UINT8_MAX && take_ip(&ip, (uint8_t)family, hop);
}

bool rtnl_route(const struct nlmsghdr *h, struct rtnl_route *r)
{
	const struct rtmsg *m = NLMSG_DATA(h);
	const char *p, *end = (const char *)h + h->nlmsg_len;
	struct nl_attr attr;

	if (!is_whole(h, RTM_NEWROUTE, sizeof(*m)) || !ip_len(m->rtm_family) ||
	    m->rtm_dst_len > ip_len(m->rtm_family) * 8)
		return false;
	*r = (struct rtnl_route){ .dst = { .family = m->rtm_family,
					   .prefix = m->rtm_dst_len },
				  .table = m->rtm_table,
				  .type = m->rtm_type,
				  .linkdown = m->rtm_flags & RTNH_F_LINKDOWN };
	p = (const char *)h + NLMSG_LENGTH(sizeof(*m));
	while (nl_attr_next(&p, end, &attr)) {
		switch (attr.type) {
		case RTA_DST:
			take_ip(&attr, m->rtm_family, &r->dst);
			break;
		case RTA_TABLE:
			take_u32(&attr, &r->table);
			break;
		case RTA_OIF:
			take_u32(&attr, &r->ifindex);
			break;
		case RTA_GATEWAY:
			r->hop_unknown |= !take_ip(&attr, m->rtm_family, &r->hop);
			break;
		case RTA_VIA:
			r->hop_unknown |= !take_via(&attr, &r->hop);
			break;
		default:
			break;
		}
	}
	return true;
}

bool rtnl_address(const struct nlmsghdr *h, struct rtnl_address *a)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	const char *p, *end = (const char *)h + h->nlmsg_len;
	struct addr local = { 0 };
	struct nl_attr attr;

	if (!is_whole(h, RTM_NEWADDR, sizeof(*m)) || !ip_len(m->ifa_family))
		return false;
	*a = (struct rtnl_address){ .ifindex = m->ifa_index, .flags = m->ifa_flags };
	p = (const char *)h + NLMSG_LENGTH(sizeof(*m));
	while (nl_attr_next(&p, end, &attr)) {
		if (attr.type == IFA_ADDRESS)
			take_ip(&attr, m->ifa_family, &a->addr);
		else if (attr.type == IFA_LOCAL)
			take_ip(&attr, m->ifa_family, &local);
		else if (attr.type == IFA_FLAGS)
			take_u32(&attr, &a->flags);
	}
	/* Of a line with two ends IFA_ADDRESS is the other one. */
	if (local.family)
		a->addr = local;
	return a->addr.family != AF_UNSPEC;
}

/* Where the messages of a kind have the port: a big-endian number of 16 bits. */
static const struct {
	const char *kind;
	uint16_t attribute;
} tunnel_ports[] = {
	{ "vxlan", IFLA_VXLAN_PORT },
	{ "geneve", IFLA_GENEVE_PORT },
	{ "bareudp", IFLA_BAREUDP_PORT },
};

static struct blob text_of(const struct nl_attr *attr)
{
	return (struct blob){ attr->data, (uint32_t)strnlen(attr->data, attr->len) };
}

static void take_port(const struct blob *kind, const struct nl_attr *data, uint16_t *port)
{
	const char *p = data->data, *end = p + data->len;
	struct nl_attr attr;
	uint8_t b[2];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tunnel_ports); i++)
		if (kind->len == strlen(tunnel_ports[i].kind) &&
		    memcmp(kind->data, tunnel_ports[i].kind, kind->len) == 0)
			break;
	while (i < ARRAY_SIZE(tunnel_ports) && nl_attr_next(&p, end, &attr)) {
		if (attr.type != tunnel_ports[i].attribute || attr.len != sizeof(b))
			continue;
		memcpy(b, attr.data, sizeof(b));
		*port = (uint16_t)(b[0] << 8 | b[1]);
	}
}

static void take_info(const struct nl_attr *info, struct rtnl_tunnel *t)
{
	const char *p = info->data, *end = p + info->len;
	struct nl_attr attr, data = { 0 };

	while (nl_attr_next(&p, end, &attr)) {
		if (attr.type == IFLA_INFO_KIND)
			t->kind = text_of(&attr);
		else if (attr.type == IFLA_INFO_DATA)
			data = attr;
	}
	if (t->kind.len && data.len)
		take_port(&t->kind, &data, &t->port);
}

bool rtnl_tunnel(const struct nlmsghdr *h, struct rtnl_tunnel *t)
{
	const struct ifinfomsg *m = NLMSG_DATA(h);
	const char *p, *end = (const char *)h + h->nlmsg_len;
	struct nl_attr attr;

	if (!is_whole(h, RTM_NEWLINK, sizeof(*m)) || !(m->ifi_flags & IFF_UP))
		return false;
	*t = (struct rtnl_tunnel){ 0 };
	p = (const char *)m + NLMSG_ALIGN(sizeof(*m));
	while (nl_attr_next(&p, end, &attr)) {
		if (attr.type == IFLA_IFNAME)
			t->name = text_of(&attr);
		else if (attr.type == IFLA_LINKINFO)
			take_info(&attr, t);
	}
	return t->name.len && t->port;
}

bool rtnl_neighbour(const struct nlmsghdr *h, uint16_t *state)
{
	const struct ndmsg *m = NLMSG_DATA(h);

	if (!is_whole(h, RTM_NEWNEIGH, sizeof(*m)))
		return false;
	*state = m->ndm_state;
	return true;
}

bool rtnl_link(const struct nlmsghdr *h, uint32_t ifindex, uint32_t *master)
{
	const struct ifinfomsg *m = NLMSG_DATA(h);
	const char *p, *end = (const char *)h + h->nlmsg_len;
	struct nl_attr attr;

	if (!is_whole(h, RTM_NEWLINK, sizeof(*m)) || m->ifi_index != (int)ifindex)
		return false;
	p = (const char *)h + NLMSG_LENGTH(sizeof(*m));
	while (nl_attr_next(&p, end, &attr))
		if (attr.type == IFLA_MASTER)
			take_u32(&attr, master);
	return true;
}

bool rtnl_link_flags(const struct nlmsghdr *h, uint32_t ifindex, uint32_t *flags)
{
	const struct ifinfomsg *m = NLMSG_DATA(h);

	if (!is_whole(h, RTM_NEWLINK, sizeof(*m)) || m->ifi_index != (int)ifindex)
		return false;
	*flags = m->ifi_flags;
	return true;
}

bool hardware_same(const struct hardware *a, const struct hardware *b)
{
	return a->len && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

bool rtnl_hardware(const struct nlmsghdr *h, struct hardware *of)
{
	bool link = is_whole(h, RTM_NEWLINK, sizeof(struct ifinfomsg));
	const char *p, *end = (const char *)h + h->nlmsg_len;
	struct nl_attr attr;

	*of = (struct hardware){ 0 };
	if (!link && !is_whole(h, RTM_NEWNEIGH, sizeof(struct ndmsg)))
		return false;
	p = (const char *)h +
	    NLMSG_LENGTH(link ? sizeof(struct ifinfomsg) : sizeof(struct ndmsg));
	while (nl_attr_next(&p, end, &attr))
		if (attr.type == (link ? IFLA_ADDRESS : NDA_LLADDR) && attr.len &&
		    attr.len <= sizeof(of->bytes)) {
			of->len = (uint8_t)attr.len;
			memcpy(of->bytes, attr.data, attr.len);
		}
	return of->len;
}
