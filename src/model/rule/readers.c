/* Programs that do not read what came for them, or read it slowly. */
#include "model/rule/rules_private.h"
#include "model/rule/standstill_private.h"

enum {
	READER_PERCENT = 80, /* of the receive buffer */
	READER_LEAST_BYTES = 1024,
	REQUESTS_LEAST = 8,    /* accepted connections of one process */
	REQUEST_AGE_MS = 3000, /* each waits for so long */
	MOST_PLACES = 3,       /* of one process: with more the trouble is its own */
};

static uint32_t since_received(const struct connection_facts *c)
{
	return c->received_ms;
}

static uint64_t unread_bytes(const struct group *g)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < g->n; i++)
		bytes += g->v[i]->recv[1];
	return bytes;
}

static bool has_unread(const struct sock *s)
{
	return s->recv_queue && s->inode;
}

/* What a process opened itself may lie unread for ever: who only writes by TLS never
 * reads the session tickets. */
static bool suspect_request(const struct connection_facts *c)
{
	return c->read[0] && c->recv[0] && c->has_listener &&
	       c->received_ms >= REQUEST_AGE_MS;
}

static unsigned request_kind(struct inquiry *q, const struct connection_facts *c)
{
	return reader_does(q, c) == READER_STANDS;
}

static void requests_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_unread_requests, g);
	uint16_t port = g->v[0]->row->local.port;
	bool other = false;
	size_t i;

	for (i = 0; i < g->n; i++)
		other |= g->v[i]->row->local.port != port;
	say(q, "%zu connections that port %u%s accepted, ", g->n, port,
	    other ? " and others" : "");
	finding_put_holders(q, g->holders);
	f->where = finding_text(q);
	say(q, "%ju bytes wait in RECV-Q, the oldest for ", (uintmax_t)unread_bytes(g));
	buf_put_duration(&q->text, g->oldest->received_ms);
	say(q, ", and the program read none between two readings %u ms apart.\nFrom ",
	    q->e->interval_ms);
	finding_put_places(q, g);
	buf_putc(&q->text, '.');
	f->summary = finding_text(q);
	if (g->holders)
		f->advice = advise_reader(q, g->holders);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "recv_queue_bytes", unread_bytes(g), true);
	finding_figure(f, "last_received_ms", g->oldest->received_ms,
		       g->oldest->has_info);
}

static void judge_requests(struct inquiry *q)
{
	static const struct grouping by = { .kind = request_kind,
					    .age = since_received,
					    .anywhere = true,
					    .least = REQUESTS_LEAST,
					    .tell = requests_finding };

	finding_judge_groups(q, &rule_unread_requests, &by);
}

static uint32_t watch_reader(const struct connection_facts *c)
{
	(void)c;
	return WATCH_MS;
}

const struct rule rule_unread_requests = {
	.id = "unread-requests",
	.severity = SEVERITY_WARNING,
	.meaning =
		"A server has accepted connections and does not read what their clients sent: it is "
		"stopped, or busy with something else. To its clients it looks connected and silent.",
	.advice = "See what the program waits for instead of reading.",
	.threshold =
		"# accepted connections of one process, each with unread data for #, and nothing read "
		"within #; not where the program waits to send to somebody else, or has read before "
		"and runs",
	.numbers = { COUNT(REQUESTS_LEAST), MS(REQUEST_AGE_MS), MS(WATCH_MS) },
	.candidate = has_unread,
	.rows = STATES_WITH_DATA,
	.queued = true,
	.least = REQUESTS_LEAST,
	.look = LOOK_STATE,
	.look_ends = true,
	.suspect = suspect_request,
	.again = AGAIN_EACH,
	.stands = reads_nothing,
	.watch = watch_reader,
	.outlets = true,
	.judge = judge_requests,
};

/* One cause, one finding. */
static bool is_told(const struct inquiry *q, const struct connection_facts *c)
{
	size_t i, k;

	for (i = 0; i < q->fs->n; i++)
		for (k = 0; q->fs->v[i]->rule == &rule_unread_requests &&
			    k < q->fs->v[i]->n_cookies;
		     k++)
			if (q->fs->v[i]->cookies[k] == c->row->cookie)
				return true;
	return false;
}

static unsigned reader_kind(struct inquiry *q, const struct connection_facts *c)
{
	return reader_does(q, c) == READER_STANDS && !is_told(q, c);
}

static bool suspect_sends_nothing(const struct connection_facts *c)
{
	return c->suspect && sends_nothing(c);
}

/* The sender on this host that waits for the longest of them, if there is one. */
static const struct connection_facts *sender_to(const struct inquiry *q,
						const struct group *g)
{
	struct candidates senders = all_senders(q);
	const struct connection_facts *s = other_end(g->oldest, &senders,
						     suspect_sends_nothing);
	size_t i;

	for (i = 0; i < g->n && !s; i++)
		s = other_end(g->v[i], &senders, suspect_sends_nothing);
	return s;
}

static void put_unread(struct inquiry *q, const struct group *g)
{
	const struct connection_facts *c = g->oldest;

	say(q,
	    "%ju bytes wait in RECV-Q and the program read none between two readings %u "
	    "ms apart; ",
	    (uintmax_t)unread_bytes(g), q->e->interval_ms);
	if (g->n > 1)
		buf_puts(&q->text, "of the oldest ");
	say(q, "%u of %u bytes of its receive buffer are in use. Data last came ",
	    c->rmem[1], c->rcvbuf);
	buf_put_duration(&q->text, c->received_ms);
	say(q, " ago.");
	if (c->has_windows && !c->rcv_wnd)
		say(q, "\nThe window is closed: the peer cannot send.");
}

static void reader_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_stuck_reader, g);
	const struct connection_facts *c = g->oldest, *sender = sender_to(q, g);

	put_unread(q, g);
	if (sender) {
		say(q, "\n%u bytes wait for it in the SEND-Q of ", sender->send[1]);
		finding_put_holders(q, sender->holders);
		buf_putc(&q->text, '.');
	}
	f->summary = finding_text(q);
	if (g->holders)
		f->advice = advise_reader(q, g->holders);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "recv_queue_bytes", unread_bytes(g), true);
	finding_figure(f, "receive_buffer_bytes", c->rcvbuf, c->has_mem);
	finding_figure(f, "receive_memory_bytes", c->rmem[1], c->has_mem);
	finding_figure(f, "receive_window_bytes", c->rcv_wnd, c->has_windows);
	finding_figure(f, "last_received_ms", c->received_ms, c->has_info);
	finding_figure(f, "peer_send_queue_bytes", sender ? sender->send[1] : 0, sender);
}

static void judge_readers(struct inquiry *q)
{
	static const struct grouping by = { .kind = reader_kind,
					    .age = since_received,
					    .most_places = MOST_PLACES,
					    .tell = reader_finding };

	finding_judge_groups(q, &rule_stuck_reader, &by);
}

static bool may_be_stuck_reading(const struct sock *s)
{
	return s->recv_queue >= READER_LEAST_BYTES && s->inode;
}

static bool suspect_reader(const struct connection_facts *c)
{
	uint64_t least = (uint64_t)c->rcvbuf * READER_PERCENT;

	return c->read[0] && c->received_ms >= STUCK_AGE_MS &&
	       ((c->has_mem && c->rmem[0] * 100ull >= least) ||
		(c->has_windows && !c->rcv_wnd));
}

const struct rule rule_stuck_reader = {
	.id = "stuck-reader",
	.severity = SEVERITY_WARNING,
	.meaning =
		"The receive buffer is full and the program does not read: the window is closed, the "
		"peer cannot send.",
	.advice = "See what the program waits for instead of reading.",
	.threshold =
		"# of the receive buffer or a closed window, at least # bytes, no data for #, and "
		"nothing read within #; not where the program waits to send to somebody else, or has "
		"read before and runs",
	.numbers = { PERCENT(READER_PERCENT), COUNT(READER_LEAST_BYTES), MS(STUCK_AGE_MS),
		     MS(WATCH_MS) },
	.candidate = may_be_stuck_reading,
	.rows = STATES_WITH_DATA,
	.queued = true,
	.look = LOOK_EACH,
	.suspect = suspect_reader,
	.again = AGAIN_EACH,
	.stands = reads_nothing,
	.watch = watch_reader,
	.outlets = true,
	.judge = judge_readers,
};

static unsigned slow_kind(struct inquiry *q, const struct connection_facts *c)
{
	enum reader_does does = reader_does(q, c);

	return does >= READER_IS_SLOW ? does : 0;
}

static uint64_t bytes_read(const struct connection_facts *c)
{
	return c->received[1] - c->received[0] + c->recv[0] - c->recv[1];
}

static void put_slow(struct inquiry *q, const struct group *g, uint64_t n)
{
	struct outlets to;

	switch ((enum reader_does)g->kind) {
	case READER_IS_SLOW:
		say(q, "the program read %ju in %u ms", (uintmax_t)n, q->e->interval_ms);
		finding_put_rate(q, n);
		buf_putc(&q->text, '.');
		return;
	case READER_PAUSES:
		buf_puts(&q->text, "data last came ");
		buf_put_duration(&q->text, g->oldest->received_ms);
		buf_puts(&q->text,
			 " ago. The program runs and has read before: it may read "
			 "at a limited rate.");
		return;
	case READER_PASSES_ON:
		passes_on(q, g->oldest, &to);
		say(q, "the program waits to send %ju to ", (uintmax_t)to.bytes);
		addr_put(&q->text, &to.peer);
		if (to.n > 1)
			say(q, " and %u more", to.n - 1);
		buf_puts(&q->text, ": it seems to pass on what it reads.");
		return;
	case READER_UNKNOWN:
	case READER_STANDS:
		return;
	}
}

static void slow_finding(struct inquiry *q, const struct group *g)
{
	struct finding *f = finding_of_group(q, &rule_slow_reader, g);
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < g->n; i++)
		n += bytes_read(g->v[i]);
	say(q, "%ju bytes wait in RECV-Q and ", (uintmax_t)unread_bytes(g));
	put_slow(q, g, n);
	f->summary = finding_text(q);
	finding_figure(f, "sockets", g->n, true);
	finding_figure(f, "recv_queue_bytes", unread_bytes(g), true);
	finding_figure(f, "bytes_per_second", finding_per_second(q, n), true);
	finding_figure(f, "last_received_ms", g->oldest->received_ms,
		       g->oldest->has_info);
}

static void judge_slow(struct inquiry *q)
{
	static const struct grouping by = { .kind = slow_kind,
					    .age = since_received,
					    .most_places = MOST_PLACES,
					    .tell = slow_finding };

	finding_judge_groups(q, &rule_stuck_reader, &by);
}

const struct rule rule_slow_reader = {
	.id = "slow-reader",
	.severity = SEVERITY_NOTE,
	.meaning =
		"The receive buffer is full because the program reads slowly: at a limited rate, or "
		"because it passes on what it reads to somebody who is slow.",
	.advice = "See what the program does between two reads if that is too slow.",
	.threshold =
		"# of the receive buffer or a closed window, and something is read within #; or the "
		"program has read before and runs, for less than #; or it waits to send",
	.numbers = { PERCENT(READER_PERCENT), MS(WATCH_MS), MS(PAUSE_MS) },
	.judge = judge_slow,
};

/* Unix datagram sockets, such as /dev/log, and who logs. */
enum { STALL_MS = 1000 }; /* nothing was read for so long */

static size_t count_standing(const struct receiver_facts *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->n_senders; i++)
		n += r->senders[i].stands;
	return n;
}

/* "logger[12], logger[13] and 5 more" */
static void put_standing(struct inquiry *q, const struct receiver_facts *r)
{
	const struct holder *first = NULL, **link = &first;
	size_t i;

	for (i = 0; i < r->n_senders; i++)
		if (r->senders[i].stands)
			holder_append(&q->fs->arena, &link, r->senders[i].holder);
	finding_put_processes(q, first);
}

static void put_waiting(struct inquiry *q, const struct receiver_facts *r, size_t n)
{
	say(q, "Its queue is full, and %zu process%s to send: ", n,
	    n == 1 ? " waits" : "es wait");
	put_standing(q, r);
	say(q,
	    ".\nNothing was read between two readings %u ms apart. Every program that "
	    "sends to it waits in send(), unless its socket is non-blocking.",
	    q->e->interval_ms);
}

static void unread_finding(struct inquiry *q, const struct receiver_facts *r,
			   size_t standing, size_t stopped)
{
	const struct listener_facts *l = &r->l;
	struct finding *f = finding_of_listener(q, &rule_unread_datagrams, l);

	finding_put_all_halted(q, l);
	if (standing) {
		put_waiting(q, r, standing);
	} else {
		f->severity = SEVERITY_NOTE;
		say(q, "A datagram of %u bytes waits to be read; %s.", l->queued[1],
		    r->unseen ? "whether anybody waits to send may not be read"
			      : "nobody waits to send yet");
	}
	finding_put_acceptors(q, l);
	f->summary = finding_text(q);
	finding_not_accepted(q, f, l);
	finding_figure(f, "waiting", standing, standing || !r->unseen);
	finding_figure(f, "connected", l->clients[0].len / sizeof(uint32_t), true);
	finding_figure(f, "next_datagram_bytes", l->queued[1], true);
	finding_figure(f, "stopped", stopped, l->n_acceptors);
}

static void judge_unread(struct inquiry *q)
{
	size_t i;

	for (i = 0; i < q->e->n_receivers; i++) {
		const struct receiver_facts *r = &q->e->receivers[i];
		size_t standing = q->e->interval_ms >= STALL_MS ? count_standing(r) : 0;
		size_t stopped = finding_count_actors(q, &r->l, true);

		/* Of a reader that may run, two readings of a queue are no standstill. */
		if (r->l.suspect && finding_read_twice(q, &r->l) && r->l.queued[1] &&
		    (standing ||
		     (stopped && stopped == finding_count_actors(q, &r->l, false))))
			unread_finding(q, r, standing, stopped);
	}
}

const struct rule rule_unread_datagrams = {
	.id = "unread-datagrams",
	.severity = SEVERITY_WARNING,
	.meaning =
		"A unix datagram socket, such as /dev/log, has a full queue and its program does not "
		"read: every program that sends to it waits in send(), and seems to hang.",
	.advice = "Find out what the program that should read does.",
	.threshold =
		"a process waits to send and does not go on for #; a note where no process waits to "
		"send, but a datagram is to be read and the program that should read cannot run",
	.numbers = { MS(STALL_MS) },
	.judge = judge_unread,
};
