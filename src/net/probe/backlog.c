#include "net/probe/backlog.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"
#include "net/socket/tcp.h"

enum {
	BURST_MOST = 256,
	SETTLE_LEAST_US = 300 * 1000, /* a lost FIN is sent again after 200 ms */
	FILL_STEP_US = 5 * 1000,
	FILL_LEAST = 16, /* of a step: finds the listener of a group that has room */
	FILL_BURST_MOST = 64,
	FILL_GROUP_US = 100 * 1000, /* every listener of a group was found by then */
	FILL_IDLE = 2,
	FILL_QUIET_US = 1000 * 1000, /* nothing taken for so long: it does not accept */
	FILL_MOST_US = 2000 * 1000,
};

enum fate { FATE_PENDING, FATE_HELD, FATE_GHOST, FATE_SILENT, FATE_REFUSED };

struct one {
	int fd;
	bool sent_fin;
	enum fate fate;
};

struct measuring {
	const struct endpoint *to;
	const struct backlog_how *how;
	struct backlog_result *result;
	struct one *v;
	size_t n, cap;
};

static int open_one(struct measuring *m, struct fault *f)
{
	struct dial_how how = attempt_dial_how(m->how->attempt);
	int fd = dial_open(m->to, &how, f), r;

	if (fd < 0)
		return fd;
	/* An ordinary close would leave FIN_WAIT1 orphans that go on knocking. */
	endpoint_reset_on_close(fd);
	r = endpoint_connect(fd, m->to);
	if (r < 0 && r != -EINPROGRESS) {
		close_fd(fd);
		m->result->unconnected = m->n ? 0 : -r;
		return fault(f, -r, "connect");
	}
	m->v = array_grow(m->v, m->n, &m->cap, sizeof(*m->v));
	m->v[m->n++] = (struct one){ .fd = fd };
	return 0;
}

/* One more could not be opened. A refusal is the server's word, the rest is ours. */
static void note_stop(struct measuring *m, int r)
{
	if (r < 0 && r != -ECONNREFUSED)
		m->result->stopped = -r;
}

/* Looks at one connection; true once its fate is known. */
static bool look(struct measuring *m, struct one *o)
{
	struct tcpinfo t;
	int err = 0;
	socklen_t len = sizeof(err);

	if (o->fate != FATE_PENDING)
		return true;
	if (!tcp_read(o->fd, &t))
		return false;
	switch (t.state) {
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		if (t.rtt && !m->result->rtt_us)
			m->result->rtt_us = t.rtt;
		/* Without our end it cannot be known whether it is held. */
		if (!o->sent_fin && shutdown(o->fd, SHUT_WR) != 0 && errno != ENOTCONN) {
			note_stop(m, -errno);
			m->result->unshut = true;
			return false;
		}
		o->sent_fin = true;
		return false;
	case TCP_FIN_WAIT2:
	case TCP_TIME_WAIT:
	case TCP_CLOSING:
		o->fate = FATE_HELD;
		return true;
	case TCP_CLOSE:
		getsockopt(o->fd, SOL_SOCKET, SO_ERROR, &err, &len);
		/* With both sides closed in order nothing is left either. */
		o->fate = err || !o->sent_fin ? FATE_REFUSED : FATE_HELD;
		return true;
	default:
		return false;
	}
}

/* Waits for the fates of v[from..]; what is open then is silent, or a ghost. */
static void await_fates(struct measuring *m, size_t from)
{
	uint64_t begun = clock_us(), patience;
	size_t i, pending;

	for (;;) {
		for (pending = 0, i = from; i < m->n; i++)
			pending += !look(m, &m->v[i]);
		patience = MAX((uint64_t)SETTLE_LEAST_US,
			       (uint64_t)m->result->rtt_us * 10);
		if (!pending || clock_us() - begun > patience)
			break;
		poll(NULL, 0, 1);
	}
	for (i = from; i < m->n; i++)
		if (m->v[i].fate == FATE_PENDING)
			m->v[i].fate = m->v[i].sent_fin ? FATE_GHOST : FATE_SILENT;
	/* They would go on knocking, and take the places of those that are counted later.
	 */
	for (i = from; i < m->n; i++)
		if (m->v[i].fate != FATE_HELD)
			close_fd(take_fd(&m->v[i].fd));
}

static uint64_t count(const struct measuring *m, size_t from, enum fate fate)
{
	uint64_t n = 0;

	for (; from < m->n; from++)
		n += m->v[from].fate == fate;
	return n;
}

/*
 * After the first that was not taken: more and more, in steps, for two seconds at most.
 * A group of listeners fills one by one, and then nothing is taken for a second. A server
 * that accepts goes on taking: each step opens more than there is room for, so the queue
 * is full again after it, and what was taken between two such moments was accepted in
 * between. Always new sockets: one that is not taken would wait a second for its next
 * SYN.
 */
struct filling {
	size_t first; /* that may still be pending */
	uint64_t held, last_take_us;
	uint64_t full_us,
		full_held; /* since when, and with how many, the queue was full */
	uint64_t last_full_us, last_full_held;
};

/* What was opened before this step had its time. */
static void give_up_silent(struct measuring *m, size_t from, size_t to)
{
	for (; from < to; from++)
		if (m->v[from].fate == FATE_PENDING && !m->v[from].sent_fin) {
			m->v[from].fate = FATE_SILENT;
			close_fd(take_fd(&m->v[from].fd));
		}
}

/* Opens `size` more and looks after a while; false if not all could be opened. */
static bool fill_step(struct measuring *m, struct filling *x, uint64_t size)
{
	uint64_t wait = MAX((uint64_t)FILL_STEP_US, m->result->rtt_us * (uint64_t)3);
	struct fault f = FAULT_INIT;
	size_t begun = m->n, i;
	uint64_t held;
	int r = 0;

	while (r == 0 && m->n - begun < size)
		r = open_one(m, &f);
	note_stop(m, r);
	poll(NULL, 0, (int)(wait / 1000));
	for (i = x->first; i < m->n; i++)
		look(m, &m->v[i]);
	give_up_silent(m, x->first, begun);
	while (x->first < m->n && m->v[x->first].fate != FATE_PENDING)
		x->first++;
	held = count(m, 0, FATE_HELD);
	m->result->full = held - x->held < m->n - begun;
	if (held > x->held)
		x->last_take_us = clock_us();
	x->held = held;
	return r == 0;
}

static void fill(struct measuring *m)
{
	uint64_t begun = clock_us(), now = begun, before, taken, size = FILL_LEAST;
	struct filling x = { .first = m->n,
			     .held = count(m, 0, FATE_HELD),
			     .last_take_us = begun };

	while (x.held < m->how->max && now - begun < FILL_MOST_US &&
	       now - x.last_take_us < FILL_QUIET_US) {
		before = x.held;
		/* What is pending may still be taken, and counts against the limit. */
		taken = MIN(x.held + count(m, x.first, FATE_PENDING), m->how->max);
		if (!fill_step(m, &x, MIN(size, m->how->max - taken)))
			break;
		now = clock_us();
		size = MAX((x.held - before) * 2, (uint64_t)FILL_LEAST);
		size = MIN(size, (uint64_t)FILL_BURST_MOST);
		/* The rest of the second is to see whether it accepts at all. */
		if (now - x.last_take_us > FILL_GROUP_US)
			size = FILL_IDLE;
		if (!m->result->full) {
			x.full_us = 0;
			continue;
		}
		/* The first second may have been the filling of a group. */
		if (!x.full_us || (now - begun < FILL_QUIET_US && x.held > before))
			x.full_us = now, x.full_held = x.held;
		x.last_full_us = now;
		x.last_full_held = x.held;
	}
	/* What was taken before the descriptors were used up is no pace. */
	if (!m->result->stopped && x.full_us && x.last_full_us > x.full_us)
		m->result->accepts_per_second = (double)(x.last_full_held - x.full_held) *
						1e6 /
						(double)(x.last_full_us - x.full_us);
}

static int burst(struct measuring *m, size_t size, struct fault *f)
{
	size_t i;
	int r = 0;

	for (i = 0; i < size && r == 0; i++)
		r = open_one(m, f);
	if (m->n)
		note_stop(m, r);
	return m->n ? 0 : r;
}

/* The kernel here says itself when a unix queue is full, at once and for certain. */
static int unix_take(struct measuring *m, uint64_t most, struct fault *f)
{
	uint64_t i;
	int r;

	for (i = 0; i < most; i++) {
		r = open_one(m, f);
		if (r == -EAGAIN) {
			m->result->full = true;
			return 0;
		}
		if (r == -ECONNREFUSED && m->n == 0) {
			m->result->refused = 1;
			return 0;
		}
		if (r < 0 && m->n) {
			note_stop(m, r);
			return 0;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int measure_unix(struct measuring *m, struct fault *f)
{
	struct backlog_result *result = m->result;
	uint64_t begun, held;
	int r = unix_take(m, m->how->max, f);

	held = result->held = result->first_held = m->n;
	if (r < 0 || !result->full)
		return r;
	begun = clock_us();
	while (r == 0 && !result->stopped && clock_us() - begun < FILL_QUIET_US &&
	       m->n < held + m->how->max) {
		poll(NULL, 0, FILL_STEP_US / 1000);
		r = unix_take(m, held + m->how->max - m->n, f);
	}
	if (r < 0 || result->stopped)
		return r;
	result->accepts_per_second = (double)(m->n - held) * 1e6 /
				     (double)(clock_us() - begun);
	return r;
}

static int measure_tcp(struct measuring *m, struct fault *f)
{
	struct backlog_result *result = m->result;
	size_t size = 1, from;
	bool stalled = false;
	int r = 0;

	for (; m->n < m->how->max && !stalled && !result->stopped;
	     size = MIN(size * 2, (size_t)BURST_MOST)) {
		from = m->n;
		r = burst(m, MIN(size, (size_t)(m->how->max - m->n)), f);
		if (r < 0 || m->n == from)
			break;
		await_fates(m, from);
		stalled = count(m, from, FATE_HELD) < m->n - from;
	}
	result->full = stalled;
	while (result->first_held < m->n && m->v[result->first_held].fate == FATE_HELD)
		result->first_held++;
	if (stalled && result->first_held && !result->stopped)
		fill(m);
	if (result->unshut)
		result->full = false;
	result->held = count(m, 0, FATE_HELD);
	result->ghosts = count(m, 0, FATE_GHOST);
	result->silent = count(m, 0, FATE_SILENT);
	result->refused = count(m, 0, FATE_REFUSED);
	for (from = 0; from < m->n; from++)
		if (m->v[from].fate == FATE_PENDING && m->v[from].sent_fin)
			result->ghosts++;
		else if (m->v[from].fate == FATE_PENDING)
			result->silent++;
	return r;
}

int backlog_measure(const struct endpoint *to, const struct backlog_how *how,
		    struct backlog_result *result, struct fault *f)
{
	struct measuring m = { .to = to, .how = how, .result = result };
	size_t i;
	int r;

	*result = (struct backlog_result){ .accepts_per_second = -1 };
	r = to->family == AF_UNIX ? measure_unix(&m, f) : measure_tcp(&m, f);
	for (i = 0; i < m.n; i++)
		if (m.v[i].fd >= 0)
			close_fd(m.v[i].fd);
	free(m.v);
	return r;
}
