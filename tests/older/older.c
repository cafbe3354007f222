/*
 * An older kernel, as far as sock_diag goes: loaded in front of libc, it takes out of
 * requests the states that such a kernel does not know, and out of answers the attributes
 * that it does not send. The kernel ignores what it does not know, and so does this.
 *
 *   OLDER_STATES   bits of idiag_states that are not known: 0x2000 before Linux 6.8
 *   OLDER_LACKS    attributes of inet_diag that are not sent, such as "21,22"
 */
#include <dlfcn.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LEGACY = 18, UNKNOWN = 0x3fff };

static bool is_netlink(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       domain == AF_NETLINK;
}

/* Where a request has its states, or NULL. */
static uint32_t *states_of(char *message, size_t len)
{
	struct nlmsghdr *h = (void *)message;
	struct inet_diag_req_v2 *v2 = NLMSG_DATA(h);

	if (len < NLMSG_LENGTH(sizeof(struct inet_diag_req)))
		return NULL;
	if (h->nlmsg_type == LEGACY)
		return &((struct inet_diag_req *)NLMSG_DATA(h))->idiag_states;
	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || v2->sdiag_family == AF_UNIX)
		return NULL;
	return &v2->idiag_states;
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
	       socklen_t to_len)
{
	ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *,
			socklen_t) = dlsym(RTLD_NEXT, "sendto");
	const char *hidden = getenv("OLDER_STATES");
	char copy[70000];
	uint32_t *states;

	if (!hidden || len > sizeof(copy) || !is_netlink(fd))
		return next(fd, data, len, flags, to, to_len);
	memcpy(copy, data, len);
	states = states_of(copy, len);
	if (states)
		*states &= ~(uint32_t)strtoul(hidden, NULL, 0);
	return next(fd, copy, len, flags, to, to_len);
}

static bool lacks(unsigned type)
{
	const char *p = getenv("OLDER_LACKS");
	char *end;

	while (p && *p) {
		if (strtoul(p, &end, 0) == type)
			return true;
		p = *end ? end + 1 : end;
	}
	return false;
}

static void strip(struct nlmsghdr *h)
{
	char *p = (char *)h + NLMSG_LENGTH(sizeof(struct inet_diag_msg)),
	     *end = (char *)h + h->nlmsg_len;
	const struct inet_diag_msg *m = NLMSG_DATA(h);

	if ((h->nlmsg_type != LEGACY && h->nlmsg_type != SOCK_DIAG_BY_FAMILY) ||
	    h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) || m->idiag_family == AF_UNIX)
		return;
	while (end - p >= (long)sizeof(struct nlattr)) {
		struct nlattr *a = (void *)p;

		if (a->nla_len < sizeof(*a))
			return;
		if (lacks(a->nla_type & NLA_TYPE_MASK))
			a->nla_type = UNKNOWN;
		p += NLA_ALIGN(a->nla_len);
	}
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t (*next)(int, struct msghdr *, int) = dlsym(RTLD_NEXT, "recvmsg");
	ssize_t n = next(fd, msg, flags);
	char *p = msg->msg_iov->iov_base, *end = p + n;

	if (n <= 0 || !getenv("OLDER_LACKS") || !is_netlink(fd))
		return n;
	while (end - p >= (long)sizeof(struct nlmsghdr)) {
		struct nlmsghdr *h = (void *)p;

		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > end - p)
			break;
		strip(h);
		p += NLMSG_ALIGN(h->nlmsg_len);
	}
	return n;
}
