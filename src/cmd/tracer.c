#include "cmd/tracer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "kernel/diag_inet.h"
#include "model/names.h"
#include "net/report.h"

enum { LOOK_US = 10 * 1000, CALL_COLUMN = 43, TCP_STATE_SYN_RECV = 3 };

void tracer_init(struct tracer *t)
{
	*t = (struct tracer){ .listener = -1 };
	t->blind = nl_open(&t->nl, NULL) < 0;
}

void tracer_free(struct tracer *t)
{
	if (!t->blind)
		nl_close(&t->nl);
}

static bool addresses(int fd, struct addr *local, struct addr *peer)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0 ||
	    !addr_from_sockaddr(local, (struct sockaddr *)&ss, len))
		return false;
	len = sizeof(ss);
	if (getpeername(fd, (struct sockaddr *)&ss, &len) != 0 ||
	    !addr_from_sockaddr(peer, (struct sockaddr *)&ss, len))
		*peer = (struct addr){ .family = local->family };
	return true;
}

/* The kernel's row of a descriptor; false where it has none (bound only, reset). */
static bool row_of(struct tracer *t, int fd, struct sock *s)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	struct addr local, peer;

	if (t->blind || !addresses(fd, &local, &peer) ||
	    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) != 0)
		return false;
	return inet_exact(&t->nl, &local, &peer, 0, cookie, 0, s) == 0;
}

static int count_row(const struct nlmsghdr *h, void *ctx)
{
	struct sock s = { 0 };

	if (inet_parse(h, IPPROTO_TCP, &s))
		++*(uint32_t *)ctx;
	return 0;
}

static uint32_t count_half_open(struct tracer *t)
{
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.family = t->local.family,
				.states = 1u << TCP_STATE_SYN_RECV,
				.sport = t->local.port };
	uint32_t n = 0;

	inet_dump(&t->nl, &q, count_row, &n);
	return n;
}

/* "■■□ 2/2 (holds 3)": a backlog of N holds N+1. */
static void put_queue(struct buf *b, uint32_t waiting, uint32_t limit)
{
	uint32_t i, cells = MIN(limit + 1, 10u);
	uint32_t full = limit ? (uint32_t)((uint64_t)waiting * cells / (limit + 1))
			      : waiting;

	if (waiting && !full)
		full = 1;
	for (i = 0; i < cells; i++)
		buf_puts(b, i < full ? "#" : ".");
	buf_printf(b, " %u/%u (holds %u)", waiting, limit, limit + 1);
}

static void put_line(const struct buf *call, const char *what)
{
	fprintf(stderr, "%-*s %s\n", CALL_COLUMN, call->data, what);
}

static void tell_queues(struct tracer *t, const char *why)
{
	_cleanup_buf_ struct buf b = { 0 }, left = { 0 };

	buf_printf(&left, "  . %s", why);
	buf_printf(&b, "SYN queue %u   accept queue ", t->syn_queue);
	put_queue(&b, t->accept_queue, t->limit);
	buf_cstr(&b);
	buf_cstr(&left);
	put_line(&left, b.data);
}

/* What happened between two looks is the kernel's doing: nobody called anything. */
static void look(struct loop *l, struct timer *timer)
{
	struct tracer *t = LOOP_OWNER(timer, struct tracer, look);
	struct sock s = { 0 };
	uint32_t syn, queued;

	timer_set(l, timer, loop_now(l) + LOOK_US);
	if (!row_of(t, t->listener, &s) || s.state != STATE_LISTEN)
		return;
	queued = s.recv_queue;
	t->limit = s.send_queue;
	syn = count_half_open(t);
	if (syn == t->syn_queue && queued == t->accept_queue)
		return;
	if (queued > t->accept_queue)
		tell_queues((t->syn_queue = syn, t->accept_queue = queued, t),
			    "handshake done by the kernel, not by us");
	else if (syn > t->syn_queue)
		tell_queues((t->syn_queue = syn, t->accept_queue = queued, t),
			    "SYN came, the kernel answers by itself");
	else
		tell_queues((t->syn_queue = syn, t->accept_queue = queued, t),
			    "a queue got shorter");
}

void tracer_watch(struct tracer *t, struct loop *l)
{
	t->look = (struct timer){ .fn = look };
	if (!t->blind && t->listener >= 0 && t->local.family)
		timer_set(l, &t->look, loop_now(l) + LOOK_US);
}

/* How long it lay in the accept queue, and who is still there. */
static void put_wait(struct tracer *t, struct buf *b, int fd)
{
	struct tcp_brief tcp;
	struct sock listener = { 0 };

	if (report_tcp(fd, &tcp))
		buf_printf(b, "; waited %u ms in the accept queue",
			   tcp.last_data_sent_ms);
	if (t->listener >= 0 && row_of(t, t->listener, &listener)) {
		t->accept_queue = listener.recv_queue;
		buf_printf(b, ", %u more waiting", listener.recv_queue);
	}
}

static void put_established(struct tracer *t, struct buf *b, const struct net_event *e,
			    const struct sock *s)
{
	buf_puts(b, state_name(s->state));
	if (has_prefix(e->text, "accept")) {
		buf_puts(b, ", a new socket for ");
		addr_put(b, &s->peer);
		put_wait(t, b, e->fd);
	} else if (streq(e->text, "connected")) {
		buf_puts(b, ": SYN, SYN-ACK, ACK are exchanged; local end ");
		addr_put(b, &s->local);
	} else {
		buf_printf(b, "  unread %u bytes, sent but not acknowledged %u",
			   s->recv_queue, s->send_queue);
	}
}

/* What the kernel has now, in words. */
static void put_effect(struct tracer *t, struct buf *b, const struct net_event *e)
{
	struct sock s = { 0 };
	bool seen = e->fd >= 0 && row_of(t, e->fd, &s);

	if (has_prefix(e->text, "socket(")) {
		buf_puts(b, "a descriptor and a kernel structure, no address yet");
	} else if (has_prefix(e->text, "bind(")) {
		buf_puts(b, e->result < 0 ? "the address is not ours"
					  : "the port is ours; nobody can connect yet");
	} else if (has_prefix(e->text, "listen(") && seen) {
		buf_puts(b, "LISTEN  accept queue ");
		put_queue(b, s.recv_queue, s.send_queue);
	} else if (has_prefix(e->text, "connect(") && e->result == -EINPROGRESS) {
		buf_puts(b, seen ? state_name(s.state) : "under way");
		buf_puts(b, ": our SYN is out, the answer is waited for");
	} else if (!seen && e->fd >= 0 && !has_prefix(e->text, "listen(")) {
		/* Both FINs are out: the kernel has put a remnant in the socket's place.
		 */
		buf_puts(b, "both sides have ended: who did first stays in TIME_WAIT");
	} else if (has_prefix(e->text, "close(")) {
		buf_puts(b, state_name(s.state));
		buf_puts(b, s.state == STATE_ESTABLISHED
				    ? ": we end first, our side will be in TIME_WAIT"
			    : s.state == STATE_CLOSE_WAIT
				    ? ": the peer ended first, TIME_WAIT will be its"
				    : ": the kernel finishes alone");
	} else if (has_prefix(e->text, "recv(") && e->result == 0) {
		buf_puts(b, state_name(s.state));
		buf_puts(b, ": the peer's FIN was read, it sends no more");
	} else if (seen) {
		put_established(t, b, e, &s);
	}
}

void tracer_call(struct tracer *t, const struct net_event *e)
{
	_cleanup_buf_ struct buf call = { 0 }, effect = { 0 };
	struct addr peer;

	if (!t)
		return;
	buf_puts(&call, e->text);
	if (e->result < 0)
		buf_printf(&call, " = -1 %s", strerrorname_np((int)-e->result));
	else if (!streq(e->text, "connected"))
		buf_printf(&call, " = %lld", (long long)e->result);
	buf_printf(&call, "  %llu us", (unsigned long long)e->took_us);
	put_effect(t, &effect, e);
	buf_cstr(&call);
	put_line(&call, buf_cstr(&effect));
	if (has_prefix(e->text, "listen(") && e->result == 0) {
		t->listener = e->fd;
		addresses(e->fd, &t->local, &peer);
	}
}
