/* Whether an address is one that this network namespace can bind. */
#pragma once

#include "model/cause/bind_facts.h"

/* ifindex: the interface that a link-local address is of, 0 = none. *device (may be NULL)
 * is the one that has the address, 0 = none or not known. */
enum bind_place place_of(const struct addr *a, uint32_t ifindex, uint32_t *device);

/* Whether the loopback interface of this network namespace is down, whatever its name: 1,
 * 0 or -errno. Packets of a host to any address of its own go through it. */
int place_loopback_is_down(void);

/* Whether this kernel makes IPv6 sockets. */
bool place_has_ipv6(void);
