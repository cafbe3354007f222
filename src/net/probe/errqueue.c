#include "net/probe/errqueue.h"

#include <time.h>

#include <linux/errqueue.h> /* wants struct timespec */

/* IPv4 and IPv6 sockets have a message each; an IPv6 socket may have one of IPv4. */
static bool is_error(const struct cmsghdr *c)
{
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
	       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
}

/* The error, and behind it the address of who sent it. */
bool errqueue_icmp(const struct cmsghdr *c, size_t room, struct probe_icmp *icmp,
		   int *err)
{
	const char *data = (const char *)CMSG_DATA(c);
	struct sock_extended_err e;
	struct sockaddr_storage from = { 0 };
	struct addr a;
	size_t len;

	if (!is_error(c) || c->cmsg_len > room || c->cmsg_len < CMSG_LEN(sizeof(e)))
		return false;
	memcpy(&e, data, sizeof(e));
	if (e.ee_origin != SO_EE_ORIGIN_ICMP && e.ee_origin != SO_EE_ORIGIN_ICMP6)
		return false;
	len = MIN(c->cmsg_len - CMSG_LEN(sizeof(e)), sizeof(from));
	memcpy(&from, data + sizeof(e), len);
	if (!addr_from_sockaddr(&a, (const struct sockaddr *)&from, (socklen_t)len))
		return false;
	*icmp = (struct probe_icmp){
		.family = e.ee_origin == SO_EE_ORIGIN_ICMP ? AF_INET : AF_INET6,
		.type = e.ee_type,
		.code = e.ee_code,
		.from = addr_unmapped(&a),
	};
	icmp->from.port = 0;
	if (err)
		*err = (int)e.ee_errno;
	return true;
}
