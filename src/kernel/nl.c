#include "kernel/nl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"

static int open_socket(struct nl *nl, struct fault *f)
{
	nl->sock = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	if (!nl->sock)
		return fault(f, errno, "open a netlink sock_diag socket");
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		int err = errno;

		mnl_socket_close(nl->sock);
		nl->sock = NULL;
		return fault(f, err, "bind a netlink sock_diag socket");
	}
	return 0;
}

int nl_open(struct nl *nl, struct fault *f)
{
	int r;

	*nl = (struct nl){ 0 };
	r = open_socket(nl, f);
	if (r == 0)
		nl->buf = xmalloc(NL_BUFFER);
	return r;
}

void nl_close(struct nl *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
	free(take_ptr(&nl->buf));
}

int64_t nl_walk(const void *buf, size_t len, nl_message_fn *fn, void *ctx, bool *done,
		int *error)
{
	size_t at = 0;

	while (len - at >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *h = (const void *)((const char *)buf + at);
		size_t step;
		int r;

		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > len - at)
			break;
		step = MIN((size_t)NLMSG_ALIGN(h->nlmsg_len), len - at);
		if (h->nlmsg_type == NLMSG_DONE) {
			/* The errno of a failed dump stands here, as a negative int. */
			int err = 0;

			if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
				memcpy(&err, NLMSG_DATA(h), sizeof(err));
			*done = true;
			*error = err < 0 ? err : 0;
			return (int64_t)(at + step);
		}
		if (h->nlmsg_type == NLMSG_ERROR) {
			int err = -EBADMSG;

			if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
				memcpy(&err, NLMSG_DATA(h), sizeof(err));
			*done = true;
			*error = err < 0 ? err : 0;
			return (int64_t)(at + step);
		}
		r = fn(h, ctx);
		if (r < 0)
			return r;
		at += step;
	}
	return (int64_t)at;
}

/* One packet from the kernel, whole. Returns its length or -errno. */
static ssize_t receive(struct nl *nl)
{
	for (;;) {
		struct sockaddr_nl from = { 0 };
		struct iovec iov = { .iov_base = nl->buf, .iov_len = NL_BUFFER };
		struct msghdr msg = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
		};
		ssize_t n = recvmsg(mnl_socket_get_fd(nl->sock), &msg, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EPIPE;
		/* Only the kernel (port 0) answers; any process may send to our port. */
		if (msg.msg_namelen < sizeof(from) || from.nl_pid != 0)
			continue;
		if (msg.msg_flags & MSG_TRUNC)
			return -ENOBUFS;
		return n;
	}
}

static int send_request(struct nl *nl, struct nlmsghdr *req, uint16_t flags)
{
	/* The kernel runs one dump a socket; a new one starts at once, the old one dies
	 * with it. */
	if (nl->abandoned) {
		int r;

		mnl_socket_close(nl->sock);
		r = open_socket(nl, NULL);
		if (r < 0)
			return r;
		nl->abandoned = false;
	}
	req->nlmsg_flags = NLM_F_REQUEST | flags;
	req->nlmsg_seq = ++nl->seq;
	if (mnl_socket_sendto(nl->sock, req, req->nlmsg_len) < 0)
		return -errno;
	return 0;
}

struct exchange {
	struct nl *nl;
	nl_message_fn *fn;
	void *ctx;
	unsigned answered;
};

static int deliver(const struct nlmsghdr *h, void *ctx)
{
	struct exchange *x = ctx;

	/* What an abandoned earlier dump left behind. */
	if (h->nlmsg_seq != x->nl->seq)
		return 0;
	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		x->nl->interrupted = true;
	x->answered++;
	return x->fn(h, x->ctx);
}

static int exchange(struct nl *nl, struct nlmsghdr *req, uint16_t flags,
		    nl_message_fn *fn, void *ctx)
{
	struct exchange x = { .nl = nl, .fn = fn, .ctx = ctx };
	bool done = false;
	int error = 0, r = send_request(nl, req, flags);

	while (r == 0 && !done) {
		ssize_t n = receive(nl);
		int64_t used;

		if (n < 0)
			return (int)n;
		if (nl->record)
			buf_put(&nl->record->b, nl->buf, (size_t)n);
		used = nl_walk(nl->buf, (size_t)n, deliver, &x, &done, &error);
		if (used < 0) {
			nl->abandoned = true;
			return (int)used;
		}
		if (!done && used != n)
			return -EBADMSG;
		if (nl->record)
			out_maybe_flush(nl->record);
		/* Without NLM_F_DUMP the answer is one message, and no DONE follows. */
		if (!(flags & NLM_F_DUMP) && x.answered)
			return 0;
	}
	return r < 0 ? r : error;
}

int nl_dump(struct nl *nl, struct nlmsghdr *req, nl_message_fn *fn, void *ctx)
{
	return exchange(nl, req, NLM_F_DUMP, fn, ctx);
}

int nl_ask(struct nl *nl, struct nlmsghdr *req, nl_message_fn *fn, void *ctx)
{
	return exchange(nl, req, 0, fn, ctx);
}
