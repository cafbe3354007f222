/* Messages of rtnetlink: what they say, cut anywhere, and lengths that do not fit. */
#include "kernel/netlink/rtnl.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>

#include "base/mem.h"
#include "unit/unit.h"

struct message {
	_Alignas(8) char bytes[256];
};

static struct nlmsghdr *head(struct message *m)
{
	return (void *)m->bytes;
}

static void begin(struct message *m, uint16_t type, const void *payload, size_t len)
{
	memset(m, 0, sizeof(*m));
	head(m)->nlmsg_type = type;
	head(m)->nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	memcpy(NLMSG_DATA(head(m)), payload, len);
}

static void put(struct message *m, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = { .nla_len = (uint16_t)(sizeof(a) + len), .nla_type = type };
	char *at = m->bytes + NLMSG_ALIGN(head(m)->nlmsg_len);

	memcpy(at, &a, sizeof(a));
	memcpy(at + sizeof(a), data, len);
	head(m)->nlmsg_len = (uint32_t)(NLMSG_ALIGN(head(m)->nlmsg_len) + sizeof(a) +
					len);
}

static void begin_route(struct message *m, uint8_t family, uint8_t prefix)
{
	struct rtmsg r = { .rtm_family = family,
			   .rtm_dst_len = prefix,
			   .rtm_table = RT_TABLE_LOCAL,
			   .rtm_type = RTN_UNICAST };

	begin(m, RTM_NEWROUTE, &r, sizeof(r));
}

static void begin_address(struct message *m, uint8_t family)
{
	struct ifaddrmsg a = { .ifa_family = family, .ifa_index = 3, .ifa_flags = 1 };

	begin(m, RTM_NEWADDR, &a, sizeof(a));
}

/* Each beginning of a message, in a block of exactly its size. */
static void cut(const struct message *m)
{
	const struct nlmsghdr *whole = (const void *)m->bytes;
	size_t n;

	for (n = sizeof(*whole); n < whole->nlmsg_len; n++) {
		struct nlmsghdr *h = xmalloc(n);
		struct rtnl_address a;
		struct rtnl_route r;
		uint32_t master;
		struct hardware hardware;
		struct rtnl_tunnel t;
		uint16_t state;

		memcpy(h, m->bytes, n);
		h->nlmsg_len = (uint32_t)n;
		if (rtnl_route(h, &r))
			CHECK(r.dst.family == AF_INET || r.dst.family == AF_INET6);
		if (rtnl_address(h, &a))
			CHECK(a.addr.family == AF_INET || a.addr.family == AF_INET6);
		rtnl_link(h, 4, &master);
		if (rtnl_tunnel(h, &t))
			CHECK(t.port && t.name.len &&
			      (const char *)t.name.data + t.name.len <=
				      (const char *)h + n);
		rtnl_neighbour(h, &state);
		CHECK(!rtnl_hardware(h, &hardware) || hardware.len == 6);
		free(h);
	}
}

static void routes(void)
{
	static const char via[] = "\12\0\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\7";
	uint32_t oif = 5, table = 1000;
	struct rtnl_route r;
	struct message m;

	begin_route(&m, AF_INET, 24);
	put(&m, RTA_DST, "\12\0\0\0", 4);
	put(&m, RTA_OIF, &oif, 4);
	put(&m, RTA_TABLE, &table, 4);
	put(&m, RTA_GATEWAY, "\12\0\0\1", 4);
	CHECK(rtnl_route(head(&m), &r));
	CHECK(r.dst.prefix == 24 && r.dst.ip[0] == 10);
	CHECK_INT(r.ifindex, 5);
	CHECK_INT(r.table, 1000);
	CHECK(r.hop.family == AF_INET && r.hop.ip[3] == 1 && !r.hop_unknown);
	cut(&m);

	begin_route(&m, AF_INET, 0);
	put(&m, RTA_VIA, via, sizeof(via) - 1);
	CHECK(rtnl_route(head(&m), &r));
	CHECK(r.hop.family == AF_INET6 && r.hop.ip[15] == 7 && !r.hop_unknown);
	CHECK(!r.ifindex && r.table == RT_TABLE_LOCAL);
	cut(&m);
}

static void odd_routes(void)
{
	struct rtnl_route r;
	struct message m;

	begin_route(&m, AF_INET, 33);
	CHECK(!rtnl_route(head(&m), &r));
	begin_route(&m, AF_INET6, 129);
	CHECK(!rtnl_route(head(&m), &r));
	begin_route(&m, AF_UNIX, 0);
	CHECK(!rtnl_route(head(&m), &r));
	begin_route(&m, AF_INET, 0);
	put(&m, RTA_GATEWAY, "\12\0\0\1\0", 5);
	put(&m, RTA_OIF, "\1\0", 2);
	CHECK(rtnl_route(head(&m), &r) && r.hop_unknown && !r.ifindex);
	begin_route(&m, AF_INET, 0);
	put(&m, RTA_VIA, "\12", 1);
	CHECK(rtnl_route(head(&m), &r) && r.hop_unknown);
	begin_route(&m, AF_INET, 0);
	put(&m, RTA_VIA, "\2\1\12\0\0\1", 6); /* no family of one byte */
	CHECK(rtnl_route(head(&m), &r) && r.hop_unknown);
}

/* Of a line with two ends, whichever attribute comes first, the address is ours. */
static void addresses(void)
{
	static const char ours[16] = "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1";
	static const char theirs[16] = "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2";
	uint32_t flags = IFA_F_TENTATIVE | 0x100;
	struct rtnl_address a;
	struct message m;
	int i;

	for (i = 0; i < 2; i++) {
		begin_address(&m, AF_INET6);
		put(&m, i ? IFA_LOCAL : IFA_ADDRESS, i ? ours : theirs, 16);
		put(&m, i ? IFA_ADDRESS : IFA_LOCAL, i ? theirs : ours, 16);
		put(&m, IFA_FLAGS, &flags, 4);
		CHECK(rtnl_address(head(&m), &a));
		CHECK_INT(a.addr.ip[15], 1);
		CHECK_INT(a.flags, flags);
		CHECK_INT(a.ifindex, 3);
		cut(&m);
	}
	begin_address(&m, AF_INET6);
	put(&m, IFA_ADDRESS, theirs, 16);
	CHECK(rtnl_address(head(&m), &a) && a.addr.ip[15] == 2 && a.flags == 1);
	begin_address(&m, AF_INET6);
	CHECK(!rtnl_address(head(&m), &a));
	put(&m, IFA_ADDRESS, theirs, 4);
	CHECK(!rtnl_address(head(&m), &a));
}

static void neighbours(void)
{
	struct ndmsg n = { .ndm_state = NUD_FAILED };
	uint16_t state = 0;
	struct message m;

	begin(&m, RTM_NEWNEIGH, &n, sizeof(n));
	CHECK(rtnl_neighbour(head(&m), &state));
	CHECK_INT(state, NUD_FAILED);
	cut(&m);
	head(&m)->nlmsg_len--;
	CHECK(!rtnl_neighbour(head(&m), &state));
	begin(&m, RTM_DELNEIGH, &n, sizeof(n));
	CHECK(!rtnl_neighbour(head(&m), &state));
}

static void links(void)
{
	struct ifinfomsg i = { .ifi_index = 4 };
	uint32_t master = 0, vrf = 9;
	struct message m;

	begin(&m, RTM_NEWLINK, &i, sizeof(i));
	CHECK(rtnl_link(head(&m), 4, &master) && !master);
	CHECK(!rtnl_link(head(&m), 5, &master));
	put(&m, IFLA_MASTER, &vrf, sizeof(vrf));
	CHECK(rtnl_link(head(&m), 4, &master));
	CHECK_INT(master, 9);
	cut(&m);
	begin(&m, RTM_DELLINK, &i, sizeof(i));
	CHECK(!rtnl_link(head(&m), 4, &master));
}

/* Of a neighbour and of an interface; one that is longer than any is none. */
static void hardware(void)
{
	static const char mac[32] = "\2\0\0\0\0\7";
	struct ndmsg n = { .ndm_state = NUD_REACHABLE };
	struct ifinfomsg i = { .ifi_index = 2 };
	struct hardware a, b;
	struct message m;

	begin(&m, RTM_NEWNEIGH, &n, sizeof(n));
	CHECK(!rtnl_hardware(head(&m), &a));
	put(&m, NDA_LLADDR, mac, 6);
	CHECK(rtnl_hardware(head(&m), &a));
	CHECK_INT(a.bytes[5], 7);
	cut(&m);
	begin(&m, RTM_NEWLINK, &i, sizeof(i));
	CHECK(!rtnl_hardware(head(&m), &b));
	/* No address is the same as none. */
	CHECK(!hardware_same(&b, &b) && !hardware_same(&a, &b));
	put(&m, IFLA_ADDRESS, mac, 6);
	CHECK(rtnl_hardware(head(&m), &b) && hardware_same(&a, &b));
	cut(&m);
	b.bytes[0]++;
	CHECK(!hardware_same(&a, &b));
	begin(&m, RTM_NEWLINK, &i, sizeof(i));
	put(&m, IFLA_ADDRESS, (const char[33]){ 1 }, 33);
	CHECK(!rtnl_hardware(head(&m), &b));
	begin_address(&m, AF_INET);
	put(&m, IFA_ADDRESS, mac, 6);
	CHECK(!rtnl_hardware(head(&m), &b));
}

static void begin_link(struct message *m, unsigned flags)
{
	struct ifinfomsg i = { .ifi_index = 3, .ifi_flags = flags };

	begin(m, RTM_NEWLINK, &i, sizeof(i));
}

/* What stands in the information about a kind. */
static void put_info(struct message *m, const char *kind, uint16_t attribute,
		     const void *port, uint16_t len)
{
	struct {
		struct nlattr kind;
		char text[12];
		struct nlattr data, port;
		char value[4];
	} info = { .kind = { sizeof(info.kind) + 12, IFLA_INFO_KIND },
		   .data = { sizeof(info.data) + sizeof(info.port) + 4, IFLA_INFO_DATA },
		   .port = { (uint16_t)(sizeof(info.port) + len), attribute } };

	snprintf(info.text, sizeof(info.text), "%s", kind);
	memcpy(info.value, port, len);
	put(m, IFLA_LINKINFO, &info, sizeof(info));
}

static uint16_t port_of(const char *kind, uint16_t attribute, uint16_t len, bool up)
{
	struct rtnl_tunnel t;
	struct message m;

	begin_link(&m, up ? IFF_UP : 0);
	put(&m, IFLA_IFNAME, "vx0", 4);
	put_info(&m, kind, attribute, "\x12\xb5\0\0", len);
	cut(&m);
	if (!rtnl_tunnel(head(&m), &t))
		return 0;
	CHECK(t.name.len == 3 && memcmp(t.name.data, "vx0", 3) == 0);
	CHECK(t.kind.len == strlen(kind) && memcmp(t.kind.data, kind, t.kind.len) == 0);
	return t.port;
}

static void tunnels(void)
{
	struct rtnl_tunnel t;
	struct message m;

	CHECK_INT(port_of("vxlan", IFLA_VXLAN_PORT, 2, true), 4789);
	CHECK_INT(port_of("geneve", IFLA_GENEVE_PORT, 2, true), 4789);
	CHECK_INT(port_of("bareudp", IFLA_BAREUDP_PORT, 2, true), 4789);
	/* Down there is no socket; the number means another thing in another kind. */
	CHECK_INT(port_of("vxlan", IFLA_VXLAN_PORT, 2, false), 0);
	CHECK_INT(port_of("vxlan", IFLA_VXLAN_PORT, 4, true), 0);
	CHECK_INT(port_of("vxlan", IFLA_GENEVE_PORT, 2, true), 0);
	CHECK_INT(port_of("veth", IFLA_VXLAN_PORT, 2, true), 0);
	CHECK_INT(port_of("vxlanx", IFLA_VXLAN_PORT, 2, true), 0);
	begin_link(&m, IFF_UP);
	put_info(&m, "vxlan", IFLA_VXLAN_PORT, "\x12\xb5", 2);
	CHECK(!rtnl_tunnel(head(&m), &t));
	begin_route(&m, AF_INET, 0);
	put(&m, IFLA_IFNAME, "vx0", 4);
	put_info(&m, "vxlan", IFLA_VXLAN_PORT, "\x12\xb5", 2);
	CHECK(!rtnl_tunnel(head(&m), &t));
}

int main(void)
{
	RUN(routes, "a route: destination, table, device, next hop of either family");
	RUN(odd_routes, "a route whose lengths do not fit");
	RUN(addresses, "our address of a line with two ends");
	RUN(links, "an interface, and what it is enslaved to");
	RUN(tunnels, "the port of a tunnel that is up");
	RUN(neighbours, "the state of a neighbour");
	RUN(hardware, "the address of a neighbour, or of an interface, on its link");
	return unit_done();
}
