#include "kernel/netlink/tunnel.h"

#include <linux/rtnetlink.h>

#include "base/buf.h"
#include "kernel/netlink/nl.h"
#include "kernel/netlink/rtnl.h"

const struct tunnel *tunnels_find(const struct tunnels *t, uint16_t port)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->v[i].port == port)
			return &t->v[i];
	return NULL;
}

static int take_link(const struct nlmsghdr *h, void *ctx)
{
	struct tunnels *t = ctx;
	struct rtnl_tunnel link;
	struct tunnel *known;

	if (!rtnl_tunnel(h, &link))
		return 0;
	known = (struct tunnel *)(uintptr_t)tunnels_find(t, link.port);
	if (known) {
		known->links++;
	} else if (t->n < TUNNELS_MOST) {
		known = &t->v[t->n++];
		known->port = link.port;
		known->links = 1;
		escape_text(known->name, sizeof(known->name), link.name.data,
			    link.name.len);
		escape_text(known->kind, sizeof(known->kind), link.kind.data,
			    link.kind.len);
	}
	return 0;
}

void tunnels_read(struct tunnels *t)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg m;
	} req = { .h = { .nlmsg_type = RTM_GETLINK, .nlmsg_len = sizeof(req) } };
	struct nl nl;

	t->n = 0;
	if (nl_open_route(&nl) < 0)
		return;
	/* Half a list is none: another link may share the port. */
	if (nl_dump(&nl, &req.h, take_link, t) < 0)
		t->n = 0;
	nl_close(&nl);
}
