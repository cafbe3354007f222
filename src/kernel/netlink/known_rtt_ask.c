#include "kernel/netlink/known_rtt_ask.h"

#include <linux/genetlink.h>
#include <linux/tcp_metrics.h>
#include <sys/socket.h>

#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/route.h"
#include "kernel/netlink/uapi.h"
#include "model/tcpinfo.h"

union request {
	struct nlmsghdr h;
	char room[96];
};

static void begin(union request *r, uint16_t type, uint8_t command, uint8_t version)
{
	struct genlmsghdr *g;

	*r = (union request){ .h = { .nlmsg_type = type,
				     .nlmsg_len = NLMSG_LENGTH(sizeof(*g)) } };
	g = NLMSG_DATA(&r->h);
	g->cmd = command;
	g->version = version;
}

/* The attributes of a message; NULL: it is too short for any. */
static const char *attributes(const struct nlmsghdr *h, const char **end)
{
	*end = (const char *)h + h->nlmsg_len;
	return h->nlmsg_len >= NLMSG_LENGTH(GENL_HDRLEN)
		       ? (const char *)h + NLMSG_LENGTH(GENL_HDRLEN)
		       : NULL;
}

static uint32_t number(const struct nl_attr *a)
{
	uint32_t v = 0;

	if (a->len >= sizeof(v))
		memcpy(&v, a->data, sizeof(v));
	return v;
}

static int take_family(const struct nlmsghdr *h, void *ctx)
{
	const char *end, *p = attributes(h, &end);
	uint16_t *family = ctx;
	struct nl_attr a;

	while (p && nl_attr_next(&p, end, &a))
		if (a.type == CTRL_ATTR_FAMILY_ID && a.len >= sizeof(*family))
			memcpy(family, a.data, sizeof(*family));
	return 0;
}

/* As the kernel keeps them: eight times the value. */
static uint64_t rtt_of(const struct nl_attr *values)
{
	const char *p = values->data, *end = p + values->len;
	uint64_t ms = 0, us = 0;
	struct nl_attr a;

	while (nl_attr_next(&p, end, &a)) {
		if (a.type == TCP_METRIC_RTT_US + 1)
			us = number(&a);
		else if (a.type == TCP_METRIC_RTT + 1)
			ms = number(&a);
	}
	return us ? us / 8 : ms * 1000 / 8;
}

static int take_metrics(const struct nlmsghdr *h, void *ctx)
{
	const char *end, *p = attributes(h, &end);
	struct known_rtt *k = ctx;
	struct nl_attr a;

	while (p && nl_attr_next(&p, end, &a))
		if (a.type == TCP_METRICS_ATTR_VALS)
			k->us = rtt_of(&a);
	return 0;
}

static void ask_metrics(const struct addr *to, struct known_rtt *k)
{
	bool v4 = to->family == AF_INET;
	uint16_t family = 0;
	union request r;
	struct nl nl;

	if (nl_open_generic(&nl) < 0)
		return;
	begin(&r, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	route_attribute(&r.h, CTRL_ATTR_FAMILY_NAME, TCP_METRICS_GENL_NAME,
			sizeof(TCP_METRICS_GENL_NAME));
	if (nl_ask(&nl, &r.h, take_family, &family) == 0 && family) {
		begin(&r, family, TCP_METRICS_CMD_GET, TCP_METRICS_GENL_VERSION);
		route_attribute(&r.h,
				v4 ? TCP_METRICS_ATTR_ADDR_IPV4
				   : TCP_METRICS_ATTR_ADDR_IPV6,
				to->ip, v4 ? 4 : 16);
		if (nl_ask(&nl, &r.h, take_metrics, k) < 0)
			k->us = 0;
	}
	nl_close(&nl);
}

static int take_open(const struct nlmsghdr *h, void *ctx)
{
	struct known_rtt *k = ctx;
	struct sock s;
	uint32_t rtt;

	if (!inet_parse(h, PROTO_TCP, &s) ||
	    s.tcp_info.len < offsetof(struct tcpinfo, rtt) + sizeof(rtt))
		return 0;
	memcpy(&rtt, (const char *)s.tcp_info.data + offsetof(struct tcpinfo, rtt),
	       sizeof(rtt));
	if (rtt && (!k->us || rtt < k->us))
		k->us = rtt;
	return 0;
}

/* The kernel compares the peer's address. */
static void ask_open(const struct addr *to, struct known_rtt *k)
{
	struct inet_diag_hostcond host = { .family = to->family, .port = -1 };
	struct inet_diag_bc_op op = { .code = INET_DIAG_BC_D_COND };
	size_t len = to->family == AF_INET ? 4 : 16;
	uint8_t program[sizeof(op) + sizeof(host) + sizeof(to->ip)];
	uint32_t size = (uint32_t)(sizeof(op) + sizeof(host) + len);
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.family = AF_UNSPEC,
				.states = 1u << STATE_ESTABLISHED,
				.ext = EXT_BIT(INET_DIAG_INFO),
				.bytecode = { program, size } };
	struct fault f = FAULT_INIT;
	struct nl nl;

	host.prefix_len = (uint8_t)(len * 8);
	op.yes = (uint8_t)size;
	op.no = (uint16_t)(size + sizeof(op)); /* beyond the end: it is none of them */
	memcpy(program, &op, sizeof(op));
	memcpy(program + sizeof(op), &host, sizeof(host));
	memcpy(program + sizeof(op) + sizeof(host), to->ip, len);
	if (nl_open(&nl, &f) < 0)
		return;
	if (inet_dump(&nl, &q, take_open, k) < 0)
		k->us = 0;
	nl_close(&nl);
}

void known_rtt_ask(const struct addr *to, struct known_rtt *k)
{
	struct addr ip = addr_unmapped(to);

	*k = (struct known_rtt){ .stands = true };
	if (ip.family != AF_INET && ip.family != AF_INET6)
		return;
	ask_open(&ip, k);
	if (k->us)
		return;
	k->stands = false;
	ask_metrics(&ip, k);
}
