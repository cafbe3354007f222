#include "net/probe_backlog.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/mem.h"

enum {
	BURST_MOST = 256,
	SETTLE_LEAST_US = 300 * 1000, /* a lost FIN is sent again after 200 ms */
	DRAIN_US = 1000 * 1000,
	DRAIN_STEP_MS = 5,
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
	struct dial_how how = { .options = &m->how->attempt->options,
				.sources = m->how->attempt->sources.v,
				.n_sources = m->how->attempt->sources.n };
	int fd = dial_open(m->to, &how, f), r;

	if (fd < 0)
		return fd;
	/* An ordinary close would leave FIN_WAIT1 orphans that go on knocking. */
	probe_reset_on_close(fd);
	r = endpoint_connect(fd, m->to);
	if (r < 0 && r != -EINPROGRESS) {
		close_fd(fd);
		return fault(f, -r, "connect");
	}
	m->v = array_grow(m->v, m->n, &m->cap, sizeof(*m->v));
	m->v[m->n++] = (struct one){ .fd = fd };
	return 0;
}

/* Looks at one connection; true once its fate is known. */
static bool look(struct measuring *m, struct one *o)
{
	struct tcpinfo t;
	int err = 0;
	socklen_t len = sizeof(err);

	if (o->fate != FATE_PENDING)
		return true;
	if (!probe_read_tcp(o->fd, &t))
		return false;
	switch (t.state) {
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		if (t.rtt && !m->result->rtt_us)
			m->result->rtt_us = t.rtt;
		if (!o->sent_fin)
			shutdown(o->fd, SHUT_WR);
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
static void settle(struct measuring *m, size_t from)
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
}

static uint64_t count(const struct measuring *m, size_t from, enum fate fate)
{
	uint64_t n = 0;

	for (; from < m->n; from++)
		n += m->v[from].fate == fate;
	return n;
}

/* New connections that are taken while the queue is full: the server accepts so fast. A
 * stalled one would wait a second for its SYN: always new sockets. */
static void watch_drain(struct measuring *m)
{
	uint64_t begun = clock_us(), took;
	struct fault f = FAULT_INIT;
	size_t from = m->n;

	while ((took = clock_us() - begun) < DRAIN_US) {
		size_t i;

		if (m->n - from < m->how->max && open_one(m, &f) < 0)
			break;
		poll(NULL, 0, DRAIN_STEP_MS);
		for (i = from; i < m->n; i++)
			look(m, &m->v[i]);
	}
	if (took)
		m->result->accepts_per_second = (double)count(m, from, FATE_HELD) * 1e6 /
						(double)took;
}

static int burst(struct measuring *m, size_t size, struct fault *f)
{
	size_t i;
	int r = 0;

	for (i = 0; i < size && r == 0; i++)
		r = open_one(m, f);
	return m->n ? 0 : r;
}

int backlog_measure(const struct endpoint *to, const struct backlog_how *how,
		    struct backlog_result *result, struct fault *f)
{
	struct measuring m = { .to = to, .how = how, .result = result };
	size_t size = 1, from, i;
	bool evidence = false;
	uint64_t taken;
	int r = 0;

	*result = (struct backlog_result){ 0 };
	while (m.n < how->max) {
		from = m.n;
		r = burst(&m, MIN(size, (size_t)(how->max - m.n)), f);
		if (r < 0 || m.n == from)
			break;
		settle(&m, from);
		taken = count(&m, from, FATE_HELD);
		if (!evidence && taken < m.n - from) {
			evidence = true;
			result->first_held = count(&m, 0, FATE_HELD);
		}
		/* A group of listeners fills one by one: only a burst of which nothing
		 * is taken says that all are full. */
		if (!taken) {
			result->full = true;
			break;
		}
		size = evidence ? MIN(size, (size_t)16)
				: MIN(size * 2, (size_t)BURST_MOST);
	}
	result->held = count(&m, 0, FATE_HELD);
	result->ghosts = count(&m, 0, FATE_GHOST);
	result->silent = count(&m, 0, FATE_SILENT);
	result->refused = count(&m, 0, FATE_REFUSED);
	if (!evidence)
		result->first_held = result->held;
	if (result->full && result->held)
		watch_drain(&m);
	for (i = 0; i < m.n; i++)
		close_fd(m.v[i].fd);
	free(m.v);
	return r;
}
