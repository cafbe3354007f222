#include "net/probe/attempt_udp.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/probe/attempt_private.h"
#include "net/socket/bind.h"
#include "net/socket/errqueue.h"

/* What common services answer to: an empty datagram is for those that answer anything. */
static const char dns_query[] = "\x53\x6b\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				"\x00\x00\x02\x00\x01"; /* NS of the root */
static const char ntp_query[48] = "\x23";

void probe_udp_payload(const struct buf *send, uint16_t port, const void **data,
		       size_t *len)
{
	*data = "";
	*len = 0;
	if (send) {
		*data = send->data;
		*len = send->len;
	} else if (port == 53 || port == 5353) {
		*data = dns_query;
		*len = sizeof(dns_query) - 1;
	} else if (port == 123) {
		*data = ntp_query;
		*len = sizeof(ntp_query);
	}
}

/* --- the addresses of a name, one after the other --- */

/* How much it says of a name with several addresses. A silence outweighs what another
 * refused: it may be a server that does not answer this. */
static int weight(const struct probe_result *r)
{
	switch (outcome_verdict(r->outcome)) {
	case VERDICT_YES:
		return 4;
	case VERDICT_SILENCE:
		return 2;
	case VERDICT_NO:
		return r->outcome == OUTCOME_UNEXPECTED ? 3 : 1;
	case VERDICT_NONE:
	case VERDICT_NAME:
	case VERDICT_CANNOT:
		break;
	}
	return 0;
}

static void keep_verdict(struct attempt *a)
{
	tried_add(&a->tried, a->r);
	if (a->before && weight(a->before) > weight(a->r))
		return;
	if (!a->before)
		a->before = xmalloc(sizeof(*a->before));
	*a->before = *a->r;
}

/* Connected UDP learns only now that nothing is there: goes on to the next address of the
 * name, as a dial does. False if there is none. */
static bool next_address(struct attempt *a)
{
	struct endpoint_list *list = &a->list;
	size_t i = 0;

	while (i < list->n && !endpoint_same(&list->v[i], &a->r->peer))
		i++;
	if (i == list->n || list->n < 2 || clock_us() >= a->deadline_us)
		return false;
	keep_verdict(a);
	list->n--;
	memmove(&list->v[i], &list->v[i + 1], (list->n - i) * sizeof(*list->v));
	timer_stop(a->l, &a->t);
	watch_remove(a->l, &a->w);
	close_fd(take_fd(&a->w.fd));
	a->sends = 0;
	a->left = 0;
	a->full = 0;
	/* The verdict so far stands if nothing can be sent to the others. */
	a->judged = true;
	a->dial_again(a);
	return true;
}

/* This address has its verdict, and it is not open. */
static void udp_over(struct attempt *a)
{
	if (next_address(a))
		return;
	if (a->several)
		keep_verdict(a);
	if (a->before)
		*a->r = *a->before;
	attempt_finish(a);
}

static void udp_failed(struct attempt *a, int err, bool at_once)
{
	a->r->connect_us = clock_us() - a->opened_us;
	probe_judge_failure(a->r, a->w.fd, err, at_once);
	probe_ask_neighbour(a->r, a->w.fd, a->how->neighbour);
	probe_ask_source(a->r, a->w.fd, a->how->source);
	/* A reset does not exist here: the port is closed, in ICMP's words or none. */
	if (a->r->outcome == OUTCOME_REFUSED)
		a->r->outcome = OUTCOME_REFUSED_ICMP;
	udp_over(a);
}

static void udp_silent(struct attempt *a)
{
	struct probe_result *r = a->r;

	r->connect_us = clock_us() - a->opened_us;
	if (!a->left && a->full) {
		probe_judge_unsent(r, a->full);
	} else {
		r->outcome = r->first_byte_us || r->answered_from.family
				     ? OUTCOME_UNEXPECTED
				     : OUTCOME_OPEN_OR_FILTERED;
		probe_ask_neighbour(r, a->w.fd, a->how->neighbour);
	}
	udp_over(a);
}

/*
 * connect() has found the way and the source; from here on the socket takes what comes
 * from any address. A server that is bound to the wildcard may answer from another one of
 * its host, which a connected socket refuses unseen. 0, or -errno with a fault.
 */
static int take_from_all(struct attempt *a, struct fault *f)
{
	struct endpoint asked, local;
	struct addr from;
	int fd;

	a->asked.family = 0;
	if (endpoint_peer(a->w.fd, &a->r->peer, &asked) < 0 ||
	    endpoint_local(a->w.fd, &a->r->peer, &local) < 0 ||
	    !endpoint_addr(&local, &from))
		return 0;
	/* Its port may be the one that was asked for. */
	close_fd(take_fd(&a->w.fd));
	fd = dial_open(&a->r->peer, &a->dial_how, f);
	if (fd < 0)
		return fd;
	a->w.fd = fd;
	errqueue_want(fd, a->r->peer.family);
	if (!a->dial_how.n_sources && endpoint_bind(fd, &local, NULL, NULL) < 0) {
		from.port = 0;
		endpoint_from_addr(&local, a->r->peer.proto, &from);
		endpoint_bind(fd, &local, NULL, NULL);
	}
	endpoint_local(fd, &a->r->peer, &a->r->local);
	if (endpoint_addr(&asked, &a->asked))
		a->to = asked;
	a->asked = addr_unmapped(&a->asked);
	return 0;
}

static ssize_t send_datagram(const struct attempt *a, const void *data, size_t len)
{
	const struct sockaddr *to = (const struct sockaddr *)(const void *)&a->to.ss;

	return a->asked.family ? sendto(a->w.fd, data, len, MSG_NOSIGNAL, to, a->to.len)
			       : send(a->w.fd, data, len, MSG_NOSIGNAL);
}

static void udp_send(struct attempt *a)
{
	struct addr to = { 0 };
	const void *data;
	size_t len;

	endpoint_addr(&a->r->peer, &to);
	probe_udp_payload(a->how->send, to.port, &data, &len);
	a->sends++;
	if (send_datagram(a, data, len) >= 0) {
		a->left++;
	} else if (errno == EAGAIN || errno == ENOBUFS) {
		a->full = errno;
	} else {
		/* An answer to the datagram before comes out here, too. */
		int err = errno;

		udp_failed(a, err, a->sends == 1 && err != ECONNREFUSED);
		return;
	}
	timer_set(a->l, &a->t,
		  a->sends < ATTEMPT_SENDS
			  ? a->opened_us + a->turn_us * a->sends / ATTEMPT_SENDS
			  : a->opened_us + a->turn_us);
}

/* One datagram from the address that was asked; of others the first is noted. */
static ssize_t take_datagram(struct attempt *a)
{
	enum { OTHERS_MOST = 64 };
	struct sockaddr_storage ss;
	struct addr from;
	ssize_t n = -1;
	unsigned i;

	for (i = 0; i < OTHERS_MOST; i++) {
		socklen_t len = sizeof(ss);

		n = recvfrom(a->w.fd, a->in.data, 65536, MSG_DONTWAIT,
			     (struct sockaddr *)(void *)&ss, &len);
		if (n < 0 || !a->asked.family ||
		    !addr_from_sockaddr(&from, (const struct sockaddr *)(void *)&ss, len))
			return n;
		from = addr_unmapped(&from);
		if (addr_same_end(&from, &a->asked))
			return n;
		if (!a->r->answered_from.family)
			a->r->answered_from = from;
	}
	errno = EAGAIN;
	return -1;
}

/* One datagram; true if the attempt is over. */
static bool udp_receive(struct attempt *a)
{
	ssize_t n;

	buf_reserve(&a->in, 65536);
	n = take_datagram(a);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0) {
		udp_failed(a, errno, false);
		return true;
	}
	a->in.len = (size_t)n;
	a->r->first_byte_us = MAX(clock_us() - a->opened_us, (uint64_t)1);
	a->r->connect_us = a->r->first_byte_us;
	/* Any datagram proves it is open, unless a certain one was wanted. */
	if ((a->how->expect || a->how->expect_regex) && !attempt_answered(a))
		return false;
	a->r->missed = NULL;
	a->r->outcome = OUTCOME_OPEN;
	if (a->how->hold && a->asked.family)
		endpoint_connect(a->w.fd, &a->to);
	attempt_finish(a);
	return true;
}

static void udp_ready(struct loop *l, struct watch *w, uint32_t events)
{
	struct attempt *a = LOOP_OWNER(w, struct attempt, w);
	int err = 0;
	socklen_t error_len = sizeof(err);

	(void)l;
	if (events & EPOLLERR) {
		getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &err, &error_len);
		if (err) {
			udp_failed(a, err, false);
			return;
		}
		/* Only the queue may have it (a host unreachable). */
		if (errqueue_take(w->fd, &a->r->icmp, NULL, &err)) {
			udp_failed(a, err, false);
			return;
		}
	}
	if (events & EPOLLIN)
		udp_receive(a);
}

static void udp_timer(struct loop *l, struct timer *t)
{
	struct attempt *a = LOOP_OWNER(t, struct attempt, t);

	(void)l;
	if (a->sends < ATTEMPT_SENDS) {
		udp_send(a);
		return;
	}
	/* What came in time and waits behind the bytes of others counts. */
	if (udp_receive(a))
		return;
	/* Who has answered, though not as expected, is not left for another. */
	if (a->r->first_byte_us && clock_us() < a->deadline_us)
		timer_set(a->l, &a->t, a->deadline_us);
	else
		udp_silent(a);
}

void attempt_udp_start(struct attempt *a)
{
	uint64_t left = a->deadline_us - MIN(a->deadline_us, a->opened_us);
	struct fault f = FAULT_INIT;

	if (take_from_all(a, &f) < 0) {
		probe_judge_fault(a->r, &f);
		attempt_finish(a);
		return;
	}

	/* What is left of the time is shared among the addresses that are. */
	a->turn_us = left / MAX(a->list.n, (size_t)1);
	a->stage = ATTEMPT_TALKING;
	a->w.fn = udp_ready;
	a->t.fn = udp_timer;
	attempt_watch(a, EPOLLIN);
	if (a->stage == ATTEMPT_TALKING)
		udp_send(a);
}
