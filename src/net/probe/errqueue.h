/* Messages of a socket's error queue (IP_RECVERR, ip(7)), parsed. */
#pragma once

#include "net/probe/probe.h"

/* The ICMP error in a control message, of whose queue no more than room bytes are there;
 * false if it is another message, or not all of one. err (may be NULL): the errno that
 * goes with it. */
bool errqueue_icmp(const struct cmsghdr *c, size_t room, struct probe_icmp *icmp,
		   int *err);
