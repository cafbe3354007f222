#include "kernel/netlink/nl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "kernel/netlink/uapi.h"

static int open_socket(struct nl *nl)
{
	nl->sock = mnl_socket_open2(nl->bus, SOCK_CLOEXEC);
	if (!nl->sock)
		return -errno;
	/* What sends without an address gets one: a sandbox that refuses bind() leaves
	 * that. */
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0 && errno != EACCES &&
	    errno != EPERM) {
		int err = errno;

		mnl_socket_close(take_ptr(&nl->sock));
		return -err;
	}
	return 0;
}

static int open_bus(struct nl *nl, int bus)
{
	int r;

	*nl = (struct nl){ .bus = bus };
	r = open_socket(nl);
	if (r == 0)
		nl->buf = xmalloc(NL_BUFFER);
	return r;
}

int nl_open(struct nl *nl, struct fault *f)
{
	int r = open_bus(nl, NETLINK_SOCK_DIAG);

	return r < 0 ? fault(f, -r, "open a netlink sock_diag socket") : 0;
}

int nl_open_route(struct nl *nl)
{
	return open_bus(nl, NETLINK_ROUTE);
}

int nl_open_generic(struct nl *nl)
{
	return open_bus(nl, NETLINK_GENERIC);
}

bool nl_strict(struct nl *nl)
{
	int one = 1;

	return mnl_socket_setsockopt(nl->sock, UAPI_NETLINK_GET_STRICT_CHK, &one,
				     sizeof(one)) == 0;
}

void nl_close(struct nl *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
	free(take_ptr(&nl->buf));
}

/* The errno of a failed dump stands in its last message, as a negative int. */
static void end_answer(struct nl_answer *a, const struct nlmsghdr *h)
{
	int err = h->nlmsg_type == NLMSG_ERROR ? -EBADMSG : 0;

	if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
		memcpy(&err, NLMSG_DATA(h), sizeof(err));
	a->done = true;
	a->error = nl_error_of(err);
}

int nl_walk(struct nl_answer *a, const void *packet, size_t len)
{
	const char *p = packet, *end = p + len;
	int r;

	while (end - p >= (ptrdiff_t)sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *h = (const void *)p;

		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > end - p)
			return -EBADMSG;
		p += MIN((ptrdiff_t)NLMSG_ALIGN(h->nlmsg_len), end - p);
		if (UNLIKELY(h->nlmsg_seq != a->seq))
			continue;
		if (UNLIKELY(h->nlmsg_flags & NLM_F_DUMP_INTR))
			a->interrupted = true;
		if (UNLIKELY(h->nlmsg_type < NLMSG_MIN_TYPE)) {
			if (h->nlmsg_type != NLMSG_DONE && h->nlmsg_type != NLMSG_ERROR)
				continue;
			end_answer(a, h);
			return 0;
		}
		a->messages++;
		r = a->fn(h, a->ctx);
		if (UNLIKELY(r < 0))
			return r;
	}
	return p == end ? 0 : -EBADMSG;
}

ssize_t nl_receive(struct nl *nl, void *buf)
{
	int flags = 0, err = 0;

	for (;;) {
		struct sockaddr_nl from = { 0 };
		struct iovec iov = { .iov_base = buf, .iov_len = NL_BUFFER };
		struct msghdr msg = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
		};
		ssize_t n = recvmsg(mnl_socket_get_fd(nl->sock), &msg, flags);

		if (n < 0 && errno == EINTR)
			continue;
		/*
		 * netlink_dump(): the kernel had no memory for the next packet, nothing
		 * is lost. It makes packets when one is received: where none is left it
		 * will not go on.
		 */
		if (n < 0 && !err && (errno == ENOBUFS || errno == ENOMEM)) {
			err = errno;
			flags = MSG_DONTWAIT;
			continue;
		}
		if (n < 0)
			return err ? -err : -errno;
		if (n == 0)
			return -EPIPE;
		/* Only the kernel (port 0) answers; any process may send to our port. */
		if (msg.msg_namelen < sizeof(from) || from.nl_pid != 0)
			continue;
		if (msg.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		return n;
	}
}

/* Reads the rest of a dump: it ends when nothing comes any more. */
static int drain(struct nl *nl)
{
	ssize_t n;

	do
		n = recv(mnl_socket_get_fd(nl->sock), nl->buf, NL_BUFFER, MSG_DONTWAIT);
	while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 && errno == EAGAIN ? 0 : -EBUSY;
}

/* The kernel runs one dump a socket; a new one starts at once, the old dump dies with its
 * own. Where there is none to be had the old dump is read to its end. */
static int renew(struct nl *nl)
{
	struct mnl_socket *old = nl->sock;
	int r = open_socket(nl);

	if (r == 0) {
		mnl_socket_close(old);
	} else {
		nl->sock = old;
		if (drain(nl) < 0)
			return r;
	}
	nl->abandoned = false;
	return 0;
}

int nl_send(struct nl *nl, struct nlmsghdr *req, uint16_t flags)
{
	int r = nl->abandoned ? renew(nl) : 0;

	if (r < 0)
		return r;
	req->nlmsg_flags = NLM_F_REQUEST | flags;
	req->nlmsg_seq = ++nl->seq;
	if (mnl_socket_sendto(nl->sock, req, req->nlmsg_len) < 0)
		return -errno;
	return 0;
}

int nl_go_on(struct nl *nl, struct nl_answer *a, unsigned packets)
{
	int r = 0;

	for (; packets && !a->done && r == 0; packets--) {
		ssize_t n = nl_receive(nl, nl->buf);

		if (n < 0) {
			r = (int)n;
			break;
		}
		if (nl->record)
			nl->record->messages(nl->record, nl->buf, (size_t)n);
		r = nl_walk(a, nl->buf, (size_t)n);
	}
	nl->abandoned |= r < 0;
	nl->interrupted |= a->interrupted;
	return r < 0 ? r : a->error;
}

int nl_finish(struct nl *nl, struct nl_answer *a, int sent)
{
	int r = sent;

	a->seq = nl->seq;
	if (r == 0)
		r = nl_go_on(nl, a, NL_ALL_PACKETS);
	/* What the kernel itself says of its end is in the record. */
	if (r < 0 && !a->done && nl->record)
		nl->record->failed(nl->record, r);
	return r;
}

int nl_dump(struct nl *nl, struct nlmsghdr *req, nl_message_fn *fn, void *ctx)
{
	struct nl_answer a = { .fn = fn, .ctx = ctx };

	return nl_finish(nl, &a, nl_send(nl, req, NLM_F_DUMP));
}

int nl_ask(struct nl *nl, struct nlmsghdr *req, nl_message_fn *fn, void *ctx)
{
	struct nl_answer a = { .fn = fn, .ctx = ctx };
	const struct nlmsghdr *h = (const void *)nl->buf;
	struct nl_record *record = take_ptr(&nl->record);
	int r = nl_send(nl, req, 0);

	a.seq = nl->seq;
	/* Without NLM_F_DUMP the answer is one message, and no DONE follows. */
	while (r == 0 && !a.done && !a.messages)
		r = nl_go_on(nl, &a, 1);
	/* That there is no such socket does not make a record incomplete. */
	if (record && r == 0 && a.messages)
		record->messages(record, h, h->nlmsg_len);
	else if (record && r < 0 && r != -ENOENT && r != -ESTALE)
		record->failed(record, r);
	nl->record = record;
	return r;
}
