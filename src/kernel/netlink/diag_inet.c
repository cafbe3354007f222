#include "kernel/netlink/diag_inet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "kernel/netlink/uapi.h"

static inline void read_attr(struct sock *s, const struct nl_attr *a)
{
	struct blob b = { a->data, a->len };

	switch (a->type) {
	case INET_DIAG_SHUTDOWN:
		if (a->len >= 1) {
			s->shutdown = *(const uint8_t *)a->data & 3;
			/* Only full sockets have it; requests and TIME_WAIT remnants do
			 * not. */
			s->has |= SOCK_HAS_SHUTDOWN | SOCK_IS_FULL;
		}
		break;
	case UAPI_INET_DIAG_MARK:
		if (a->len >= 4) {
			memcpy(&s->mark, a->data, 4);
			s->has |= SOCK_HAS_MARK;
		}
		break;
	case UAPI_INET_DIAG_CGROUP_ID:
		if (a->len >= 8) {
			memcpy(&s->cgroup_id, a->data, 8);
			s->has |= SOCK_HAS_CGROUP;
		}
		break;
	case UAPI_INET_DIAG_SOCKOPT:
		if (a->len >= 2) {
			memcpy(&s->options, a->data, 2);
			s->has |= SOCK_HAS_OPTIONS;
		}
		break;
	case INET_DIAG_MEMINFO:
		s->meminfo = b;
		break;
	case INET_DIAG_INFO:
		/* A listener's repeats its queue and holds constants otherwise. */
		if (s->state != STATE_LISTEN)
			s->tcp_info = b;
		break;
	case INET_DIAG_VEGASINFO:
		s->vegas = b;
		break;
	case INET_DIAG_CONG:
		s->cong = b;
		break;
	case INET_DIAG_TOS:
		if (a->len >= 1) {
			s->tos = *(const uint8_t *)a->data;
			s->has |= SOCK_HAS_TOS;
		}
		break;
	case INET_DIAG_TCLASS:
		if (a->len >= 1) {
			s->tclass = *(const uint8_t *)a->data;
			s->has |= SOCK_HAS_TCLASS;
		}
		break;
	case INET_DIAG_SKMEMINFO:
		s->skmem = b;
		break;
	case INET_DIAG_DCTCPINFO:
		s->dctcp = b;
		break;
	case UAPI_INET_DIAG_BBRINFO:
		s->bbr = b;
		break;
	case INET_DIAG_SKV6ONLY:
		if (a->len >= 1) {
			s->v6only = *(const uint8_t *)a->data;
			s->has |= SOCK_HAS_V6ONLY;
		}
		break;
	case UAPI_INET_DIAG_CLASS_ID:
		if (a->len >= 4) {
			memcpy(&s->class_id, a->data, 4);
			s->has |= SOCK_HAS_CLASS_ID;
		}
		break;
	case UAPI_INET_DIAG_MD5SIG:
		s->md5 = b;
		break;
	case UAPI_INET_DIAG_ULP_INFO:
		s->ulp = b;
		break;
	case UAPI_INET_DIAG_SK_BPF_STORAGES:
		s->bpf_storages = b;
		break;
	default: /* newer kernels may tell more */
		break;
	}
}

static inline void read_addrs(struct sock *s, const struct inet_diag_sockid *id)
{
	s->local.family = s->peer.family = s->family;
	s->local.port = ntohs(id->idiag_sport);
	s->peer.port = ntohs(id->idiag_dport);
	if (LIKELY(s->family == AF_INET)) {
		memcpy(s->local.ip, id->idiag_src, 4);
		memcpy(s->peer.ip, id->idiag_dst, 4);
		return;
	}
	memcpy(s->local.ip, id->idiag_src, sizeof(s->local.ip));
	memcpy(s->peer.ip, id->idiag_dst, sizeof(s->peer.ip));
	if (addr_is_link_local(&s->local))
		s->local.scope = id->idiag_if;
	if (addr_is_link_local(&s->peer))
		s->peer.scope = id->idiag_if;
}

/* In steps: for all at once compilers take "rep stos", which is slow to start. */
static inline void clear(struct sock *s)
{
	enum { STEP = 64 };
	char *p = (char *)s;
	size_t at;

#pragma GCC unroll 8
	for (at = 0; at + STEP <= sizeof(*s); at += STEP)
		memset(p + at, 0, STEP);
	memset(p + at, 0, sizeof(*s) - at);
}

/* The last attribute that a plain table shows: of servers of IPv6, behind the first. */
static inline uint32_t last_wanted(const struct sock *s)
{
	return (BIT(s->state) & (1 << STATE_LISTEN | 1 << STATE_CLOSE)) &&
			       s->family == AF_INET6
		       ? SOCK_IS_FULL | SOCK_HAS_V6ONLY
		       : SOCK_IS_FULL;
}

static inline bool parse(const struct nlmsghdr *h, uint8_t proto, bool all_attributes,
			 struct sock *s)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);
	const char *p, *end;
	uint32_t last;
	struct nl_attr a;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) ||
	    (m->idiag_family != AF_INET && m->idiag_family != AF_INET6) ||
	    m->idiag_state >= STATE_COUNT)
		return false;
	clear(s);
	s->proto = proto;
	s->family = m->idiag_family;
	s->state = m->idiag_state == STATE_NEW_SYN_RECV ? STATE_SYN_RECV : m->idiag_state;
	s->timer = m->idiag_timer;
	s->retrans = m->idiag_retrans;
	s->expires_ms = m->idiag_expires;
	s->recv_queue = m->idiag_rqueue;
	s->send_queue = m->idiag_wqueue;
	s->uid = m->idiag_uid;
	s->inode = m->idiag_inode;
	s->ifindex = m->id.idiag_if;
	s->cookie = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0];
	s->has = SOCK_HAS_TIMER | SOCK_HAS_COOKIE;
	read_addrs(s, &m->id);
	last = last_wanted(s);

	p = (const char *)h + NLMSG_LENGTH(sizeof(*m));
	end = (const char *)h + h->nlmsg_len;
	while (nl_attr_next(&p, end, &a)) {
		read_attr(s, &a);
		if (!all_attributes && (s->has & last) == last)
			break;
	}

	/*
	 * Requests and remnants carry zeros for uid and queues; zeros that mean nothing
	 * are absent. A bound socket reported by the bind table (state CLOSE of TCP) has
	 * no queues either.
	 */
	if (s->has & SOCK_IS_FULL)
		s->has |= SOCK_HAS_UID | SOCK_HAS_QUEUES | SOCK_HAS_LIMIT;
	if (proto == PROTO_TCP && s->state == STATE_CLOSE) {
		s->state = STATE_BOUND_INACTIVE;
		s->has &= ~(uint32_t)SOCK_HAS_QUEUES;
	}
	return true;
}

bool inet_parse(const struct nlmsghdr *h, uint8_t proto, struct sock *s)
{
	return parse(h, proto, true, s);
}

bool inet_parse_brief(const struct nlmsghdr *h, uint8_t proto, struct sock *s)
{
	return parse(h, proto, false, s);
}

/* Room for the largest request: header, inet_diag_req_v2 and 64 KiB of bytecode. */
struct request {
	struct nlmsghdr h;
	union {
		struct inet_diag_req_v2 v2;
		struct inet_diag_req legacy;
	};
};

/* message has room behind the request. */
static void add_attribute(char *message, uint16_t type, const struct blob *payload)
{
	struct nlmsghdr *h = (void *)message;
	struct nlattr a = {
		.nla_len = (uint16_t)(NLA_HDRLEN + payload->len),
		.nla_type = type,
	};
	char *tail = message + NLMSG_ALIGN(h->nlmsg_len);

	memcpy(tail, &a, sizeof(a));
	if (payload->len)
		memcpy(tail + NLA_HDRLEN, payload->data, payload->len);
	h->nlmsg_len = (uint32_t)(NLMSG_ALIGN(h->nlmsg_len) + NLA_ALIGN(a.nla_len));
}

int inet_send(struct nl *nl, const struct inet_query *q)
{
	_cleanup_free_ char *message = xcalloc(
		1, sizeof(struct request) + 2 * NLA_HDRLEN + NLA_ALIGN(q->bytecode.len));
	static const struct blob none;
	struct request *r = (void *)message;
	struct inet_diag_sockid id = { .idiag_sport = htons(q->sport),
				       .idiag_dport = htons(q->dport) };

	if (q->bytecode.len > UINT16_MAX - NLA_HDRLEN)
		return -E2BIG;
	if (q->family == AF_UNSPEC) {
		r->h.nlmsg_type = UAPI_TCPDIAG_GETSOCK;
		r->h.nlmsg_len = NLMSG_LENGTH(sizeof(r->legacy));
		r->legacy.idiag_ext = (uint8_t)q->ext;
		r->legacy.idiag_states = q->states;
		r->legacy.id = id;
	} else {
		r->h.nlmsg_type = SOCK_DIAG_BY_FAMILY;
		r->h.nlmsg_len = NLMSG_LENGTH(sizeof(r->v2));
		r->v2.sdiag_family = q->family;
		r->v2.sdiag_protocol = q->protocol;
		r->v2.idiag_ext = (uint8_t)q->ext;
		r->v2.idiag_states = q->states;
		r->v2.id = id;
	}
	if (q->bytecode.len)
		add_attribute(message, INET_DIAG_REQ_BYTECODE, &q->bytecode);
	/* Without the descriptor of a map in it: those of all maps. */
	if (q->ext & EXT_BIT(UAPI_INET_DIAG_SK_BPF_STORAGES))
		add_attribute(message, UAPI_INET_DIAG_REQ_SK_BPF_STORAGES | NLA_F_NESTED,
			      &none);
	return nl_send(nl, &r->h, NLM_F_DUMP);
}

int inet_dump(struct nl *nl, const struct inet_query *q, nl_message_fn *fn, void *ctx)
{
	struct nl_answer a = { .fn = fn, .ctx = ctx };

	return nl_finish(nl, &a, inet_send(nl, q));
}

static int take_exact(const struct nlmsghdr *h, void *ctx)
{
	return inet_parse(h, PROTO_TCP, ctx) ? 0 : -EBADMSG;
}

int inet_exact(struct nl *nl, const struct addr *local, const struct addr *peer,
	       uint32_t ifindex, uint64_t cookie, uint32_t ext, struct sock *s)
{
	struct request r = { 0 };
	struct inet_diag_sockid *id = &r.v2.id;

	r.h.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	r.h.nlmsg_len = NLMSG_LENGTH(sizeof(r.v2));
	r.v2.sdiag_family = local->family;
	r.v2.sdiag_protocol = IPPROTO_TCP;
	r.v2.idiag_ext = (uint8_t)ext;
	r.v2.idiag_states = STATES_ALL;
	id->idiag_sport = htons(local->port);
	id->idiag_dport = htons(peer->port);
	memcpy(id->idiag_src, local->ip, sizeof(local->ip));
	memcpy(id->idiag_dst, peer->ip, sizeof(peer->ip));
	id->idiag_if = ifindex;
	id->idiag_cookie[0] = cookie ? (uint32_t)cookie : INET_DIAG_NOCOOKIE;
	id->idiag_cookie[1] = cookie ? (uint32_t)(cookie >> 32) : INET_DIAG_NOCOOKIE;
	return nl_ask(nl, &r.h, take_exact, s);
}
