/* Messages of a socket's error queue (IP_RECVERR, ip(7)), parsed. */
#pragma once

#include <sys/socket.h>

#include "model/icmp.h"

/* The kernel keeps ICMP errors for us (IP_RECVERR, IPV6_RECVERR). Of a TCP connection
 * that stands each would then be an error of the connection: leave it to its retransmits
 * again. */
void errqueue_want(int fd, int family);
void errqueue_leave(int fd, int family);

/* Takes the next ICMP error; false if there is none. *to (may be NULL) is the destination
 * of the packet it is about. err: the errno that goes with it. */
bool errqueue_take(int fd, struct icmp_error *icmp, struct addr *to, int *err);

/* The ICMP error in a control message, of whose queue no more than room bytes are there;
 * false if it is another message, or not all of one. err (may be NULL): the errno that
 * goes with it. */
bool errqueue_icmp(const struct cmsghdr *c, size_t room, struct icmp_error *icmp,
		   int *err);
