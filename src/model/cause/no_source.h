/* Why no address of this host can be the source of what goes to another: IPv6 is off, or
 * there is none. Filled by kernel/explain. */
#pragma once

#include <net/if.h>

#include "model/cause/cause.h"

struct source_facts {
	struct addr to;
	int err;	 /* what the kernel says to a datagram socket that is connected
			    there, or to the wish for one: positive; 0 = there is a source */
	bool no_socket;	 /* there is no socket of that family */
	bool kernel_off; /* the kernel has no IPv6: ipv6.disable=1 */
	bool kernel_has; /* it has; neither is known without /proc */
	/* The interface that leads there, where that is certain: of a loopback address,
	 * or of one with a scope. "" = not known. */
	char device[IF_NAMESIZE];
	bool device_off; /* its disable_ipv6 */
	/* The others, without the loopback interface. */
	size_t n_off, n_on;
	bool all_off;	       /* the setting that was made for all of them at once */
	char off[IF_NAMESIZE]; /* one of those that are off */
};

/* Whether IPv6 is off where the address would be; says how, and what to run where that
 * helps. */
bool ipv6_is_off(const struct source_facts *f);
void ipv6_put_off(const struct source_facts *f, struct buf *why);
void ipv6_advise_on(const struct source_facts *f, uint32_t asker, struct buf *next);

/* Whether that is the reason, and not want of ports or routes. Says it in why. */
bool no_source_put(const struct source_facts *f, struct buf *why);
/* The same as a cause, with what to run; asker: the user who would. */
bool cause_of_no_source(const struct source_facts *f, uint32_t asker,
			struct causes *causes);
