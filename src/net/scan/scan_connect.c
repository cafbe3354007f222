/*
 * Many TCP ports of one address, as fast as the path allows. One socket is connected
 * again and again as long as ports refuse; a second connect() collects each answer, which
 * on links of this host is there already, so most ports cost two system calls and no
 * epoll. What does not answer at once waits in a window that grows while nothing goes
 * wrong; the kernel's own SYN retransmit, one second later, is the second try.
 *
 *	port -> connecting -> refused (socket reused) | open (reset, closed) | waiting
 *	waiting -> the same by epoll, or filtered when its time is over
 *
 * With a time that it must stay open for, an open port is held, in the window as well.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/scan/scan_held.h"
#include "net/scan/scan_private.h"
#include "net/socket/errqueue.h"

enum {
	WINDOW_START = 256,
	WINDOW_LEAST = 32,
	GROW_US = 10 * 1000,
	/* Before the next hop is resolved its queue takes a hundred SYNs and drops the
	 * rest: the first port goes ahead alone. */
	WARM_UP_US = 50 * 1000,
	BURST = 512,		   /* ports between two looks at what came, */
	BURST_LEAST = 16,	   /* where many scans share them */
	LATE_US = 900 * 1000,	   /* answered only after a SYN was sent again */
	PHANTOM_RETRIES_MOST = 64, /* a port that is always our own: give up */
};

struct scan_slot {
	struct watch w;
	struct connect_scan *c;
	struct scan_slot *next, *prev;
	uint64_t started_us;
	uint16_t port;
};

struct connect_scan {
	struct scan s;
	uint64_t window, in_flight;
	bool warm;	   /* the path has answered: its neighbours are resolved */
	bool answered;	   /* something has come back, whatever it was */
	bool trouble;	   /* a local error, or lost answers, since the last look */
	uint64_t stuck_us; /* since when this host has let nothing go; 0 = it does */
	struct scan_slot *first, *last; /* waiting, oldest first */
	struct scan_slot *spare;	/* their memory */
	int idle_fd;			/* refused, and so free to connect again */
	uint16_t *again;		/* ports to be tried once more */
	size_t n_again, cap_again;
	struct timer pump, grow, expire;
	struct scan_held held;
};

static bool next_port(struct connect_scan *c, uint16_t *port)
{
	struct scan *s = &c->s;

	if (c->n_again)
		*port = c->again[--c->n_again];
	else if (s->next < s->n)
		*port = s->list[s->next++];
	else
		return false;
	return true;
}

static void try_again(struct connect_scan *c, uint16_t port)
{
	c->again = array_grow(c->again, c->n_again, &c->cap_again, sizeof(*c->again));
	c->again[c->n_again++] = port;
}

/* --- answers --- */

static struct probe_result *result_of(struct connect_scan *c, uint16_t port,
				      uint64_t started_us)
{
	struct probe_result *r = scan_result(&c->s, port);

	r->connect_us = clock_us() - started_us;
	return r;
}

static void keep_idle(struct connect_scan *c, int fd)
{
	if (c->idle_fd < 0)
		c->idle_fd = fd;
	else
		close_fd(fd);
}

static void tell_and_close(struct connect_scan *c, int fd)
{
	endpoint_reset_on_close(fd);
	close_fd(fd);
	scan_tell(&c->s);
}

static void port_open(struct connect_scan *c, int fd, uint16_t port, uint64_t started_us)
{
	struct probe_result *r = result_of(c, port, started_us);
	struct fault f = FAULT_INIT;
	int err;

	probe_judge_open(r, fd);
	/* About one port of a scan of this host's own: nobody listens there. */
	if (r->local.len && endpoint_same(&r->local, &r->peer)) {
		if (c->s.totals.phantoms++ < PHANTOM_RETRIES_MOST) {
			endpoint_reset_on_close(fd);
			close_fd(fd);
			try_again(c, port);
			return;
		}
		r->outcome = OUTCOME_SELF_CONNECT;
	} else if (c->held.stable_us) {
		err = scan_held_add(&c->held, fd, port, r->connect_us);
		if (err == 0) {
			c->in_flight++;
			return;
		}
		fault(&f, -err, "wait for the end of a connection");
		probe_judge_fault(r, &f);
	}
	tell_and_close(c, fd);
}

static void held_over(struct scan_held *h, const struct held_end *e)
{
	struct connect_scan *c = LOOP_OWNER(h, struct connect_scan, held);
	struct probe_result *r = scan_result(&c->s, e->port);

	r->connect_us = e->connect_us;
	probe_judge_open(r, e->fd);
	if (e->life_us)
		probe_judge_ended(r, e->life_us, e->err);
	c->in_flight--;
	tell_and_close(c, e->fd);
	if (!timer_armed(&c->pump))
		timer_set(c->s.l, &c->pump, loop_now(c->s.l));
}

/* By RST, mostly: a scan's plainest answer, which costs no result unless it is told. */
static void port_refused(struct connect_scan *c, uint16_t port, uint64_t started_us)
{
	struct probe_result *r;

	if (!c->s.how->with_refused) {
		scan_count_refused(&c->s);
		return;
	}
	r = result_of(c, port, started_us);
	r->outcome = OUTCOME_REFUSED;
	r->err = ECONNREFUSED;
	scan_tell(&c->s);
}

/* For want of something of this host. Not for ever: when nothing has gone for so long,
 * the port is told. */
static void postpone(struct connect_scan *c, uint16_t port, int err,
		     const struct fault *f)
{
	uint64_t now = clock_us();
	struct probe_result *r;

	c->trouble = true;
	if (!c->stuck_us)
		c->stuck_us = now;
	if (c->in_flight || now - c->stuck_us < c->s.how->stall_us) {
		try_again(c, port);
		return;
	}
	r = result_of(c, port, c->stuck_us);
	r->err = err;
	probe_judge_facts(r);
	if (f)
		probe_judge_fault(r, f);
	scan_tell(&c->s);
}

static void open_window(struct connect_scan *c)
{
	c->warm = true;
	c->window = MIN((uint64_t)WINDOW_START, c->s.how->window);
}

/* connect() has said what became of it. The descriptor is used up, or kept. */
static void port_settled(struct connect_scan *c, int fd, uint16_t port,
			 uint64_t started_us, int err, bool at_once)
{
	struct icmp_error icmp = { 0 };
	struct probe_result *r;

	if (!c->warm)
		open_window(c);
	c->answered |= !at_once;

	if (!err || err == EISCONN) {
		c->stuck_us = 0;
		port_open(c, fd, port, started_us);
		return;
	}
	if (endpoint_is_shortage(err)) {
		postpone(c, port, err, NULL);
		close_fd(fd);
		return;
	}
	c->stuck_us = 0;
	if (err == ECONNREFUSED && !at_once && !errqueue_take(fd, &icmp, NULL, NULL)) {
		keep_idle(c, fd);
		port_refused(c, port, started_us);
		return;
	}
	r = result_of(c, port, started_us);
	r->icmp = icmp;
	probe_judge_failure(r, fd, err, at_once);
	scan_tell(&c->s);
	close_fd(fd);
}

/* --- waiting --- */

static void unlink_slot(struct scan_slot *w)
{
	struct connect_scan *c = w->c;

	*(w->prev ? &w->prev->next : &c->first) = w->next;
	*(w->next ? &w->next->prev : &c->last) = w->prev;
	w->next = c->spare;
	c->spare = w;
	c->in_flight--;
}

static void check_all_done(struct connect_scan *c)
{
	if (!c->in_flight && !c->n_again && c->s.next == c->s.n)
		scan_over(&c->s);
}

static void slot_ready(struct loop *l, struct watch *watch, uint32_t events)
{
	struct scan_slot *w = LOOP_OWNER(watch, struct scan_slot, w);
	struct connect_scan *c = w->c;
	int fd = watch->fd, err = 0;
	socklen_t len = sizeof(err);

	scan_set_port(&c->s.to, w->port);
	/* Not SO_ERROR: after it the next connect() of this socket would be aborted. */
	err = -endpoint_connect(fd, &c->s.to);
	if (err == EALREADY || err == EINPROGRESS) {
		struct icmp_error none = { 0 };

		/* A soft error: the socket stays in SYN_SENT, and is of no more use. */
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
		if (!err) {
			/* No verdict (a new path MTU), which must not wake us again. */
			if (events & EPOLLERR)
				errqueue_take(fd, &none, NULL, NULL);
			return;
		}
	}
	if (clock_us() - w->started_us > LATE_US)
		c->trouble = true;
	watch_remove(l, watch);
	unlink_slot(w);
	port_settled(c, fd, w->port, w->started_us, err, false);
	if (!timer_armed(&c->pump))
		timer_set(l, &c->pump, loop_now(l));
}

/* False if nothing more can be waited for now; the port comes again. */
static bool wait_for(struct connect_scan *c, int fd, uint16_t port, uint64_t started_us)
{
	struct scan_slot *w = c->spare;
	struct fault f = FAULT_INIT;
	int r;

	if (w)
		c->spare = w->next;
	else
		w = xmalloc(sizeof(*w));
	*w = (struct scan_slot){ .c = c,
				 .prev = c->last,
				 .port = port,
				 .started_us = started_us,
				 .w = { .fd = fd, .fn = slot_ready } };
	*(c->last ? &c->last->next : &c->first) = w;
	c->last = w;
	c->in_flight++;
	r = watch_set(c->s.l, &w->w, EPOLLOUT);
	if (r < 0) {
		fault(&f, -r, "wait for the answer of a port");
		unlink_slot(w);
		close_fd(fd);
		postpone(c, port, -r, &f);
		return false;
	}
	c->stuck_us = 0;
	if (!timer_armed(&c->expire))
		timer_set(c->s.l, &c->expire, started_us + c->s.how->timeout_us);
	return true;
}

/* Whether its answer came in time, and only waits until the loop has a turn for it. */
static bool answered_late(struct connect_scan *c, struct scan_slot *w)
{
	int fd = w->w.fd, err;
	uint64_t started_us = w->started_us;
	uint16_t port = w->port;

	scan_set_port(&c->s.to, port);
	err = -endpoint_connect(fd, &c->s.to);
	if (err == EALREADY || err == EINPROGRESS)
		return false;
	watch_remove(c->s.l, &w->w);
	unlink_slot(w);
	port_settled(c, fd, port, started_us, err, false);
	return true;
}

static void expire_due(struct loop *l, struct timer *t)
{
	struct connect_scan *c = LOOP_OWNER(t, struct connect_scan, expire);
	uint64_t now = clock_us();
	bool asked = c->answered;
	struct silent_hop hop = { 0 };

	while (c->first && c->first->started_us + c->s.how->timeout_us <= now) {
		struct scan_slot *w = c->first;
		struct probe_result *r;

		if (answered_late(c, w))
			continue;
		r = result_of(c, w->port, w->started_us);
		probe_judge_failure(r, w->w.fd, ETIMEDOUT, false);
		/* They all have the same next hop: it is asked about once. */
		if (!asked) {
			probe_ask_neighbour(r, w->w.fd, c->s.how->attempt->neighbour);
			hop = r->silent_hop;
			asked = true;
		} else if (hop.addr.family) {
			r->outcome = OUTCOME_UNREACHABLE;
			r->silent_hop = hop;
		}
		watch_close(l, &w->w);
		unlink_slot(w);
		scan_tell(&c->s);
	}
	if (c->first)
		timer_set(l, t, c->first->started_us + c->s.how->timeout_us);
	if (!timer_armed(&c->pump))
		timer_set(l, &c->pump, now);
}

/* --- sending --- */

/* False if no more can be sent for now. */
static bool probe_port(struct connect_scan *c, uint16_t port)
{
	struct fault f = FAULT_INIT;
	int fd = take_fd(&c->idle_fd), err;
	uint64_t now;

	if (fd < 0) {
		fd = scan_socket(&c->s, &f);
		/* Those in flight hold the descriptors that are missing. */
		if (fd < 0 && endpoint_is_shortage(-fd) &&
		    (c->in_flight || fd != -EMFILE)) {
			postpone(c, port, -fd, &f);
			return false;
		}
		if (fd < 0) {
			probe_judge_fault(scan_result(&c->s, port), &f);
			scan_tell(&c->s);
			return true;
		}
	}
	scan_set_port(&c->s.to, port);
	now = clock_us();
	err = -endpoint_connect(fd, &c->s.to);
	if (err == EINPROGRESS) {
		err = -endpoint_connect(fd, &c->s.to);
		if (err == EALREADY || err == EINPROGRESS)
			return wait_for(c, fd, port, now);
		port_settled(c, fd, port, now, err, false);
	} else {
		port_settled(c, fd, port, now, err, true);
	}
	return !endpoint_is_shortage(err);
}

static void pump_due(struct loop *l, struct timer *t)
{
	struct connect_scan *c = LOOP_OWNER(t, struct connect_scan, pump);
	uint64_t rate = c->s.how->rate, burst = 0;
	uint64_t most = MAX(BURST / c->s.how->share, (uint64_t)BURST_LEAST);
	uint16_t port;

	if (c->s.paused) {
		c->stuck_us = 0;
		return; /* grow_due() comes again */
	}
	while (c->in_flight < c->window) {
		if (burst++ == most) {
			timer_set(l, t, loop_now(l));
			break;
		}
		if (rate && !scan_may_start(&c->s, rate, clock_us())) {
			timer_set(l, t, c->s.next_us);
			break;
		}
		if (!next_port(c, &port))
			break;
		if (!probe_port(c, port))
			break;
	}
	check_all_done(c);
}

static void grow_due(struct loop *l, struct timer *t)
{
	struct connect_scan *c = LOOP_OWNER(t, struct connect_scan, grow);

	if (!c->warm && clock_us() - c->s.totals.started_us > WARM_UP_US)
		open_window(c);
	else if (!c->warm)
		c->window = 1;
	else if (c->trouble)
		c->window = MIN(MAX(c->window / 2, (uint64_t)WINDOW_LEAST),
				c->s.how->window);
	else
		c->window = MIN(c->window * 2, c->s.how->window);
	c->trouble = false;
	timer_set(l, t, loop_now(l) + GROW_US);
	if (!timer_armed(&c->pump))
		timer_set(l, &c->pump, loop_now(l));
}

static int connect_start(struct scan *s, struct fault *f)
{
	struct connect_scan *c = LOOP_OWNER(s, struct connect_scan, s);

	/* An option or a source that is refused is so for every port. */
	c->idle_fd = scan_socket(s, f);
	if (c->idle_fd < 0)
		return c->idle_fd;
	c->window = 1;
	c->pump = (struct timer){ .fn = pump_due };
	c->grow = (struct timer){ .fn = grow_due };
	c->expire = (struct timer){ .fn = expire_due };
	c->held = (struct scan_held){ .l = s->l,
				      .stable_us = s->how->attempt->stable_us,
				      .over = held_over };
	timer_set(s->l, &c->pump, clock_us());
	timer_set(s->l, &c->grow, clock_us() + GROW_US);
	return 0;
}

static void connect_stop(struct scan *s)
{
	struct connect_scan *c = LOOP_OWNER(s, struct connect_scan, s);
	struct scan_slot *w;

	timer_stop(s->l, &c->pump);
	timer_stop(s->l, &c->grow);
	timer_stop(s->l, &c->expire);
	if (c->held.l)
		scan_held_stop(&c->held);
	while (c->first) {
		w = c->first;
		watch_close(s->l, &w->w);
		unlink_slot(w);
	}
	while (c->spare) {
		w = c->spare;
		c->spare = w->next;
		free(w);
	}
	if (c->idle_fd >= 0)
		close_fd(take_fd(&c->idle_fd));
	free(take_ptr(&c->again));
}

const struct scan_ops scan_by_connect = {
	.size = sizeof(struct connect_scan),
	.timeout_us = SCAN_TIMEOUT_US,
	.side_by_side = 256,
	.start = connect_start,
	.stop = connect_stop,
};
