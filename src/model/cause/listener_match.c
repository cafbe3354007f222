#include "model/cause/listener_match.h"

/* connect() to every address goes to the loopback one. */
static struct addr called_by(const struct addr *to)
{
	struct addr a = addr_unmapped(to);

	if (addr_is_any(&a) && a.family == AF_INET)
		memcpy(a.ip, (const uint8_t[]){ 127, 0, 0, 1 }, 4);
	else if (addr_is_any(&a))
		a.ip[15] = 1;
	return a;
}

int listener_score(const struct sock *listener, const struct addr *to, uint32_t ifindex)
{
	struct addr local, called;
	bool own, any, dual;

	if (listener->local.port != to->port ||
	    (listener->ifindex && ifindex && listener->ifindex != ifindex))
		return 0;
	local = addr_unmapped(&listener->local);
	called = called_by(to);
	own = listener->family == called.family;
	any = addr_is_any(&local);
	/* [::], which takes IPv4 as well; of a mapped address the socket is IPv6. */
	dual = any && local.family == AF_INET6 && called.family == AF_INET &&
	       !((listener->has & SOCK_HAS_V6ONLY) && listener->v6only);
	if ((local.family != called.family && !dual) ||
	    (!any && !addr_same_ip(&local, &called)))
		return 0;
	return (any ? 1 : 3) + own;
}

int listener_took(const struct sock *listener, const struct sock *connection)
{
	int score = listener_score(listener, &connection->local, connection->ifindex);

	if (!score || listener->family != connection->family ||
	    (listener->ifindex && listener->ifindex != connection->ifindex))
		return 0;
	return 2 * score + (listener->ifindex != 0);
}
