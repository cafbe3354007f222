#include "model/presence.h"

void presence_put_loss(struct buf *b, enum presence is, uint32_t ifindex)
{
	switch (is) {
	case PRESENCE_NO_DEVICE:
		buf_printf(
			b,
			", bound to the interface with index %u, which is gone; one that "
			"was made again has another index, also under the same name",
			ifindex);
		break;
	case PRESENCE_DUPLICATE:
		buf_puts(b, ", which this host does not use: duplicate address detection "
			    "found that another host has it");
		break;
	case PRESENCE_BY_RULE:
		buf_puts(b,
			 ", which is local in a routing table that rules with a mark or "
			 "an interface may lead to, and nothing else");
		break;
	case PRESENCE_UNKNOWN:
	case PRESENCE_HERE:
	case PRESENCE_TENTATIVE:
	case PRESENCE_GONE:
		buf_puts(b, ", which is no address of this network namespace now");
		break;
	}
}
