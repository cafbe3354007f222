/* The other side of a refusal, where it is on this host: the kernel's own tables. */
#include <stdlib.h>

#include "cmd/probe.h"
#include "kernel/diag_inet.h"
#include "kernel/reader.h"

static bool would_take(const struct sock *listener, const struct addr *to)
{
	if (listener->local.port != to->port)
		return false;
	if (addr_same_ip(&listener->local, to))
		return true;
	if (!addr_is_any(&listener->local))
		return false;
	if (listener->local.family == to->family)
		return true;
	return listener->local.family == AF_INET6 &&
	       !((listener->has & SOCK_HAS_V6ONLY) && listener->v6only);
}

static void put_elsewhere(struct buf *b, const struct reader *reader,
			  const struct addr *to)
{
	size_t i, n = 0;

	for (i = 0; i < reader->listeners.n; i++) {
		const struct sock *s = reader->listeners.v[i];

		if (s->local.port != to->port || would_take(s, to))
			continue;
		buf_puts(b, n++ ? ", " : "on this port somebody listens only on ");
		addr_put(b, &s->local);
	}
	if (!n)
		buf_puts(b, "nothing listens on this port, on no address of this host");
}

static void put_listener(struct buf *b, const struct sock *s, struct probe_result *r)
{
	if (s->recv_queue > s->send_queue) {
		r->queue = s->recv_queue;
		r->queue_limit = s->send_queue;
		if (outcome_verdict(r->outcome) == VERDICT_SILENCE ||
		    r->outcome == OUTCOME_RESET_AFTER_ACCEPT ||
		    r->outcome == OUTCOME_GHOST)
			r->outcome = OUTCOME_QUEUE_FULL;
		return;
	}
	addr_put(b, &s->local);
	buf_printf(b,
		   " is listened on and has room (%u/%u): a firewall of this host is "
		   "in between",
		   s->recv_queue, s->send_queue);
}

struct count {
	const struct addr *to;
	uint32_t n;
};

static int count_one(const struct nlmsghdr *h, void *ctx)
{
	struct count *c = ctx;
	struct sock s;

	if (inet_parse(h, PROTO_TCP, &s) && s.peer.port == c->to->port &&
	    addr_same_ip(&s.peer, c->to))
		c->n++;
	return 0;
}

static void count_ports(struct reader *reader, const struct addr *to,
			struct probe_result *r)
{
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.family = to->family,
				.states = STATES_DEFAULT & ~(1u << STATE_LISTEN),
				.dport = to->port };
	struct count c = { .to = to };

	if (inet_dump(&reader->dump, &q, count_one, &c) == 0)
		r->ports_used = c.n;
}

static bool is_asked_about(enum outcome o)
{
	return o == OUTCOME_REFUSED || o == OUTCOME_REFUSED_ICMP ||
	       o == OUTCOME_FILTERED || o == OUTCOME_GHOST ||
	       o == OUTCOME_RESET_AFTER_ACCEPT || o == OUTCOME_REJECTED ||
	       o == OUTCOME_NO_PORT || o == OUTCOME_SELF_CONNECT;
}

char *probe_local_cause(struct probe_result *r)
{
	_cleanup_reader_ struct reader reader = { 0 };
	_cleanup_buf_ struct buf b = { 0 };
	struct addr to;
	size_t i;

	if ((r->peer.proto != TARGET_TCP && r->peer.proto != TARGET_MPTCP) ||
	    !is_asked_about(r->outcome) || !endpoint_addr(&r->peer, &to) ||
	    reader_open(&reader, NULL) < 0)
		return NULL;
	to = addr_unmapped(&to);
	if (r->outcome == OUTCOME_NO_PORT) {
		count_ports(&reader, &to, r);
		return NULL;
	}
	if (reader_listeners(&reader, 0) < 0)
		return NULL;
	for (i = 0; i < reader.listeners.n; i++)
		if (would_take(reader.listeners.v[i], &to))
			break;
	if (i < reader.listeners.n) {
		if (r->outcome != OUTCOME_REFUSED)
			put_listener(&b, reader.listeners.v[i], r);
	} else {
		put_elsewhere(&b, &reader, &to);
	}
	return b.len ? xstrdup(buf_cstr(&b)) : NULL;
}

void probe_local_queue(struct probe_result *r)
{
	_cleanup_reader_ struct reader reader = { 0 };
	struct addr to;
	size_t i;

	if (!endpoint_addr(&r->peer, &to) || !addr_is_loopback(&to) ||
	    reader_open(&reader, NULL) < 0 || reader_listeners(&reader, 0) < 0)
		return;
	for (i = 0; i < reader.listeners.n && !r->queue_known; i++)
		if (would_take(reader.listeners.v[i], &to)) {
			r->queue_known = true;
			r->queue = reader.listeners.v[i]->recv_queue;
			r->queue_limit = reader.listeners.v[i]->send_queue;
		}
}
