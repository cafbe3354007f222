#include "model/field/get_private.h"

#include "model/names.h"
#include "model/tcpinfo.h"

#define INFO(member) offsetof(struct tcpinfo, member)

static bool set_word(struct value *v, const char *word)
{
	return value_set_text(v, word, strlen(word));
}

static bool set_blob(struct value *v, const struct blob *b)
{
	return b->data && value_set_text(v, b->data, b->len);
}

/* Kernel names come with or without their NUL. */
static bool set_name(struct value *v, const struct blob *b)
{
	return b->data && value_set_text(v, b->data, strnlen(b->data, b->len));
}

bool get_proto(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return set_word(v, proto_name(s->proto));
}

bool get_family(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return set_word(v, family_name(s->family));
}

bool get_state(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return value_set_uint(v, s->state);
}

bool get_local(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	if (sock_is_unix(s))
		return set_blob(v, &s->path);
	return value_set_addr(v, &s->local);
}

bool get_peer(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	if (sock_is_unix(s))
		return set_blob(v, &s->peer_path);
	if (!s->peer.port && addr_is_any(&s->peer))
		return false;
	return value_set_addr(v, &s->peer);
}

bool get_local_addr(const struct sock *s, unsigned i, struct value *v)
{
	return get_local(s, i, v);
}

bool get_peer_addr(const struct sock *s, unsigned i, struct value *v)
{
	return get_peer(s, i, v);
}

bool get_local_port(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return !sock_is_unix(s) && value_set_uint(v, s->local.port);
}

bool get_peer_port(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return !sock_is_unix(s) && s->peer.port && value_set_uint(v, s->peer.port);
}

/* For sorting: listeners by their fill. A filter compares accept_queue, or fill. */
bool get_queue(const struct sock *s, unsigned i, struct value *v)
{
	return get_fill(s, i, v);
}

bool get_recv_queue(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return !sock_is_listener(s) && (s->has & SOCK_HAS_QUEUES) &&
	       value_set_uint(v, sock_recv_bytes(s));
}

bool get_send_queue(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return !sock_is_listener(s) && (s->has & SOCK_HAS_QUEUES) &&
	       value_set_uint(v, sock_send_bytes(s));
}

bool get_accept_queue(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return sock_is_listener(s) && (s->has & SOCK_HAS_QUEUES) &&
	       value_set_uint(v, s->recv_queue);
}

bool get_accept_limit(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return sock_has_accept_queue(s) && value_set_uint(v, s->send_queue);
}

bool get_accept_full(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return sock_has_accept_queue(s) && value_set_uint(v, sock_is_queue_full(s));
}

bool get_fill(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return sock_has_accept_queue(s) &&
	       value_set_uint(v, accept_queue_percent(s->recv_queue, s->send_queue));
}

bool get_drops(const struct sock *s, unsigned i, struct value *v)
{
	uint32_t drops;

	(void)i;
	if (s->has & SOCK_HAS_DROPS)
		return value_set_uint(v, s->drops);
	return sock_mem_u32(s, SOCK_MEM_DROPS, &drops) && value_set_uint(v, drops);
}

bool get_syn_queue(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return s->accept && s->accept->attributable &&
	       value_set_uint(v, s->accept->syn_queue);
}

bool get_syn_retrans(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return s->accept && s->accept->attributable &&
	       value_set_uint(v, s->accept->syn_retrans);
}

bool get_waiting(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return s->accept && s->accept->attributable &&
	       value_set_uint(v, s->accept->waiting);
}

bool get_gave_up(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return s->accept && s->accept->attributable && s->accept->stable &&
	       value_set_uint(v, s->accept->gave_up);
}

bool get_longest_wait(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return s->accept && s->accept->attributable && s->accept->has_wait &&
	       value_set_uint(v, s->accept->longest_wait_ms);
}

bool get_unaccepted(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return value_set_uint(v, sock_awaits_accept(s));
}

/* Nobody has written to an un-accepted connection, so "last data sent" is when it was
 * established. */
bool get_wait(const struct sock *s, unsigned i, struct value *v)
{
	uint32_t ms;

	(void)i;
	return sock_is_unaccepted(s) && sock_info_u32(s, INFO(last_data_sent), &ms) &&
	       value_set_uint(v, ms);
}

bool get_listener(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return s->listener && s->listener->members == 1 &&
	       value_set_addr(v, &s->listener->addr);
}

bool get_user(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return s->user && set_word(v, s->user);
}

bool get_cgroup(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return s->cgroup && set_word(v, s->cgroup);
}

/* The deepest service, scope or container directory of the cgroup path. */
bool get_unit(const struct sock *s, unsigned i, struct value *v)
{
	const char *end, *slash;

	(void)i;
	if (!s->cgroup)
		return false;
	end = s->cgroup + strlen(s->cgroup);
	while (end > s->cgroup) {
		size_t len;

		for (slash = end; slash > s->cgroup && slash[-1] != '/'; slash--)
			;
		len = (size_t)(end - slash);
		if (len > 8 && memcmp(end - 8, ".service", 8) == 0)
			return value_set_text(v, slash, len);
		if (len > 6 && memcmp(end - 6, ".scope", 6) == 0)
			return value_set_text(v, slash, len);
		end = slash > s->cgroup ? slash - 1 : slash;
	}
	return false;
}

bool get_device(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return s->device && set_word(v, s->device);
}

bool get_shutdown(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return (s->has & SOCK_HAS_SHUTDOWN) &&
	       set_word(v, shutdown_name(s->shutdown & 3));
}

bool get_timer(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return (s->has & SOCK_HAS_TIMER) && set_word(v, timer_name(s->timer));
}

bool get_timer_expires(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return (s->has & SOCK_HAS_TIMER) && s->timer && value_set_uint(v, s->expires_ms);
}

bool get_timer_retrans(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return (s->has & SOCK_HAS_TIMER) && value_set_uint(v, s->retrans);
}

bool get_idle(const struct sock *s, unsigned i, struct value *v)
{
	uint32_t sent, received;

	(void)i;
	if (s->state != STATE_ESTABLISHED || sock_is_unaccepted(s) ||
	    !sock_info_u32(s, INFO(last_data_sent), &sent) ||
	    !sock_info_u32(s, INFO(last_data_recv), &received))
		return false;
	return value_set_uint(v, MIN(sent, received));
}

/* The FIN carried an acknowledgment: at least this long ago. */
bool get_close_wait(const struct sock *s, unsigned i, struct value *v)
{
	uint32_t ms;

	(void)i;
	return s->state == STATE_CLOSE_WAIT &&
	       sock_info_u32(s, INFO(last_ack_recv), &ms) && value_set_uint(v, ms);
}

/* Remnants have a timer that ends them: TIME_WAIT, and FIN_WAIT2 without an owner. */
bool get_time_left(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return s->timer == TIMER_REMNANT && (s->has & SOCK_HAS_TIMER) &&
	       value_set_uint(v, s->expires_ms);
}

/* The SYN-ACK is sent again after 1, 2, 4 ... seconds: at least this long ago. */
bool get_handshake(const struct sock *s, unsigned i, struct value *v)
{
	enum { DOUBLED_MOST = 20 };

	(void)i;
	return s->state == STATE_SYN_RECV && (s->has & SOCK_HAS_TIMER) && s->retrans &&
	       value_set_uint(v, ((1ull << MIN(s->retrans, (unsigned)DOUBLED_MOST)) - 1) *
					 1000);
}

bool get_time(const struct sock *s, unsigned i, struct value *v)
{
	return get_wait(s, i, v) || get_close_wait(s, i, v) || get_time_left(s, i, v) ||
	       get_idle(s, i, v) || get_handshake(s, i, v);
}

static const struct holder *nth(const struct holder *h, unsigned i)
{
	while (h && i--)
		h = h->next;
	return h;
}

bool get_process(const struct sock *s, unsigned i, struct value *v)
{
	const struct holder *h = nth(s->holders, i);

	return h && set_word(v, h->command);
}

bool get_pid(const struct sock *s, unsigned i, struct value *v)
{
	const struct holder *h = nth(s->holders, i);

	return h && value_set_uint(v, (uint64_t)h->pid);
}

bool get_fd(const struct sock *s, unsigned i, struct value *v)
{
	const struct holder *h = nth(s->holders, i);

	return h && value_set_uint(v, (uint64_t)h->fd);
}

bool get_peer_process(const struct sock *s, unsigned i, struct value *v)
{
	const struct holder *h = nth(s->peer_holders, i);

	return h && set_word(v, h->command);
}

bool get_peer_pid(const struct sock *s, unsigned i, struct value *v)
{
	const struct holder *h = nth(s->peer_holders, i);

	return h && value_set_uint(v, (uint64_t)h->pid);
}

static bool info_byte(const struct sock *s, size_t offset, uint8_t *value)
{
	if (offset >= s->tcp_info.len)
		return false;
	*value = ((const uint8_t *)s->tcp_info.data)[offset];
	return true;
}

bool get_ca_state(const struct sock *s, unsigned i, struct value *v)
{
	uint8_t b;

	(void)i;
	return info_byte(s, INFO(ca_state), &b) && set_word(v, ca_state_name(b));
}

bool get_tcp_options(const struct sock *s, unsigned i, struct value *v)
{
	uint8_t b;

	(void)i;
	return info_byte(s, INFO(options), &b) && value_set_uint(v, b);
}

bool get_snd_wscale(const struct sock *s, unsigned i, struct value *v)
{
	uint8_t b;

	(void)i;
	return info_byte(s, INFO(wscale), &b) && value_set_uint(v, b & 15);
}

bool get_rcv_wscale(const struct sock *s, unsigned i, struct value *v)
{
	uint8_t b;

	(void)i;
	return info_byte(s, INFO(wscale), &b) && value_set_uint(v, b >> 4);
}

bool get_app_limited(const struct sock *s, unsigned i, struct value *v)
{
	uint8_t b;

	(void)i;
	return info_byte(s, INFO(bits), &b) && value_set_uint(v, b & 1);
}

bool get_fastopen_fail(const struct sock *s, unsigned i, struct value *v)
{
	uint8_t b;

	(void)i;
	return info_byte(s, INFO(bits), &b) && value_set_uint(v, b >> 1 & 3);
}

bool get_congestion(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return set_name(v, &s->cong);
}

bool get_bbr_bandwidth(const struct sock *s, unsigned i, struct value *v)
{
	uint32_t half[2];

	(void)i;
	if (s->bbr.len < sizeof(half))
		return false;
	memcpy(half, s->bbr.data, sizeof(half));
	return value_set_uint(v, (uint64_t)half[1] << 32 | half[0]);
}

bool get_path(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return sock_is_unix(s) && set_blob(v, &s->path);
}

bool get_waiting_clients(const struct sock *s, unsigned i, struct value *v)
{
	(void)i;
	return s->waiting_clients.data &&
	       value_set_uint(v, s->waiting_clients.len / sizeof(uint32_t));
}

/* struct inet_diag_sockopt, bit by bit. */
#define OPTION_GETTER(name, bit)                                                  \
	bool get_option_##name(const struct sock *s, unsigned i, struct value *v) \
	{                                                                         \
		(void)i;                                                          \
		return (s->has & SOCK_HAS_OPTIONS) &&                             \
		       value_set_uint(v, s->options >> (bit)&1);                  \
	}

OPTION_GETTER(recverr, 0)
OPTION_GETTER(icsk, 1)
OPTION_GETTER(freebind, 2)
OPTION_GETTER(hdrincl, 3)
OPTION_GETTER(mc_loop, 4)
OPTION_GETTER(transparent, 5)
OPTION_GETTER(mc_all, 6)
OPTION_GETTER(nodefrag, 7)
OPTION_GETTER(bind_no_port, 8)
OPTION_GETTER(rfc4884, 9)
OPTION_GETTER(defer_connect, 10)
