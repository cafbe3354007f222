/*
 * Many UDP ports of one address, with an unconnected socket whose error queue tells the
 * closed ones. Linux answers with at most six ICMP errors at once and then one a second,
 * so silence means little: in the end a port that has answered before is asked again, and
 * if it is silent now, so is the host, and the rest is "rate-limited", never "open".
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/probe/attempt_udp.h"
#include "net/scan/scan_private.h"
#include "net/socket/errqueue.h"
#include "net/socket/sockfilter.h"

enum {
	STATE_OUT, /* not in the list */
	STATE_ASKED,
	STATE_CLOSED, /* ICMP came */
	STATE_OPEN,   /* an answer came */
};

enum {
	ROUNDS = 2,
	BURST = 64, /* then the error queue is emptied: it is as long as the buffer */
	DEFAULT_RATE = 1000, /* what Linux limits all its ICMP errors to */
	CHECK_US = 500 * 1000,
	CANARIES = 8, /* more than the limit lets through at once, which is six */
	CANARIES_HEARD = 7,
	TAKEN_MOST =
		256, /* of either queue in a turn: a flood leaves the timers theirs */
	NOISY = 16,  /* datagrams of one port: nobody waits for more of them */
	TRIES = 4,
	FULL_US = 1000, /* until the device takes more */
};

struct udp_scan {
	struct scan s;
	struct watch w;
	uint16_t own_port; /* of w's socket: asked last, by another socket */
	struct timer t;
	uint8_t *state; /* of each port */
	uint8_t *noise; /* datagrams that came from each port, up to a few */
	uint16_t noisy[SOCKFILTER_PORTS_MOST]; /* of which the kernel drops what comes */
	size_t n_noisy;
	uint64_t full_us; /* since when the device takes nothing; 0 = it does */
	unsigned round;
	uint16_t known_closed; /* the last port that ICMP told closed */
	bool near;	       /* an address of this host: no limit of ICMP */
	bool checking;	       /* the known one is asked again, CANARIES times */
	unsigned heard;	       /* its answers */
};

static uint64_t since_start(const struct udp_scan *u)
{
	return clock_us() - u->s.totals.started_us;
}

static bool all_done(const struct udp_scan *u)
{
	return u->s.totals.done == u->s.n;
}

static void port_closed(struct udp_scan *u, uint16_t port, int err,
			const struct icmp_error *icmp)
{
	struct probe_result *r;

	if (u->state[port] != STATE_ASKED) {
		/* The known one answers again: the host is not silent. */
		if (u->checking && port == u->known_closed)
			u->heard++;
		return;
	}
	u->state[port] = STATE_CLOSED;
	u->known_closed = port;
	r = scan_result(&u->s, port);
	r->err = err;
	r->icmp = *icmp;
	probe_judge_facts(r);
	if (r->outcome == OUTCOME_REFUSED)
		r->outcome = OUTCOME_REFUSED_ICMP;
	r->connect_us = since_start(u);
	scan_tell(&u->s);
}

static void port_answered(struct udp_scan *u, uint16_t port)
{
	struct probe_result *r = scan_result(&u->s, port);

	u->state[port] = STATE_OPEN;
	r->outcome = OUTCOME_OPEN;
	r->connect_us = since_start(u);
	scan_tell(&u->s);
}

static void take_errors(struct udp_scan *u)
{
	struct icmp_error icmp = { 0 };
	struct addr to;
	int err, pending;
	socklen_t len = sizeof(pending);
	unsigned i;

	for (i = 0; i < TAKEN_MOST && errqueue_take(u->w.fd, &icmp, &to, &err); i++)
		port_closed(u, to.port, err, &icmp);
	/* What the queue left in SO_ERROR must not fail the next send. */
	getsockopt(u->w.fd, SOL_SOCKET, SO_ERROR, &pending, &len);
}

/* One port must not fill the buffer in which the answers and the errors of the others
 * wait: the kernel drops what more it sends. Where it cannot, the others may be lost. */
static void hear_no_more(struct udp_scan *u, uint16_t port)
{
	if (u->n_noisy == SOCKFILTER_PORTS_MOST)
		return;
	u->noisy[u->n_noisy++] = port;
	sockfilter_drop_ports(u->w.fd, u->noisy, u->n_noisy, NULL);
}

static void take_answers(struct udp_scan *u)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr from, want;
	char data[64];
	unsigned i;

	endpoint_addr(&u->s.to, &want);
	for (i = 0; i < TAKEN_MOST && recvfrom(u->w.fd, data, sizeof(data), MSG_TRUNC,
					       (struct sockaddr *)&ss, &len) >= 0;
	     i++, len = sizeof(ss)) {
		if (!addr_from_sockaddr(&from, (struct sockaddr *)&ss, len))
			continue;
		if (u->noise[from.port] < NOISY && ++u->noise[from.port] == NOISY)
			hear_no_more(u, from.port);
		if (addr_same_ip(&from, &want) && u->state[from.port] == STATE_ASKED)
			port_answered(u, from.port);
	}
}

static void udp_scan_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct udp_scan *u = LOOP_OWNER(w, struct udp_scan, w);

	(void)l;
	if (events & EPOLLERR)
		take_errors(u);
	if (events & EPOLLIN)
		take_answers(u);
	if (all_done(u) && !u->checking && u->s.next >= u->s.n)
		timer_set(u->s.l, &u->t, clock_us());
}

static int udp_open_socket(const struct udp_scan *u, struct fault *f)
{
	int size = 4 << 20, fd = scan_socket(&u->s, f);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

/* --- what cannot be asked --- */

/* The rest of the ports is not asked, for the reason in the result; those that were have
 * their time. */
static void udp_give_up(struct udp_scan *u)
{
	struct scan *s = &u->s;

	for (; s->next < s->n; s->next++) {
		uint16_t port = s->list[s->next];

		if (u->state[port] != STATE_ASKED || u->round)
			continue;
		u->state[port] = STATE_CLOSED;
		scan_set_port(&s->r.peer, port);
		scan_tell(s);
	}
	u->round = ROUNDS;
	timer_set(s->l, &u->t,
		  clock_us() + (all_done(u) ? 0 : s->how->timeout_us / ROUNDS));
}

/* The device takes nothing for now; for how long has it not? */
static void wait_for_room(struct udp_scan *u, int err)
{
	uint64_t now = clock_us();
	struct probe_result *r;

	if (!u->full_us)
		u->full_us = now;
	if (now - u->full_us < u->s.how->stall_us) {
		timer_set(u->s.l, &u->t, now + FULL_US);
		return;
	}
	r = scan_result(&u->s, 0);
	r->connect_us = now - u->full_us;
	probe_judge_unsent(r, err);
	udp_give_up(u);
}

/* A datagram to our own port would come back and look like an answer: that one is asked
 * from another socket, when this one is gone. 0 or -errno with a fault. */
static int leave_own_port(struct udp_scan *u, struct fault *f)
{
	int r;

	take_errors(u);
	take_answers(u);
	watch_close(u->s.l, &u->w);
	u->own_port = 0;
	u->w.fd = udp_open_socket(u, f);
	if (u->w.fd < 0)
		return u->w.fd;
	if (u->n_noisy)
		sockfilter_drop_ports(u->w.fd, u->noisy, u->n_noisy, NULL);
	r = watch_set(u->s.l, &u->w, EPOLLIN);
	return r < 0 ? fault(f, -r, "watch the answers") : 0;
}

/* Tells a port that cannot be asked. 0, or -errno if the device takes nothing for now. */
static int udp_ask(struct udp_scan *u, uint16_t port)
{
	struct scan *s = &u->s;
	struct probe_result *r;
	const void *data;
	size_t len;
	int tries, err = 0;

	scan_set_port(&s->to, port);
	probe_udp_payload(s->how->attempt->send, port, &data, &len);
	for (tries = 0; tries < TRIES; tries++) {
		if (sendto(u->w.fd, data, len, MSG_NOSIGNAL,
			   (const struct sockaddr *)&s->to.ss, s->to.len) >= 0) {
			u->full_us = 0;
			return 0;
		}
		err = errno;
		if (scan_is_full(err))
			return -err;
		/* An error of an earlier port may have come out here. */
		take_errors(u);
	}
	if (u->state[port] != STATE_ASKED)
		return 0;
	r = scan_result(s, port);
	r->err = err;
	r->at_once = true;
	probe_judge_facts(r);
	/* No refusal is this host's own: so many came in between. */
	if (r->outcome == OUTCOME_REFUSED)
		return -err;
	u->state[port] = STATE_CLOSED;
	scan_tell(s);
	return 0;
}

static void udp_send_some(struct udp_scan *u)
{
	struct scan *s = &u->s;
	uint64_t rate = s->how->rate ? s->how->rate : u->near ? 0 : DEFAULT_RATE;
	uint64_t now = clock_us();
	struct fault f = FAULT_INIT;
	unsigned burst = 0;
	int r;

	for (; s->next < s->n; s->next++) {
		uint16_t port = s->list[s->next];

		if (u->state[port] != STATE_ASKED)
			continue;
		if (s->paused) {
			take_errors(u);
			u->full_us = 0;
			timer_set(s->l, &u->t, now + SCAN_PAUSE_US);
			return;
		}
		if (burst++ == BURST) {
			take_errors(u);
			timer_set(s->l, &u->t, now);
			return;
		}
		if (!scan_may_start(s, rate, now)) {
			timer_set(s->l, &u->t, s->next_us);
			return;
		}
		if (u->near && port == u->own_port && leave_own_port(u, &f) < 0) {
			probe_judge_fault(scan_result(s, port), &f);
			udp_give_up(u);
			return;
		}
		r = udp_ask(u, port);
		if (r < 0) {
			s->next_us = now; /* it did not go */
			wait_for_room(u, -r);
			return;
		}
	}
	take_errors(u);
	/* The round is out: so long for its answers. */
	u->round++;
	timer_set(s->l, &u->t, all_done(u) ? now : now + s->how->timeout_us / ROUNDS);
}

static void udp_tell_silent(struct udp_scan *u)
{
	bool limited = u->checking && u->heard < CANARIES_HEARD;
	struct scan *s = &u->s;
	struct probe_result *r = scan_result(s, 0);
	size_t i;

	r->outcome = limited ? OUTCOME_RATE_LIMITED : OUTCOME_OPEN_OR_FILTERED;
	r->connect_us = since_start(u);
	/* Nobody has answered: is anybody there? */
	if (s->totals.done == 0)
		probe_ask_neighbour(r, u->w.fd, s->how->attempt->neighbour);
	for (i = 0; i < s->n; i++) {
		if (u->state[s->list[i]] != STATE_ASKED)
			continue;
		scan_set_port(&r->peer, s->list[i]);
		scan_tell(s);
	}
	scan_over(s);
}

static void udp_next_round(struct udp_scan *u)
{
	unsigned i;

	if (all_done(u) || u->checking) {
		udp_tell_silent(u);
	} else if (u->round < ROUNDS) {
		u->s.next = 0;
		udp_send_some(u);
	} else if (u->known_closed) {
		/* Does a port that is known to be closed still say so? */
		u->checking = true;
		for (i = 0; i < CANARIES; i++)
			udp_ask(u, u->known_closed);
		timer_set(u->s.l, &u->t,
			  clock_us() + MIN(u->s.how->timeout_us, (uint64_t)CHECK_US));
	} else {
		udp_tell_silent(u);
	}
}

static void udp_scan_due(struct loop *l, struct timer *t)
{
	struct udp_scan *u = LOOP_OWNER(t, struct udp_scan, t);

	(void)l;
	if (u->s.next < u->s.n)
		udp_send_some(u);
	else
		udp_next_round(u);
}

/* Chooses the socket's port now, to be known; 0 if it cannot be. */
static uint16_t bind_any_port(int fd, const struct endpoint *to)
{
	struct addr any = { .family = (uint8_t)to->family }, a;

	return dial_choose_port(fd, to, &any, &a) == 0 ? a.port : 0;
}

/* Every port of the list is to be asked, our own one last. */
static void prepare_ports(struct udp_scan *u)
{
	struct scan *s = &u->s;
	size_t i, n = 0;
	bool own = false;

	for (i = 0; i < s->n; i++) {
		u->state[s->list[i]] = STATE_ASKED;
		if (s->list[i] == u->own_port)
			own = true;
		else
			s->list[n++] = s->list[i];
	}
	if (own)
		s->list[n] = u->own_port;
}

static int udp_start(struct scan *s, struct fault *f)
{
	struct udp_scan *u = LOOP_OWNER(s, struct udp_scan, s);
	int r;

	u->w = (struct watch){ .fd = udp_open_socket(u, f), .fn = udp_scan_ready };
	if (u->w.fd < 0)
		return u->w.fd;
	u->own_port = bind_any_port(u->w.fd, &s->to);
	scan_set_port(&s->to, 9); /* connect() takes no address without one */
	u->near = endpoint_is_local(&s->to);
	u->t = (struct timer){ .fn = udp_scan_due };
	u->state = xcalloc(65536, 1);
	u->noise = xcalloc(65536, 1);
	prepare_ports(u);
	timer_set(s->l, &u->t, clock_us());
	r = watch_set(s->l, &u->w, EPOLLIN);
	return r < 0 ? fault(f, -r, "watch the answers") : 0;
}

static void udp_stop(struct scan *s)
{
	struct udp_scan *u = LOOP_OWNER(s, struct udp_scan, s);

	timer_stop(s->l, &u->t);
	watch_close(s->l, &u->w);
	free(take_ptr(&u->state));
	free(take_ptr(&u->noise));
}

const struct scan_ops scan_by_udp = {
	.size = sizeof(struct udp_scan),
	.side_by_side = 64,
	.start = udp_start,
	.stop = udp_stop,
};
