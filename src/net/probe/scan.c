#include "net/probe/scan.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
	WINDOW_START = 256,
	WINDOW_LEAST = 32,
	GROW_US = 10 * 1000,
	/* Before the next hop is resolved its queue takes a hundred SYNs and drops the
	 * rest: the first port goes ahead alone. */
	WARM_UP_US = 50 * 1000,
	BURST = 512,		   /* ports between two looks at what came */
	LATE_US = 900 * 1000,	   /* answered only after a SYN was sent again */
	PHANTOM_RETRIES_MOST = 64, /* a port that is always our own: give up */
};

struct scan_slot {
	struct watch w;
	struct scan *s;
	struct scan_slot *next, *prev;
	uint64_t started_us;
	uint16_t port;
};

static void set_port(struct scan *s, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&s->to.ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&s->to.ss;

	if (s->to.family == AF_INET)
		v4->sin_port = htons(port);
	else
		v6->sin6_port = htons(port);
}

static bool next_port(struct scan *s, uint16_t *port)
{
	if (s->n_again) {
		*port = s->again[--s->n_again];
		return true;
	}
	if (s->range == s->ports->n)
		return false;
	*port = (uint16_t)s->port;
	if (s->port++ == s->ports->v[s->range].hi) {
		s->range++;
		if (s->range < s->ports->n)
			s->port = s->ports->v[s->range].lo;
	}
	return true;
}

static void try_again(struct scan *s, uint16_t port)
{
	s->again = array_grow(s->again, s->n_again, &s->cap_again, sizeof(*s->again));
	s->again[s->n_again++] = port;
}

/* --- answers --- */

static void refused(struct scan *s)
{
	s->totals.counts[OUTCOME_REFUSED]++;
	s->totals.done++;
}

static void tell(struct scan *s, const struct probe_result *r)
{
	s->totals.counts[r->outcome]++;
	s->totals.done++;
	s->found(s, r);
}

static struct probe_result result_of(struct scan *s, uint16_t port, uint64_t started_us)
{
	set_port(s, port);
	return (struct probe_result){ .peer = s->to,
				      .mptcp = -1,
				      .connect_us = clock_us() - started_us };
}

static void keep_idle(struct scan *s, int fd)
{
	if (s->idle_fd < 0)
		s->idle_fd = fd;
	else
		close_fd(fd);
}

static void port_open(struct scan *s, int fd, uint16_t port, uint64_t started_us)
{
	struct probe_result r = result_of(s, port, started_us);

	probe_judge_open(&r, fd);
	endpoint_reset_on_close(fd);
	close_fd(fd);
	/* About one port of a scan of this host's own: nobody listens there. */
	if (r.local.len && endpoint_same(&r.local, &r.peer)) {
		if (s->totals.phantoms++ < PHANTOM_RETRIES_MOST) {
			try_again(s, port);
			return;
		}
		r.outcome = OUTCOME_SELF_CONNECT;
	}
	tell(s, &r);
}

/* For want of something of this host. Not for ever: when nothing has gone for so long,
 * the port is told. */
static void postpone(struct scan *s, uint16_t port, int err, const struct fault *f)
{
	uint64_t now = clock_us();
	struct probe_result r;

	s->trouble = true;
	if (!s->stuck_us)
		s->stuck_us = now;
	if (s->in_flight || now - s->stuck_us < s->how->stall_us) {
		try_again(s, port);
		return;
	}
	r = result_of(s, port, s->stuck_us);
	r.err = err;
	probe_judge_facts(&r);
	if (f)
		probe_judge_fault(&r, f);
	tell(s, &r);
}

static bool is_ours(int err)
{
	return err == ENOBUFS || err == ENOMEM || err == EMFILE || err == ENFILE;
}

static void warm_up(struct scan *s)
{
	s->warm = true;
	s->window = MIN((uint64_t)WINDOW_START, s->how->window);
}

/* connect() has said what became of it. The descriptor is used up, or kept. */
static void settle(struct scan *s, int fd, uint16_t port, uint64_t started_us, int err,
		   bool at_once)
{
	struct probe_result r;

	if (!s->warm)
		warm_up(s);
	s->answered |= !at_once;

	if (!err || err == EISCONN) {
		s->stuck_us = 0;
		port_open(s, fd, port, started_us);
		return;
	}
	if (is_ours(err)) {
		postpone(s, port, err, NULL);
		close_fd(fd);
		return;
	}
	s->stuck_us = 0;
	r = result_of(s, port, started_us);
	if (err == ECONNREFUSED && !at_once &&
	    !probe_take_icmp(fd, &r.icmp, NULL, NULL)) {
		keep_idle(s, fd);
		if (s->with_refused) {
			r.outcome = OUTCOME_REFUSED;
			r.err = err;
			tell(s, &r);
		} else {
			refused(s);
		}
		return;
	}
	probe_judge_failure(&r, fd, err, at_once);
	tell(s, &r);
	close_fd(fd);
}

/* --- waiting --- */

static void unlink_slot(struct scan_slot *w)
{
	struct scan *s = w->s;

	*(w->prev ? &w->prev->next : &s->first) = w->next;
	*(w->next ? &w->next->prev : &s->last) = w->prev;
	w->next = s->spare;
	s->spare = w;
	s->in_flight--;
}

static void check_over(struct scan *s)
{
	if (s->in_flight || s->n_again || s->range < s->ports->n)
		return;
	s->totals.took_us = clock_us() - s->totals.started_us;
	s->over(s);
}

static void waited(struct loop *l, struct watch *watch, uint32_t events)
{
	struct scan_slot *w = LOOP_OWNER(watch, struct scan_slot, w);
	struct scan *s = w->s;
	int fd = watch->fd, err = 0;
	socklen_t len = sizeof(err);

	set_port(s, w->port);
	/* Not SO_ERROR: after it the next connect() of this socket would be aborted. */
	err = -endpoint_connect(fd, &s->to);
	if (err == EALREADY || err == EINPROGRESS) {
		struct probe_icmp none = { 0 };

		/* A soft error: the socket stays in SYN_SENT, and is of no more use. */
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
		if (!err) {
			/* No verdict (a new path MTU), which must not wake us again. */
			if (events & EPOLLERR)
				probe_take_icmp(fd, &none, NULL, NULL);
			return;
		}
	}
	if (clock_us() - w->started_us > LATE_US)
		s->trouble = true;
	watch_remove(l, watch);
	unlink_slot(w);
	settle(s, fd, w->port, w->started_us, err, false);
	if (!timer_armed(&s->pump))
		timer_set(l, &s->pump, loop_now(l));
}

/* False if nothing more can be waited for now; the port comes again. */
static bool wait_for(struct scan *s, int fd, uint16_t port, uint64_t started_us)
{
	struct scan_slot *w = s->spare;
	struct fault f = FAULT_INIT;
	int r;

	if (w)
		s->spare = w->next;
	else
		w = xmalloc(sizeof(*w));
	*w = (struct scan_slot){ .s = s,
				 .prev = s->last,
				 .port = port,
				 .started_us = started_us,
				 .w = { .fd = fd, .fn = waited } };
	*(s->last ? &s->last->next : &s->first) = w;
	s->last = w;
	s->in_flight++;
	r = watch_set(s->l, &w->w, EPOLLOUT);
	if (r < 0) {
		fault(&f, -r, "wait for the answer of a port");
		unlink_slot(w);
		close_fd(fd);
		postpone(s, port, -r, &f);
		return false;
	}
	s->stuck_us = 0;
	if (!timer_armed(&s->expire))
		timer_set(s->l, &s->expire, started_us + s->how->timeout_us);
	return true;
}

/* Whether its answer came in time, and only waits until the loop has a turn for it. */
static bool answered_late(struct scan *s, struct scan_slot *w)
{
	int fd = w->w.fd, err;
	uint64_t started_us = w->started_us;
	uint16_t port = w->port;

	set_port(s, port);
	err = -endpoint_connect(fd, &s->to);
	if (err == EALREADY || err == EINPROGRESS)
		return false;
	watch_remove(s->l, &w->w);
	unlink_slot(w);
	settle(s, fd, port, started_us, err, false);
	return true;
}

static void expire_due(struct loop *l, struct timer *t)
{
	struct scan *s = LOOP_OWNER(t, struct scan, expire);
	uint64_t now = clock_us();
	bool asked = s->answered;
	struct addr hop = { 0 };

	while (s->first && s->first->started_us + s->how->timeout_us <= now) {
		struct scan_slot *w = s->first;
		struct probe_result r;

		if (answered_late(s, w))
			continue;
		r = result_of(s, w->port, w->started_us);
		probe_judge_failure(&r, w->w.fd, ETIMEDOUT, false);
		/* They all have the same next hop: it is asked about once. */
		if (!asked) {
			probe_ask_neighbour(&r, w->w.fd, s->how->attempt->neighbour);
			hop = r.silent_hop;
			asked = true;
		} else if (hop.family) {
			r.outcome = OUTCOME_UNREACHABLE;
			r.silent_hop = hop;
		}
		watch_close(l, &w->w);
		unlink_slot(w);
		tell(s, &r);
	}
	if (s->first)
		timer_set(l, t, s->first->started_us + s->how->timeout_us);
	if (!timer_armed(&s->pump))
		timer_set(l, &s->pump, now);
}

/* --- sending --- */

static int open_socket(struct scan *s, struct fault *f)
{
	struct dial_how how = { .options = &s->how->attempt->options,
				.sources = s->how->attempt->sources.v,
				.n_sources = s->how->attempt->sources.n };
	int fd = dial_open(&s->to, &how, f);

	if (fd >= 0)
		probe_want_errors(fd, s->to.family);
	return fd;
}

/* False if no more can be sent for now. */
static bool probe_port(struct scan *s, uint16_t port)
{
	struct fault f = FAULT_INIT;
	int fd = take_fd(&s->idle_fd), err;
	uint64_t now;

	if (fd < 0) {
		fd = open_socket(s, &f);
		/* Those in flight hold the descriptors that are missing. */
		if (fd < 0 && is_ours(-fd) && (s->in_flight || fd != -EMFILE)) {
			postpone(s, port, -fd, &f);
			return false;
		}
		if (fd < 0) {
			struct probe_result r = result_of(s, port, clock_us());

			probe_judge_fault(&r, &f);
			tell(s, &r);
			return true;
		}
	}
	set_port(s, port);
	now = clock_us();
	err = -endpoint_connect(fd, &s->to);
	if (err == EINPROGRESS) {
		err = -endpoint_connect(fd, &s->to);
		if (err == EALREADY || err == EINPROGRESS)
			return wait_for(s, fd, port, now);
		settle(s, fd, port, now, err, false);
	} else {
		settle(s, fd, port, now, err, true);
	}
	return !is_ours(err);
}

static void pump_due(struct loop *l, struct timer *t)
{
	struct scan *s = LOOP_OWNER(t, struct scan, pump);
	unsigned burst = 0;
	uint16_t port;

	while (s->in_flight < s->window) {
		if (burst++ == BURST) {
			timer_set(l, t, loop_now(l));
			break;
		}
		if (s->how->rate) {
			uint64_t now = clock_us();

			if (now < s->next_us) {
				timer_set(l, t, s->next_us);
				break;
			}
			/* What a timer of whole milliseconds missed is made up for. */
			s->next_us = MAX(s->next_us, now - MIN(now, (uint64_t)5000)) +
				     1000000 / s->how->rate;
		}
		if (!next_port(s, &port))
			break;
		if (!probe_port(s, port))
			break;
	}
	check_over(s);
}

static void grow_due(struct loop *l, struct timer *t)
{
	struct scan *s = LOOP_OWNER(t, struct scan, grow);

	if (!s->warm && clock_us() - s->totals.started_us > WARM_UP_US)
		warm_up(s);
	else if (!s->warm)
		s->window = 1;
	else if (s->trouble)
		s->window = MAX(s->window / 2, (uint64_t)WINDOW_LEAST);
	else
		s->window = MIN(s->window * 2, s->how->window);
	s->trouble = false;
	timer_set(l, t, loop_now(l) + GROW_US);
	if (!timer_armed(&s->pump))
		timer_set(l, &s->pump, loop_now(l));
}

int scan_start(struct scan *s, struct loop *l, const struct endpoint *to,
	       const struct port_set *ports, const struct scan_how *how, struct fault *f)
{
	size_t i;

	s->l = l;
	s->to = *to;
	s->ports = ports;
	s->how = how;
	/* An option or a source that is refused is so for every port. */
	s->idle_fd = open_socket(s, f);
	if (s->idle_fd < 0)
		return s->idle_fd;
	s->range = 0;
	s->port = ports->v[0].lo;
	s->totals = (struct scan_totals){ .started_us = clock_us() };
	for (i = 0; i < ports->n; i++)
		s->totals.ports += (uint64_t)(ports->v[i].hi - ports->v[i].lo) + 1;
	s->window = 1;
	s->pump = (struct timer){ .fn = pump_due };
	s->grow = (struct timer){ .fn = grow_due };
	s->expire = (struct timer){ .fn = expire_due };
	timer_set(l, &s->pump, clock_us());
	timer_set(l, &s->grow, clock_us() + GROW_US);
	return 0;
}

void scan_stop(struct scan *s)
{
	struct scan_slot *w;

	timer_stop(s->l, &s->pump);
	timer_stop(s->l, &s->grow);
	timer_stop(s->l, &s->expire);
	while (s->first) {
		w = s->first;
		watch_close(s->l, &w->w);
		unlink_slot(w);
	}
	while (s->spare) {
		w = s->spare;
		s->spare = w->next;
		free(w);
	}
	if (s->idle_fd >= 0)
		close_fd(take_fd(&s->idle_fd));
	free(take_ptr(&s->again));
	s->n_again = s->cap_again = 0;
}
