#include "net/probe/udpscan.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
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

static void put_port(struct endpoint *ep, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ep->ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ep->ss;

	if (ep->family == AF_INET)
		v4->sin_port = htons(port);
	else
		v6->sin6_port = htons(port);
}

static void tell(struct udp_scan *s, uint16_t port, enum outcome outcome, int err,
		 const struct probe_icmp *icmp)
{
	struct probe_result r = { .outcome = outcome,
				  .err = err,
				  .mptcp = -1,
				  .silent_hop = s->silent_hop,
				  .connect_us = clock_us() - s->totals.started_us };

	r.peer = s->to;
	put_port(&r.peer, port);
	if (icmp)
		r.icmp = *icmp;
	s->totals.counts[outcome]++;
	s->totals.done++;
	s->found(s, &r);
}

static void closed(struct udp_scan *s, uint16_t port, int err,
		   const struct probe_icmp *icmp)
{
	struct probe_result r = { .peer = s->to, .err = err, .icmp = *icmp };

	if (s->state[port] != STATE_ASKED) {
		/* The known one answers again: the host is not silent. */
		if (s->checking && port == s->known_closed)
			s->heard++;
		return;
	}
	s->state[port] = STATE_CLOSED;
	s->known_closed = port;
	probe_judge_facts(&r);
	tell(s, port, r.outcome == OUTCOME_REFUSED ? OUTCOME_REFUSED_ICMP : r.outcome,
	     err, icmp);
}

static void take_errors(struct udp_scan *s)
{
	struct probe_icmp icmp = { 0 };
	struct addr to;
	int err, pending;
	socklen_t len = sizeof(pending);
	unsigned i;

	for (i = 0; i < TAKEN_MOST && probe_take_icmp(s->w.fd, &icmp, &to, &err); i++)
		closed(s, to.port, err, &icmp);
	/* What the queue left in SO_ERROR must not fail the next send. */
	getsockopt(s->w.fd, SOL_SOCKET, SO_ERROR, &pending, &len);
}

/* One port must not fill the buffer in which the answers and the errors of the others
 * wait: the kernel drops what more it sends. Where it cannot, the others may be lost. */
static void hear_no_more(struct udp_scan *s, uint16_t port)
{
	if (s->n_noisy == SOCKFILTER_PORTS_MOST)
		return;
	s->noisy[s->n_noisy++] = port;
	sockfilter_drop_ports(s->w.fd, s->noisy, s->n_noisy, NULL);
}

static void take_answers(struct udp_scan *s)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr from, want;
	char data[64];
	unsigned i;

	endpoint_addr(&s->to, &want);
	for (i = 0; i < TAKEN_MOST && recvfrom(s->w.fd, data, sizeof(data), MSG_TRUNC,
					       (struct sockaddr *)&ss, &len) >= 0;
	     i++, len = sizeof(ss)) {
		if (!addr_from_sockaddr(&from, (struct sockaddr *)&ss, len))
			continue;
		if (s->noise[from.port] < NOISY && ++s->noise[from.port] == NOISY)
			hear_no_more(s, from.port);
		if (addr_same_ip(&from, &want) && s->state[from.port] == STATE_ASKED) {
			s->state[from.port] = STATE_OPEN;
			tell(s, from.port, OUTCOME_OPEN, 0, NULL);
		}
	}
}

static void ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct udp_scan *s = LOOP_OWNER(w, struct udp_scan, w);

	(void)l;
	if (events & EPOLLERR)
		take_errors(s);
	if (events & EPOLLIN)
		take_answers(s);
	if (s->totals.done == s->n && !s->checking && s->next >= s->n)
		timer_set(s->l, &s->t, clock_us());
}

static int open_socket(const struct scan_how *how, const struct endpoint *to,
		       struct fault *f)
{
	struct dial_how open_how = { .options = &how->attempt->options,
				     .sources = how->attempt->sources.v,
				     .n_sources = how->attempt->sources.n };
	int size = 4 << 20, fd = dial_open(to, &open_how, f);

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		probe_want_errors(fd, to->family);
	}
	return fd;
}

/* --- what cannot be asked --- */

static void not_sent(struct udp_scan *s, uint16_t port, struct probe_result *r)
{
	r->peer = s->to;
	put_port(&r->peer, port);
	r->mptcp = -1;
	s->state[port] = STATE_CLOSED;
	s->totals.counts[r->outcome]++;
	s->totals.done++;
	s->found(s, r);
}

/* The rest of the ports is not asked, for this reason; those that were have their time.
 */
static void give_up(struct udp_scan *s, const struct probe_result *why)
{
	for (; s->next < s->n; s->next++) {
		struct probe_result r = *why;

		if (s->state[s->list[s->next]] == STATE_ASKED && !s->round)
			not_sent(s, s->list[s->next], &r);
	}
	s->round = ROUNDS;
	timer_set(s->l, &s->t,
		  clock_us() +
			  (s->totals.done == s->n ? 0 : s->how->timeout_us / ROUNDS));
}

/* The device takes nothing for now; for how long has it not? */
static void wait_for_room(struct udp_scan *s, int err)
{
	uint64_t now = clock_us();
	struct probe_result r = { .peer = s->to };

	if (!s->full_us)
		s->full_us = now;
	r.connect_us = now - s->full_us;
	if (r.connect_us < s->how->stall_us) {
		timer_set(s->l, &s->t, now + FULL_US);
		return;
	}
	probe_judge_unsent(&r, err);
	give_up(s, &r);
}

/* A datagram to our own port would come back and look like an answer: that one is asked
 * from another socket, when this one is gone. 0 or -errno with a fault. */
static int leave_own_port(struct udp_scan *s, struct fault *f)
{
	int r;

	take_errors(s);
	take_answers(s);
	watch_close(s->l, &s->w);
	s->own_port = 0;
	s->w.fd = open_socket(s->how, &s->to, f);
	if (s->w.fd < 0)
		return s->w.fd;
	if (s->n_noisy)
		sockfilter_drop_ports(s->w.fd, s->noisy, s->n_noisy, NULL);
	r = watch_set(s->l, &s->w, EPOLLIN);
	return r < 0 ? fault(f, -r, "watch the answers") : 0;
}

/* Tells a port that cannot be asked. 0, or -errno if the device takes nothing for now. */
static int ask(struct udp_scan *s, uint16_t port)
{
	struct probe_result r = { .at_once = true };
	const void *data;
	size_t len;
	int tries;

	put_port(&s->to, port);
	probe_udp_payload(s->how->attempt->send, port, &data, &len);
	for (tries = 0; tries < TRIES; tries++) {
		if (sendto(s->w.fd, data, len, MSG_NOSIGNAL,
			   (const struct sockaddr *)&s->to.ss, s->to.len) >= 0) {
			s->full_us = 0;
			return 0;
		}
		r.err = errno;
		if (r.err == EAGAIN || r.err == ENOBUFS || r.err == ENOMEM)
			return -r.err;
		/* An error of an earlier port may have come out here. */
		take_errors(s);
	}
	if (s->state[port] != STATE_ASKED)
		return 0;
	r.peer = s->to;
	probe_judge_facts(&r);
	/* No refusal is this host's own: so many came in between. */
	if (r.outcome == OUTCOME_REFUSED)
		return -r.err;
	not_sent(s, port, &r);
	return 0;
}

static void send_some(struct udp_scan *s)
{
	uint64_t rate = s->how->rate ? s->how->rate : s->near ? 0 : DEFAULT_RATE;
	uint64_t now = clock_us();
	struct probe_result broken = { .peer = s->to };
	struct fault f = FAULT_INIT;
	unsigned burst = 0;
	int r;

	for (; s->next < s->n; s->next++) {
		uint16_t port = s->list[s->next];

		if (s->state[port] != STATE_ASKED)
			continue;
		if (burst++ == BURST) {
			take_errors(s);
			timer_set(s->l, &s->t, now);
			return;
		}
		if (rate && s->next_us > now) {
			timer_set(s->l, &s->t, s->next_us);
			return;
		}
		if (s->near && port == s->own_port && leave_own_port(s, &f) < 0) {
			probe_judge_fault(&broken, &f);
			give_up(s, &broken);
			return;
		}
		r = ask(s, port);
		if (r < 0) {
			wait_for_room(s, -r);
			return;
		}
		if (rate)
			s->next_us = MAX(s->next_us, now - MIN(now, (uint64_t)5000)) +
				     1000000 / rate;
	}
	take_errors(s);
	/* The round is out: so long for its answers. */
	s->round++;
	timer_set(s->l, &s->t,
		  s->totals.done == s->n ? now : now + s->how->timeout_us / ROUNDS);
}

static void finish(struct udp_scan *s)
{
	bool limited = s->checking && s->heard < CANARIES_HEARD;
	struct probe_result r = { .outcome = limited ? OUTCOME_RATE_LIMITED
						     : OUTCOME_OPEN_OR_FILTERED,
				  .peer = s->to,
				  .connect_us = clock_us() - s->totals.started_us };
	size_t i;

	/* Nobody has answered: is anybody there? */
	if (s->totals.done == 0)
		probe_ask_neighbour(&r, s->w.fd, s->how->attempt->neighbour);
	s->silent_hop = r.silent_hop;
	for (i = 0; i < s->n; i++)
		if (s->state[s->list[i]] == STATE_ASKED)
			tell(s, s->list[i], r.outcome, 0, NULL);
	s->totals.took_us = clock_us() - s->totals.started_us;
	s->over(s);
}

static void next_round(struct udp_scan *s)
{
	unsigned i;

	if (s->totals.done == s->n || s->checking) {
		finish(s);
	} else if (s->round < ROUNDS) {
		s->next = 0;
		send_some(s);
	} else if (s->known_closed) {
		/* Does a port that is known to be closed still say so? */
		s->checking = true;
		for (i = 0; i < CANARIES; i++)
			ask(s, s->known_closed);
		timer_set(s->l, &s->t,
			  clock_us() + MIN(s->how->timeout_us, (uint64_t)CHECK_US));
	} else {
		finish(s);
	}
}

static void due(struct loop *l, struct timer *t)
{
	struct udp_scan *s = LOOP_OWNER(t, struct udp_scan, t);

	(void)l;
	if (s->next < s->n)
		send_some(s);
	else
		next_round(s);
}

/* Chooses the socket's port now, to be known; 0 if it cannot be. */
static uint16_t bind_any_port(int fd, const struct endpoint *to)
{
	struct addr any = { .family = (uint8_t)to->family }, a;

	return dial_choose_port(fd, to, &any, &a) == 0 ? a.port : 0;
}

static void list_ports(struct udp_scan *s)
{
	bool own = false;
	uint32_t p;
	size_t i;

	for (i = 0; i < s->ports->n; i++)
		for (p = s->ports->v[i].lo; p <= s->ports->v[i].hi; p++) {
			if (s->state[p] != STATE_OUT)
				continue;
			s->state[p] = STATE_ASKED;
			if (p == s->own_port)
				own = true;
			else
				s->list[s->n++] = (uint16_t)p;
		}
	if (own)
		s->list[s->n++] = s->own_port;
}

int udp_scan_start(struct udp_scan *s, struct loop *l, const struct endpoint *to,
		   const struct port_set *ports, const struct scan_how *how,
		   struct fault *f)
{
	int fd = open_socket(how, to, f), r;

	if (fd < 0)
		return fd;
	s->l = l;
	s->to = *to;
	s->ports = ports;
	s->how = how;
	s->w = (struct watch){ .fd = fd, .fn = ready };
	put_port(&s->to, 9); /* connect() wants one */
	s->near = endpoint_is_local(&s->to);
	s->own_port = bind_any_port(fd, to);
	s->t = (struct timer){ .fn = due };
	s->state = xcalloc(65536, 1);
	s->noise = xcalloc(65536, 1);
	s->list = xcalloc(65536, sizeof(*s->list));
	s->totals = (struct scan_totals){ .started_us = clock_us() };
	list_ports(s);
	s->totals.ports = s->n;
	timer_set(l, &s->t, clock_us());
	r = watch_set(l, &s->w, EPOLLIN);
	if (r < 0) {
		fault(f, -r, "watch the answers");
		udp_scan_stop(s);
	}
	return r;
}

void udp_scan_stop(struct udp_scan *s)
{
	timer_stop(s->l, &s->t);
	watch_close(s->l, &s->w);
	free(take_ptr(&s->state));
	free(take_ptr(&s->noise));
	free(take_ptr(&s->list));
}
