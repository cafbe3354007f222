/* The other side of a refusal, where it is on this host: the kernel's own tables. */
#include <stdlib.h>

#include "cmd/local_listeners.h"
#include "cmd/probe/job.h"
#include "cmd/why.h"
#include "kernel/netlink/diag_inet.h"
#include "kernel/netlink/neighbour.h"
#include "kernel/read/reader.h"

/* The kernel asks a neighbour once a second, three times in all. Answers take a
 * millisecond: who has not answered when the second time is near is silent. Less than a
 * second, for of a deadline of one some is gone before the first packet. */
enum { ASKED_AGAIN_US = 900 * 1000 };

static void put_unread(struct buf *b, const char *what, int err)
{
	buf_printf(b, "what %s could not be read: %s", what, strerror(-err));
}

static void put_listener(struct buf *b, const struct sock *s, struct probe_result *r)
{
	if (sock_is_queue_full(s)) {
		r->queue = s->recv_queue;
		r->queue_limit = s->send_queue;
		if (outcome_verdict(r->outcome) == VERDICT_SILENCE ||
		    r->outcome == OUTCOME_RESET_AFTER_ACCEPT ||
		    r->outcome == OUTCOME_GHOST)
			r->outcome = OUTCOME_QUEUE_FULL;
		return;
	}
	/* Who resets what it has accepted is a program, as far as anybody can tell; of a
	 * queue that has room by now a ghost says nothing. */
	if (r->outcome == OUTCOME_RESET_AFTER_ACCEPT || r->outcome == OUTCOME_GHOST)
		return;
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

static int count_ports(struct reader *reader, const struct addr *to,
		       struct probe_result *r)
{
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.family = to->family,
				.states = STATES_DEFAULT & ~(1u << STATE_LISTEN),
				.dport = to->port };
	struct count c = { .to = to };
	int err = inet_dump(&reader->dump, &q, count_one, &c);

	if (err == 0)
		r->ports_used = c.n;
	return err;
}

/* A silence: is there a listener, and is its queue full? Of a group each has its own. */
static void look_at_queue(struct buf *b, struct probe_result *r, const struct addr *to)
{
	_cleanup_reader_ struct reader reader = { 0 };
	const struct sock *seen = NULL;
	size_t i;
	int err;

	err = reader_open(&reader, NULL);
	if (err == 0)
		err = reader_listeners(&reader, 0);
	if (err < 0) {
		put_unread(b, "listens here", err);
		return;
	}
	for (i = 0; i < reader.listeners.n; i++) {
		const struct sock *s = reader.listeners.v[i];
		int better = local_listener_rank(s, to) -
			     (seen ? local_listener_rank(seen, to) : 0);

		if (better > 0 || (better == 0 && seen && sock_is_queue_full(s)))
			seen = s;
	}
	if (seen)
		put_listener(b, seen, r);
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

static void count_ports_used(struct buf *b, struct probe_result *r, const struct addr *to)
{
	_cleanup_reader_ struct reader reader = { 0 };
	int err = reader_open(&reader, NULL);

	if (err == 0)
		err = count_ports(&reader, to, r);
	if (err < 0)
		put_unread(b, "uses the ports", err);
}

char *probe_local_cause(struct probe_result *r)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct addr to;
	bool ip = endpoint_addr(&r->peer, &to);

	if (ip && r->peer.proto == TARGET_TCP && r->outcome == OUTCOME_NO_PORT) {
		to = addr_unmapped(&to);
		count_ports_used(&b, r, &to);
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

/* A firewall's drop in OUTPUT looks to a TCP socket like silence. The namespace counts
 * the packet as meant to be sent, and not as sent. */
char *probe_local_drops(const struct probe_run *run, const struct probe_result *r)
{
	const struct out_counters *before;
	struct out_counters after;
	_cleanup_buf_ struct buf b = { 0 };
	uint64_t meant, sent;
	struct addr to;

	if (r->outcome != OUTCOME_FILTERED || !r->has_tcp ||
	    !endpoint_addr(&r->peer, &to))
		return NULL;
	to = addr_unmapped(&to);
	before = to.family == AF_INET ? &run->out4 : &run->out6;
	procfile_out(to.family, &after);
	if (!before->known || !after.known)
		return NULL;
	meant = after.meant - before->meant;
	sent = after.sent - before->sent;
	/* Fewer than its SYNs: some of them, at least, went out. */
	if (meant < sent + 1 + r->tcp.total_retrans)
		return NULL;
	buf_printf(
		&b,
		"meanwhile this host dropped %llu packet%s on the way out (OutRequests "
		"rose, OutTransmits did not): its own firewall may have eaten them, "
		"see 'nft list ruleset'",
		(unsigned long long)(meant - sent), meant - sent == 1 ? "" : "s");
	return xstrdup(buf_cstr(&b));
}

bool probe_local_no_neighbour(const struct addr *to, uint32_t ifindex, uint32_t mark,
			      uint64_t waited_us, struct addr *hop)
{
	switch (neighbour_of(to, ifindex, mark, hop)) {
	case NEIGHBOUR_FAILED:
		return true;
	case NEIGHBOUR_ASKED:
		return waited_us >= ASKED_AGAIN_US;
	case NEIGHBOUR_UNKNOWN:
		break;
	}
	return false;
}

char *probe_local_why(const struct probe_result *r)
{
	_cleanup_buf_ struct buf b = { 0 };

	if (r->outcome == OUTCOME_REFUSED || r->outcome == OUTCOME_SELF_CONNECT ||
	    (r->outcome == OUTCOME_REFUSED_ICMP && r->peer.proto == TARGET_UDP) ||
	    r->peer.family == AF_UNIX)
		put_causes(&b, r);
	return b.len ? xstrdup(buf_cstr(&b)) : NULL;
}
