/* Which facts a row has by nature, so that their absence is a lack of its source. */
#include "model/field/get_private.h"

static bool is_full_inet(const struct sock *s)
{
	return !sock_is_unix(s) && (s->has & SOCK_IS_FULL);
}

static bool is_full_tcp(const struct sock *s)
{
	return s->proto == PROTO_TCP && (s->has & SOCK_IS_FULL);
}

/* Only the text tables of /proc have none. */
static bool is_of_text(const struct sock *s)
{
	return !(s->has & SOCK_HAS_COOKIE);
}

static bool reaches(const struct field *f, const struct blob *b)
{
	return (uint32_t)f->offset + f->size <= b->len;
}

bool field_is_privileged(const struct field *f)
{
	return f->group == GROUP_ATTACHED || f->get == get_ulp ||
	       f->get == get_md5_keys || f->get == get_mptcp ||
	       (f->source == FROM_SOCK && f->has == SOCK_HAS_MARK);
}

static bool lacks_info(const struct field *f, const struct sock *s)
{
	if (!is_full_tcp(s) || sock_is_listener(s))
		return false;
	if (field_is_privileged(f))
		return !sock_is_told_all(s);
	if (f->source == FROM_INFO)
		return !reaches(f, &s->tcp_info);
	if (f->get == get_idle && s->state != STATE_ESTABLISHED)
		return false;
	if (f->get == get_close_wait && s->state != STATE_CLOSE_WAIT)
		return false;
	return !s->tcp_info.len;
}

static bool lacks_limit(const struct sock *s)
{
	return sock_is_listener(s) && !(s->has & SOCK_HAS_LIMIT);
}

static bool lacks_attribute(const struct field *f, const struct sock *s)
{
	if (!is_full_inet(s))
		return false;
	/* Nobody hears IPV6_V6ONLY of a connection. */
	if (f->source == FROM_SOCK && (f->has & SOCK_HAS_V6ONLY))
		return !(s->has & SOCK_HAS_V6ONLY) && s->family == AF_INET6 &&
		       (sock_is_listener(s) || s->proto == PROTO_UDP);
	if (f->source == FROM_SOCK)
		return (s->has & f->has) != f->has;
	return !(s->has & SOCK_HAS_OPTIONS);
}

/* What is not connected has agreed on nothing. */
static bool lacks_mptcp(const struct sock *s)
{
	return is_full_tcp(s) && s->state != STATE_CLOSE && s->state != STATE_SYN_SENT;
}

bool field_is_lacking(const struct field *f, const struct sock *s)
{
	if (f->get == get_mptcp)
		return lacks_mptcp(s);
	if (f->get == get_accept_limit || f->get == get_accept_full ||
	    f->get == get_fill || f->get == get_queue)
		return lacks_limit(s);
	if (f->get == get_drops)
		return is_full_inet(s) &&
		       (sock_is_listener(s) || s->proto == PROTO_UDP) &&
		       s->skmem.len < sizeof(uint32_t) * (SOCK_MEM_DROPS + 1);
	if (f->needs & NEED_INFO)
		return lacks_info(f, s);
	if (f->needs & NEED_SKMEM)
		return is_full_inet(s) && !reaches(f, &s->skmem);
	if (f->needs & NEED_MEMINFO)
		return is_full_inet(s) && !reaches(f, &s->meminfo);
	if (f->needs & NEED_CONG)
		return is_full_tcp(s) && !s->cong.len;
	if (f->needs & NEED_TOS)
		return is_full_inet(s) && !(s->has & SOCK_HAS_TOS);
	if (f->needs & NEED_TCLASS)
		return is_full_inet(s) && !(s->has & f->has) &&
		       (s->family == AF_INET6 || f->has != SOCK_HAS_TCLASS);
	if (f->needs & NEED_BPF)
		return is_full_inet(s) &&
		       (!sock_is_told_all(s) || (s->has & SOCK_LACKS_STORAGES));
	if (f->needs & NEED_CGROUP)
		return (s->has & SOCK_LACKS_CGROUP) ||
		       (is_full_inet(s) && !(s->has & SOCK_HAS_CGROUP));
	if (f->needs & NEED_USER)
		return s->has & SOCK_LACKS_USER;
	if ((f->needs & NEED_DEVICE) && (s->has & SOCK_LACKS_DEVICE))
		return true;
	if (f->needs & NEED_ATTRIBUTES)
		return lacks_attribute(f, s);
	/* Which listener has whose connections, and interfaces, stand in no text. */
	if ((f->needs & NEED_CC_INFO) || f->get == get_device ||
	    (f->source == FROM_SOCK && f->offset == offsetof(struct sock, ifindex)))
		return is_of_text(s) && is_full_inet(s);
	return f->source == FROM_SOCK && f->has == SOCK_HAS_COOKIE && is_of_text(s);
}
