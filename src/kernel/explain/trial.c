#include "kernel/explain/trial.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void set(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof(value));
}

int trial_bind(const struct bind_candidate *c, bool freebind)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(&c->addr, &ss);
	int fd, r;

	if (c->proto != PROTO_TCP)
		return -EOPNOTSUPP;
	fd = socket(c->addr.family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0)
		return -errno;
	if (c->addr.family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, c->v6only);
	if (c->reuseaddr)
		set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (c->reuseport)
		set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (freebind)
		set(fd, IPPROTO_IP, IP_FREEBIND, 1);
	r = bind(fd, (const struct sockaddr *)&ss, len) == 0 ? 0 : -errno;
	close(fd);
	return r;
}
