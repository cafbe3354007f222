#include "cmd/endpoint/tracer_queue.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/json.h"
#include "base/mem.h"
#include "kernel/netlink/diag_inet.h"

enum {
	LOOK_US = 10 * 1000,
	TELL_MOST = 8, /* by name at one look; more are only counted */
};

/* The waiting ones of one look. */
struct seen {
	struct tracer_waiting *v;
	size_t n, cap;
	uint32_t half_open;
};

static int take_row(const struct nlmsghdr *h, void *ctx)
{
	struct seen *seen = ctx;
	struct sock s = { 0 };
	bool half_open;

	if (!inet_parse(h, PROTO_TCP, &s))
		return 0;
	half_open = s.state == STATE_SYN_RECV || s.state == STATE_NEW_SYN_RECV;
	/* What has an inode has been accepted, or is a client's of this host. */
	if (!half_open && s.inode)
		return 0;
	seen->half_open += half_open;
	seen->v = array_grow(seen->v, seen->n, &seen->cap, sizeof(*seen->v));
	seen->v[seen->n++] = (struct tracer_waiting){ s.peer, half_open };
	return 0;
}

static bool was_there(const struct tracer *t, const struct tracer_waiting *w)
{
	size_t i;

	for (i = 0; i < t->n_waiting; i++)
		if (t->waiting[i].half_open == w->half_open &&
		    addr_compare(&t->waiting[i].peer, &w->peer) == 0)
			return true;
	return false;
}

static void tell_queues_text(const struct tracer *t, const char *what)
{
	_cleanup_buf_ struct buf b = { 0 };

	buf_printf(&b, "  . %-*s SYN queue %u   accept queue ", TRACER_CALL_COLUMN + 22,
		   what, t->syn_queue);
	tracer_put_queue(&b, t->accept_queue, t->limit);
	buf_putc(&b, '\n');
	tell_write(t->out, TELL_DATA, &b);
}

static void tell_queues(const struct tracer *t, const char *what)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct json j = json_on(&b);

	if (!t->json) {
		tell_queues_text(t, what);
		return;
	}
	json_begin_object(&j, "queues");
	json_member_u64(&j, "syn_queue", t->syn_queue);
	json_member_u64(&j, "accept_queue", t->accept_queue);
	json_member_u64(&j, "accept_queue_limit", t->limit);
	json_member_str(&j, "text", what);
	json_end_object(&j);
	tell_write(t->out, TELL_DATA, &b);
}

static void tell_one(const struct tracer *t, const struct tracer_waiting *w)
{
	_cleanup_buf_ struct buf b = { 0 };

	buf_puts(&b, w->half_open ? "SYN from " : "ACK from ");
	addr_put(&b, &w->peer);
	buf_puts(&b, w->half_open ? ": the kernel answers by itself"
				  : ": handshake done by the kernel, not by us");
	tell_queues(t, buf_cstr(&b));
}

/* One line each for those who are new, or one for all where they are many. */
static void tell_new(struct tracer *t, const struct seen *seen, bool shorter)
{
	_cleanup_buf_ struct buf b = { 0 };
	size_t i, fresh = 0;

	for (i = 0; i < seen->n; i++)
		fresh += !was_there(t, &seen->v[i]);
	if (fresh > TELL_MOST) {
		buf_printf(&b, "%zu more: handshakes done by the kernel, not by us",
			   fresh);
		tell_queues(t, buf_cstr(&b));
		return;
	}
	for (i = 0; i < seen->n; i++)
		if (!was_there(t, &seen->v[i]))
			tell_one(t, &seen->v[i]);
	if (!fresh)
		tell_queues(t, shorter ? "a queue got shorter"
				       : "somebody came, and is gone or reset already");
}

/* Those in `states` at the listener's port, added to seen. */
static void gather(struct tracer *t, uint32_t states, struct seen *seen)
{
	struct inet_query q = { .protocol = IPPROTO_TCP,
				.family = t->local.family,
				.states = states,
				.sport = t->local.port };

	inet_dump(&t->nl, &q, take_row, seen);
}

static void look_at_queues(struct loop *l, struct timer *timer)
{
	struct tracer *t = LOOP_OWNER(timer, struct tracer, look);
	struct seen seen = { 0 };
	struct sock s = { 0 };
	bool shorter;

	timer_set(l, timer, loop_now(l) + LOOK_US);
	if (!tracer_row(t, t->listener, &s) || s.state != STATE_LISTEN)
		return;
	gather(t, STATES_SYN_RECV, &seen);
	/* Who they are is asked only when something has changed. */
	if (seen.half_open == t->syn_queue && s.recv_queue == t->accept_queue) {
		free(seen.v);
		return;
	}
	gather(t, 1 << STATE_ESTABLISHED | 1 << STATE_CLOSE_WAIT, &seen);
	shorter = s.recv_queue < t->accept_queue || seen.half_open < t->syn_queue;
	t->syn_queue = seen.half_open;
	t->accept_queue = s.recv_queue;
	t->limit = s.send_queue;
	tell_new(t, &seen, shorter);
	free(t->waiting);
	t->waiting = seen.v;
	t->n_waiting = seen.n;
	t->cap_waiting = seen.cap;
}

void tracer_watch(struct tracer *t, struct loop *l)
{
	t->look = (struct timer){ .fn = look_at_queues };
	if (!t->blind && t->listener >= 0 && t->local.family)
		timer_set(l, &t->look, loop_now(l) + LOOK_US);
}
