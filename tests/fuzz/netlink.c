/*
 * A packet of netlink, as recvmsg() gives it: the walk over its messages, and all that
 * takes a message: sock_diag of both families, routes, addresses, neighbours.
 */
#include <errno.h>

#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/diag_unix.h"
#include "kernel/netlink/nl.h"
#include "kernel/netlink/rtnl.h"
#include "model/field/field.h"

#include "fuzz.h"

struct packet {
	const char *at, *end;
	unsigned messages;
};

static void check_sock(const struct sock *s)
{
	bool is_unix = s->proto != PROTO_TCP && s->proto != PROTO_UDP;

	HOLDS(s->proto < PROTO_COUNT && s->state < STATE_COUNT);
	HOLDS(is_unix == (s->family == AF_UNIX));
	HOLDS(is_unix || s->local.family == s->family);
}

/* What needs only some of the attributes sees the same in them. */
static void check_inet(const struct nlmsghdr *h)
{
	struct sock s, brief;
	bool whole = inet_parse(h, PROTO_TCP, &s);

	HOLDS(inet_parse_brief(h, PROTO_TCP, &brief) == whole);
	if (!whole)
		return;
	check_sock(&s);
	HOLDS(s.cookie == brief.cookie && s.state == brief.state);
	HOLDS(addr_compare(&s.local, &brief.local) == 0);
	HOLDS((s.has & SOCK_IS_FULL) == (brief.has & SOCK_IS_FULL));
}

static void check_ip(const struct addr *a)
{
	HOLDS(a->family == AF_INET || a->family == AF_INET6);
	HOLDS(a->prefix <= (a->family == AF_INET ? 32 : 128));
	HOLDS(addr_in_prefix(a, a));
}

static void check_rtnl(const struct nlmsghdr *h)
{
	struct rtnl_address a;
	struct rtnl_route r;
	uint32_t master;
	struct hardware hardware;
	uint16_t state;

	if (rtnl_route(h, &r)) {
		check_ip(&r.dst);
		if (r.hop.family)
			check_ip(&r.hop);
	}
	if (rtnl_address(h, &a))
		check_ip(&a.addr);
	rtnl_link(h, 1, &master);
	rtnl_neighbour(h, &state);
	HOLDS(rtnl_hardware(h, &hardware) == (hardware.len > 0));
	HOLDS(hardware.len <= sizeof(hardware.bytes));
}

static int take(const struct nlmsghdr *h, void *ctx)
{
	struct packet *p = ctx;
	const char *at = (const char *)h;
	struct sock s;

	/* In bounds, one behind the other. */
	HOLDS(at >= p->at && h->nlmsg_len >= sizeof(*h));
	HOLDS(h->nlmsg_len <= (size_t)(p->end - at));
	p->at = at + h->nlmsg_len;
	p->messages++;
	check_inet(h);
	if (unix_parse(h, &s))
		check_sock(&s);
	check_rtnl(h);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nl_answer a = { .fn = take };
	struct packet p = { 0 };
	char *packet;
	int r;

	if (size > NL_BUFFER)
		return 0;
	packet = exact_copy(data, size);
	p.at = packet;
	p.end = packet + size;
	a.ctx = &p;
	/* The first message decides whose answer it is. */
	if (size >= sizeof(struct nlmsghdr))
		a.seq = ((const struct nlmsghdr *)(const void *)packet)->nlmsg_seq;
	r = nl_walk(&a, packet, size);
	HOLDS(r == 0 || r == -EBADMSG);
	HOLDS(a.messages == p.messages && a.error <= 0);
	HOLDS(a.done || !a.error);
	free(packet);
	return 0;
}
