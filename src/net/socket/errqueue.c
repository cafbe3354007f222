#include "net/socket/errqueue.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h> /* wants struct timespec */

/* IPv4 and IPv6 sockets have a message each; an IPv6 socket may have one of IPv4. */
static bool is_error(const struct cmsghdr *c)
{
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
	       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
}

/* The error, and behind it the address of who sent it. */
bool errqueue_icmp(const struct cmsghdr *c, size_t room, struct icmp_error *icmp,
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
	*icmp = (struct icmp_error){
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

/* An IPv6 socket may speak to a v4-mapped address: both, where they exist. */
static void set_errors(int fd, int family, int on)
{
	if (family == AF_INET || family == AF_INET6)
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
}

void errqueue_want(int fd, int family)
{
	set_errors(fd, family, 1);
}

void errqueue_leave(int fd, int family)
{
	set_errors(fd, family, 0);
}

/* The time to live that its packets had; 0 = not known. */
static uint8_t ttl_of(int fd, const struct icmp_error *icmp)
{
	bool v4 = icmp->family == AF_INET;
	int ttl = 0;
	socklen_t len = sizeof(ttl);

	if (getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6,
		       v4 ? IP_TTL : IPV6_UNICAST_HOPS, &ttl, &len) != 0)
		return 0;
	return ttl > 0 && ttl <= UINT8_MAX ? (uint8_t)ttl : 0;
}

enum { NOT_ICMP_MOST = 64 }; /* entries of the queue that are skipped in a call */

bool errqueue_take(int fd, struct icmp_error *icmp, struct addr *to, int *err)
{
	union {
		char bytes[512];
		struct cmsghdr align;
	} control;
	struct sockaddr_storage name;
	struct msghdr m;
	struct cmsghdr *c;
	unsigned skipped;

	for (skipped = 0; skipped < NOT_ICMP_MOST; skipped++) {
		m = (struct msghdr){ .msg_name = &name,
				     .msg_namelen = sizeof(name),
				     .msg_control = control.bytes,
				     .msg_controllen = sizeof(control) };
		if (recvmsg(fd, &m, MSG_ERRQUEUE) < 0) {
			if (errno == EINTR)
				continue;
			icmp->unread = errno == EAGAIN ? 0 : errno;
			return false;
		}
		for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			size_t room = (size_t)((char *)m.msg_control + m.msg_controllen -
					       (char *)c);

			if (!errqueue_icmp(c, room, icmp, err))
				continue;
			if (icmp_is_used_up(icmp))
				icmp->sent_ttl = ttl_of(fd, icmp);
			if (to)
				addr_from_sockaddr(to, (const struct sockaddr *)&name,
						   m.msg_namelen);
			return true;
		}
	}
	return false;
}
