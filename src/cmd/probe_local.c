/* The other side of a refusal, where it is on this host: the kernel's own tables. */
#include <stdlib.h>

#include "cmd/explain.h"
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

/* A silence: is there a listener, and is its queue full? */
static void look_at_queue(struct buf *b, struct probe_result *r, const struct addr *to)
{
	_cleanup_reader_ struct reader reader = { 0 };
	size_t i;

	if (reader_open(&reader, NULL) < 0 || reader_listeners(&reader, 0) < 0)
		return;
	for (i = 0; i < reader.listeners.n; i++)
		if (would_take(reader.listeners.v[i], to)) {
			put_listener(b, reader.listeners.v[i], r);
			return;
		}
}

/* A refusal: the same explainer as connect's. */
static void put_causes(struct buf *b, const struct probe_result *r)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes causes = { .arena = &arena };
	size_t i;

	explain_endpoint(&r->peer, NULL, r->err, &causes);
	for (i = 0; i < causes.n; i++)
		buf_printf(b, "%s%s", i ? "; " : "", causes.v[i].summary);
	causes_free(&causes);
}

static void count_ports_used(struct probe_result *r, const struct addr *to)
{
	_cleanup_reader_ struct reader reader = { 0 };

	if (reader_open(&reader, NULL) == 0)
		count_ports(&reader, to, r);
}

char *probe_local_cause(struct probe_result *r)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct addr to;
	bool ip = endpoint_addr(&r->peer, &to);

	if (ip && r->peer.proto == TARGET_TCP && r->outcome == OUTCOME_NO_PORT) {
		to = addr_unmapped(&to);
		count_ports_used(r, &to);
	} else if (ip && r->peer.proto == TARGET_TCP &&
		   (r->outcome == OUTCOME_FILTERED || r->outcome == OUTCOME_GHOST ||
		    r->outcome == OUTCOME_RESET_AFTER_ACCEPT ||
		    r->outcome == OUTCOME_REJECTED ||
		    r->outcome == OUTCOME_REFUSED_ICMP)) {
		to = addr_unmapped(&to);
		look_at_queue(&b, r, &to);
	}
	return b.len ? xstrdup(buf_cstr(&b)) : NULL;
}

char *probe_local_why(const struct probe_result *r)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (r->outcome == OUTCOME_REFUSED || r->outcome == OUTCOME_SELF_CONNECT ||
	    r->peer.family == AF_UNIX)
		put_causes(&b, r);
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
