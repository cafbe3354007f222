#include "kernel/netlink/route.h"

#include <linux/rtnetlink.h>

void route_attribute(struct nlmsghdr *req, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = { .nla_len = (uint16_t)(sizeof(a) + len), .nla_type = type };
	char *at = (char *)req + NLMSG_ALIGN(req->nlmsg_len);

	memcpy(at, &a, sizeof(a));
	memcpy(at + sizeof(a), data, len);
	req->nlmsg_len = (uint32_t)(NLMSG_ALIGN(req->nlmsg_len) + NLA_ALIGN(a.nla_len));
}

int route_ask(struct nl *nl, const struct addr *to, uint32_t oif, uint32_t mark,
	      nl_message_fn *fn, void *ctx)
{
	union {
		struct nlmsghdr h;
		char room[128];
	} req = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
			 .nlmsg_type = RTM_GETROUTE } };
	struct rtmsg *m = NLMSG_DATA(&req.h);
	size_t len = to->family == AF_INET ? 4 : 16;

	m->rtm_family = to->family;
	m->rtm_dst_len = (uint8_t)(len * 8);
	route_attribute(&req.h, RTA_DST, to->ip, len);
	if (oif)
		route_attribute(&req.h, RTA_OIF, &oif, sizeof(oif));
	if (mark)
		route_attribute(&req.h, RTA_MARK, &mark, sizeof(mark));
	return nl_ask(nl, &req.h, fn, ctx);
}
