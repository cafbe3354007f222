/* Whether an address of this host can be the source of what goes to another, and why not.
 */
#pragma once

#include "model/cause/no_source.h"

/*
 * Asks the kernel by connecting a datagram socket, which sends nothing, with the
 * interface and the mark that are to be used (0 = none), and reads net.ipv6.conf of this
 * namespace. IPv6 only: of others f->err is 0.
 */
void explain_source(const struct addr *to, uint32_t ifindex, uint32_t mark,
		    struct source_facts *f);
