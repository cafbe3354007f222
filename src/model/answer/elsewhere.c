#include "model/answer/elsewhere.h"

#include "model/cause/connect_cause.h"

void elsewhere_put(struct buf *b, const struct addr *asked, const struct addr *from)
{
	struct addr to = addr_unmapped(asked);

	buf_puts(b, "an answer came from ");
	addr_put(b, from);
	buf_printf(
		b,
		", another %s, and none from the one that was asked: a client whose socket "
		"is connected never gets it",
		addr_same_ip(&to, from) ? "port" : "address");
}

void cause_of_elsewhere(const struct addr *asked, const struct addr *from,
			struct causes *causes)
{
	const struct meaning *row = &connect_causes[CONNECT_ELSEWHERE];
	struct buf b = { 0 }, a = { 0 };

	elsewhere_put(&b, asked, from);
	buf_puts(&a, row->advice);
	causes_add(causes, row->id, &b, &a, NULL);
}
