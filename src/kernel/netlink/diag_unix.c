#include "kernel/netlink/diag_unix.h"

#include <errno.h>
#include <linux/inet_diag.h>

#include "kernel/netlink/uapi.h"

int unix_dump(struct nl *nl, uint32_t states, uint32_t show, nl_message_fn *fn, void *ctx)
{
	struct {
		struct nlmsghdr h;
		struct unix_diag_req r;
	} req = {
		.h = { .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_len = sizeof(req) },
		.r = { .sdiag_family = AF_UNIX,
		       .udiag_states = states,
		       .udiag_show = show },
	};

	return nl_dump(nl, &req.h, fn, ctx);
}

static void read_attr(struct sock *s, const struct nl_attr *a)
{
	const uint32_t *words = a->data;

	switch (a->type) {
	case UNIX_DIAG_NAME:
		/* A path ends in NUL, or with the attribute; an abstract name begins with
		 * one. */
		s->path = (struct blob){ a->data, a->len };
		if (a->len && *(const char *)a->data)
			s->path.len = (uint32_t)strnlen(a->data, a->len);
		break;
	case UNIX_DIAG_VFS:
		if (a->len >= sizeof(struct unix_diag_vfs)) {
			memcpy(&s->vfs_inode, &words[0], 4);
			memcpy(&s->vfs_dev, &words[1], 4);
			s->has |= SOCK_HAS_VFS;
		}
		break;
	case UNIX_DIAG_PEER:
		if (a->len >= 4) {
			memcpy(&s->peer_inode, a->data, 4);
			s->has |= SOCK_HAS_PEER_INODE;
		}
		break;
	case UNIX_DIAG_ICONS:
		s->waiting_clients = (struct blob){ a->data, a->len & ~3u };
		break;
	case UNIX_DIAG_RQLEN:
		if (a->len >= sizeof(struct unix_diag_rqlen)) {
			memcpy(&s->recv_queue, &words[0], 4);
			memcpy(&s->send_queue, &words[1], 4);
			s->has |= SOCK_HAS_QUEUES | SOCK_HAS_LIMIT;
		}
		break;
	case UNIX_DIAG_MEMINFO:
		s->skmem = (struct blob){ a->data, a->len };
		break;
	case UNIX_DIAG_SHUTDOWN:
		if (a->len >= 1) {
			s->shutdown = *(const uint8_t *)a->data & 3;
			s->has |= SOCK_HAS_SHUTDOWN;
		}
		break;
	case UAPI_UNIX_DIAG_UID:
		if (a->len >= 4) {
			memcpy(&s->uid, a->data, 4);
			s->has |= SOCK_HAS_UID;
		}
		break;
	default: /* newer kernels may tell more */
		break;
	}
}

static uint8_t proto_of_type(uint8_t type)
{
	switch (type) {
	case SOCK_DGRAM:
		return PROTO_UNIX_DGRAM;
	case SOCK_SEQPACKET:
		return PROTO_UNIX_SEQPACKET;
	default:
		return PROTO_UNIX_STREAM;
	}
}

bool unix_parse(const struct nlmsghdr *h, struct sock *s)
{
	const struct unix_diag_msg *m = NLMSG_DATA(h);
	const char *p, *end;
	struct nl_attr a;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) || m->udiag_family != AF_UNIX ||
	    m->udiag_state >= STATE_COUNT)
		return false;
	memset(s, 0, sizeof(*s));
	s->family = AF_UNIX;
	s->proto = proto_of_type(m->udiag_type);
	s->state = m->udiag_state;
	s->inode = m->udiag_ino;
	s->cookie = (uint64_t)m->udiag_cookie[1] << 32 | m->udiag_cookie[0];
	s->has = SOCK_HAS_COOKIE | SOCK_IS_FULL;
	p = (const char *)h + NLMSG_LENGTH(sizeof(*m));
	end = (const char *)h + h->nlmsg_len;
	while (nl_attr_next(&p, end, &a))
		read_attr(s, &a);
	return true;
}

static int take_exact(const struct nlmsghdr *h, void *ctx)
{
	return unix_parse(h, ctx) ? 0 : -EBADMSG;
}

int unix_exact(struct nl *nl, uint32_t inode, uint32_t show, struct sock *s)
{
	struct {
		struct nlmsghdr h;
		struct unix_diag_req r;
	} req = {
		.h = { .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_len = sizeof(req) },
		.r = { .sdiag_family = AF_UNIX,
		       .udiag_states = ~0u,
		       .udiag_ino = inode,
		       .udiag_show = show,
		       .udiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } },
	};

	return nl_ask(nl, &req.h, take_exact, s);
}
