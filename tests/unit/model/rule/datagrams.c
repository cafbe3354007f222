/* Unix datagram sockets that nobody reads, and readers that are at work. */
#include "unit/model/rule/rows.h"

enum { SENDERS = 3 };

static struct sock receiver(uint32_t recv_queue)
{
	static const char path[] = "/dev/log";
	struct sock s = row(STATE_CLOSE, (struct addr){ 0 }, (struct addr){ 0 });

	s.proto = PROTO_UNIX_DGRAM;
	s.family = AF_UNIX;
	s.path = (struct blob){ path, sizeof(path) - 1 };
	s.recv_queue = recv_queue;
	return s;
}

static void rows_kept(void)
{
	struct detect d;
	struct sock s = receiver(0);
	size_t i;

	begin(&d);
	detect_row(&d, &s);
	CHECK_INT(d.receivers.n, 0);
	s.recv_queue = 1;
	s.inode = 0;
	detect_row(&d, &s);
	CHECK_INT(d.receivers.n, 0);
	for (i = 0; i < 1000; i++) {
		s = receiver(7);
		detect_row(&d, &s);
	}
	CHECK_INT(d.receivers.n, 256);
	CHECK_INT(d.receivers.count, 1000);
	CHECK_INT(d.listeners.n, 0);
	detect_free(&d);
}

static void verdicts(void)
{
	static const struct {
		uint32_t queued[2], interval_ms, unseen;
		int stand;
		char state;
		int severity; /* -1 = silent */
	} rows[] = {
		{ { 7, 7 }, 1000, 0, 2, 'S', SEVERITY_WARNING },
		{ { 7, 7 }, 1000, 5, 2, 'R', SEVERITY_WARNING },
		{ { 7, 9 }, 1000, 0, 1, 'T', SEVERITY_WARNING },
		/* Not for long enough, and it may run. */
		{ { 7, 7 }, 999, 0, 2, 'S', -1 },
		{ { 7, 7 }, 1000, 0, 0, 'S', -1 },
		{ { 7, 7 }, 1000, 3, 0, 'R', -1 },
		/* It cannot. */
		{ { 7, 7 }, 200, 0, 0, 'T', SEVERITY_NOTE },
		{ { 7, 7 }, 200, 2, 0, 't', SEVERITY_NOTE },
		{ { 7, 0 }, 200, 0, 0, 'T', -1 },
		{ { 7, 7 }, 0, 0, 0, 'T', -1 },
	};
	const struct holder reader = { .pid = 5, .fd = 3, .command = "logd" };
	struct holder writers[SENDERS];
	struct detect d;
	struct sock s = receiver(7);
	size_t i, k;

	begin(&d);
	detect_row(&d, &s);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct acceptor actor = { .holder = &reader };
		struct sender senders[SENDERS];
		struct process_facts p = { .pid = 5, .command = "logd" };
		struct receiver_facts to = { .senders = senders, .n_senders = SENDERS };
		struct evidence e = { .interval_ms = rows[i].interval_ms,
				      .receivers = &to,
				      .n_receivers = 1,
				      .processes = &p,
				      .n_processes = 1 };

		for (k = 0; k < SENDERS; k++) {
			writers[k] = (struct holder){ .pid = 10 + (int32_t)k,
						      .fd = 4,
						      .command = "app" };
			senders[k] = (struct sender){ .holder = &writers[k],
						      .stands = (int)k < rows[i].stand };
		}
		p.doing.state = rows[i].state;
		p.doing.halt.by = rows[i].state == 'T'	 ? HALT_STOPPED
				  : rows[i].state == 't' ? HALT_TRACED
							 : HALT_NONE;
		to.unseen = rows[i].unseen;
		to.l = (struct listener_facts){ .row = d.receivers.v[0],
						.queued = { rows[i].queued[0],
							    rows[i].queued[1] },
						.read = { true, true },
						.suspect = true,
						.holders = &reader,
						.acceptors = &actor,
						.n_acceptors = 1 };
		printf("# row %zu\n", i);
		check_found(&d, &e, rows[i].severity < 0 ? NULL : "unread-datagrams",
			    (enum severity)rows[i].severity);
		if (rows[i].severity >= 0)
			CHECK_INT(figure(&d, &e, "waiting"),
				  rows[i].stand || !rows[i].unseen ? rows[i].stand : -1);
	}
	detect_free(&d);
}

int main(void)
{
	RUN(rows_kept, "rows that are kept");
	RUN(verdicts, "senders that stand, and a reader that cannot run");
	return unit_done();
}
