/* Why this host itself lets nothing go to an address: its route, the source address, the
 * kind of address. Filled by kernel/explain. */
#pragma once

#include "model/cause/cause.h"

enum way_kind {
	WAY_UNKNOWN, /* the routes do not explain it */
	WAY_NONE,    /* no route */
	WAY_IGNORED, /* one whose interface has no carrier, and a setting ignores it */
	WAY_BLACKHOLE,
	WAY_PROHIBIT,
	WAY_UNREACHABLE, /* a route of that type */
	WAY_SOURCE,	 /* from that source there is none, from others there is */
	WAY_BROADCAST,
	WAY_MULTICAST,
};

struct way_facts {
	enum way_kind kind;
	int err; /* of connect() or send(), positive */
	struct addr to, from;
	bool stream;
	char device[16]; /* WAY_IGNORED: the interface */
};

/* Whether that is known. Says it in why. */
bool way_put(const struct way_facts *f, struct buf *why);
/* What shows it, or changes it; nothing where there is nothing to run. */
void way_advise(const struct way_facts *f, uint32_t asker, struct buf *next);
/* The same as a cause; asker: the user who would run what is advised. */
bool cause_of_way(const struct way_facts *f, uint32_t asker, struct causes *causes);
