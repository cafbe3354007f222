#include "model/silent_hop.h"

static void put_waited(struct buf *b, uint64_t us)
{
	if (!us)
		return;
	buf_puts(b, " after ");
	buf_put_time(b, us);
}

static void put_dev(struct buf *b, const struct silent_hop *hop)
{
	buf_put_escaped(b, hop->dev, strlen(hop->dev));
}

void silent_hop_put(struct buf *b, const struct silent_hop *hop, const struct addr *to,
		    uint64_t waited_us)
{
	struct addr plain = addr_unmapped(to);

	if (hop->no_carrier) {
		buf_puts(b, "the interface towards it, ");
		put_dev(b, hop);
		buf_puts(b, ", has no carrier: its cable, its peer or the program "
			    "behind it is down");
		return;
	}
	buf_puts(b, "no neighbour answers");
	if (hop->dev[0]) {
		buf_puts(b, " on ");
		put_dev(b, hop);
	}
	buf_puts(b, plain.family == AF_INET6 ? " (ND failed" : " (ARP failed");
	put_waited(b, waited_us);
	buf_puts(b, "): ");
	if (!hop->addr.family) {
		buf_puts(b, "the host, or the router towards it, is down");
	} else if (addr_same_ip(&hop->addr, &plain)) {
		buf_puts(b, "the host is down, or not on this link");
	} else {
		buf_puts(b, "the router towards it, ");
		addr_put_ip(b, &hop->addr);
		buf_puts(b, ", is down, or not on this link");
	}
}
