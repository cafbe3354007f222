/* --idle: how long nothing may move between us and a peer. */
#include "net/relay/conn_idle.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "net/relay/conn_end.h"

bool conn_awaits_output(const struct conn *c)
{
	return (c->rx_want & FLOW_WANT_WRITE) &&
	       (c->rx.to == FLOW_STREAM || c->rx.to == FLOW_PUT);
}

/* Whether it is the peer, or the network, that nothing comes from. */
static bool awaits_network(const struct conn *c)
{
	const struct behave *b = c->how->behave;

	if (c->holding)
		return false;
	return (c->rx_want & FLOW_WANT_READ) ||
	       ((c->tx_want & FLOW_WANT_WRITE) && !conn_awaits_output(c)) ||
	       ((c->rx_want & FLOW_WANT_WRITE) && c->rx.to == FLOW_SOCKET) ||
	       /* Nothing of ours ends these: what is not read is the peer's to send, and
		* what is kept open after the peer's end is kept for nobody. */
	       b->no_read || (b->no_close && c->peer_ended) ||
	       /* The last acknowledgement is due. */
	       timer_armed(&c->life);
}

/* What moves without a turn of ours: bytes that are not read, and acknowledgements. */
static bool moved_in_kernel(struct conn *c)
{
	int unread = 0, unsent = 0;
	bool moved;

	ioctl(c->w.fd, FIONREAD, &unread);
	ioctl(c->w.fd, SIOCOUTQ, &unsent);
	moved = (uint32_t)unread != c->unread || (uint32_t)unsent != c->unsent;
	c->unread = (uint32_t)unread;
	c->unsent = (uint32_t)unsent;
	return moved;
}

void conn_idle_say(struct fault *f, uint64_t idle_us)
{
	fault_say(f, ETIMEDOUT,
		  "nothing moved for %.3g s: the idle limit (-I, --idle) passed",
		  (double)idle_us / 1e6);
}

void conn_idle_over(struct loop *l, struct timer *t)
{
	struct conn *c = LOOP_OWNER(t, struct conn, idle);
	uint64_t now = loop_now(l), idle = c->how->idle_us;
	uint64_t half = c->last_us + idle / 2;
	struct fault f = FAULT_INIT;

	if (!awaits_network(c)) {
		timer_set(l, t, now + idle);
		return;
	}
	if (now < half) {
		timer_set(l, t, half);
		return;
	}
	if (now < c->last_us + idle) {
		stall_take(c->w.fd, &c->look);
		timer_set(l, t, c->last_us + idle);
		return;
	}
	if (moved_in_kernel(c)) {
		timer_set(l, t, now + idle);
		return;
	}
	conn_idle_say(&f, idle);
	conn_stop(c, CONN_IDLE, &f);
}
