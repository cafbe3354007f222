#include "kernel/explain/way_of.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "kernel/netlink/route.h"
#include "kernel/netlink/rtnl.h"

static int take_type(const struct nlmsghdr *h, void *ctx)
{
	struct rtnl_route r;
	uint8_t *type = ctx;

	if (rtnl_route(h, &r))
		*type = r.type;
	return 0;
}

/* What a look-up says: the errno that a socket gets; 0 = there is a way. IPv4 answers
 * with it, IPv6 with a route of that type. */
static int look_up(struct nl *nl, const struct way_question *q, const struct addr *to,
		   const struct addr *from, uint8_t *type)
{
	struct route_flow flow = { .oif = q->ifindex ? q->ifindex : q->to.scope,
				   .mark = q->mark };
	int err;

	flow.to = *to;
	if (from)
		flow.from = *from;
	*type = RTN_UNSPEC;
	err = -route_ask_flow(nl, &flow, take_type, type);
	if (err)
		return err;
	switch (*type) {
	case RTN_BLACKHOLE:
		return EINVAL;
	case RTN_PROHIBIT:
		return EACCES;
	case RTN_UNREACHABLE:
		return EHOSTUNREACH;
	default:
		return 0;
	}
}

static enum way_kind kind_of_error(int err)
{
	return err == EINVAL	     ? WAY_BLACKHOLE
	       : err == EACCES	     ? WAY_PROHIBIT
	       : err == EHOSTUNREACH ? WAY_UNREACHABLE
	       : err == ENETUNREACH  ? WAY_NONE
				     : WAY_UNKNOWN;
}

/* Of an address that a route leads to. */
static enum way_kind kind_of_address(const struct way_question *q, uint8_t type)
{
	if (q->err != (q->stream ? ENETUNREACH : EACCES))
		return WAY_UNKNOWN;
	return type == RTN_BROADCAST		    ? WAY_BROADCAST
	       : type == RTN_MULTICAST && q->stream ? WAY_MULTICAST
						    : WAY_UNKNOWN;
}

void explain_way(const struct way_question *q, struct way_facts *f)
{
	struct addr to = addr_unmapped(&q->to), from = addr_unmapped(&q->from);
	bool bound = from.family == to.family && !addr_is_any(&from);
	uint8_t type;
	struct nl nl;
	int err;

	from.port = to.port = 0;
	*f = (struct way_facts){
		.err = q->err, .to = to, .from = from, .stream = q->stream
	};
	/* Without its interface a link-local address has no route at all. */
	if ((addr_is_link_local(&to) && !q->ifindex && !to.scope) ||
	    nl_open_route(&nl) < 0)
		return;
	err = look_up(&nl, q, &to, NULL, &type);
	if (err == q->err)
		f->kind = kind_of_error(err);
	else if (!err && (f->kind = kind_of_address(q, type)) == WAY_UNKNOWN && bound &&
		 look_up(&nl, q, &to, &from, &type) == q->err)
		f->kind = WAY_SOURCE;
	nl_close(&nl);
}
