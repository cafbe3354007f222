/* Why this host itself lets nothing go to an address: by its routes. */
#pragma once

#include "model/cause/way.h"

struct way_question {
	struct addr to;
	struct addr
		from; /* that the socket was bound to; family 0 or a wildcard = none */
	uint32_t ifindex, mark; /* of the socket, 0 = none */
	int err;		/* of connect() or send(), positive */
	bool stream;
};

/* Asks the routing tables, which sends nothing. */
void explain_way(const struct way_question *q, struct way_facts *f);
