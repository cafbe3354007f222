#include "kernel/netlink/route.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>

void route_attribute(struct nlmsghdr *req, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = { .nla_len = (uint16_t)(sizeof(a) + len), .nla_type = type };
	char *at = (char *)req + NLMSG_ALIGN(req->nlmsg_len);

	memcpy(at, &a, sizeof(a));
	memcpy(at + sizeof(a), data, len);
	req->nlmsg_len = (uint32_t)(NLMSG_ALIGN(req->nlmsg_len) + NLA_ALIGN(a.nla_len));
}

enum { TOS_OF_ROUTES = 0x1c }; /* without precedence and ECN, as each kernel takes it */

static void add_flow(struct nlmsghdr *req, const struct route_flow *f)
{
	uint16_t sport = htons(f->from.port), dport = htons(f->to.port);

	if (f->has_uid)
		route_attribute(req, RTA_UID, &f->uid, sizeof(f->uid));
	if (!f->protocol)
		return;
	route_attribute(req, RTA_IP_PROTO, &f->protocol, sizeof(f->protocol));
	route_attribute(req, RTA_SPORT, &sport, sizeof(sport));
	route_attribute(req, RTA_DPORT, &dport, sizeof(dport));
}

int route_ask_flow(struct nl *nl, const struct route_flow *f, nl_message_fn *fn,
		   void *ctx)
{
	union {
		struct nlmsghdr h;
		char room[192];
	} req = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
			 .nlmsg_type = RTM_GETROUTE } };
	struct rtmsg *m = NLMSG_DATA(&req.h);
	size_t len = f->to.family == AF_INET ? 4 : 16;

	m->rtm_family = f->to.family;
	m->rtm_dst_len = (uint8_t)(len * 8);
	m->rtm_tos = f->to.family == AF_INET ? f->tos & TOS_OF_ROUTES : 0;
	route_attribute(&req.h, RTA_DST, f->to.ip, len);
	if (f->from.family == f->to.family) {
		m->rtm_src_len = (uint8_t)(len * 8);
		route_attribute(&req.h, RTA_SRC, f->from.ip, len);
	}
	if (f->oif)
		route_attribute(&req.h, RTA_OIF, &f->oif, sizeof(f->oif));
	if (f->mark)
		route_attribute(&req.h, RTA_MARK, &f->mark, sizeof(f->mark));
	add_flow(&req.h, f);
	return nl_ask(nl, &req.h, fn, ctx);
}

int route_ask(struct nl *nl, const struct addr *to, uint32_t oif, uint32_t mark,
	      nl_message_fn *fn, void *ctx)
{
	struct route_flow f = { .to = *to, .oif = oif, .mark = mark };

	return route_ask_flow(nl, &f, fn, ctx);
}
