/* From rows to suspects: which rows are candidates, and which of these stay suspect. */
#include "unit/model/rule/rows.h"

static void quiet_rows(void)
{
	struct detect d;
	struct sock s;
	int i;

	begin(&d);
	for (i = 0; i < 1000; i++) {
		s = row(STATE_ESTABLISHED, ip4(1, 80), ip4(2, (uint16_t)(1000 + i)));
		s.recv_queue = threshold("stuck-reader", 1) - 1;
		s.send_queue = 100000;
		s.timer = 1;
		s.retrans = (uint8_t)(threshold("stuck-sender", 0) - 1);
		detect_row(&d, &s);
	}
	/* A few bytes may be a request that nobody reads. */
	CHECK_INT(suspects(&d, "unread-requests")->count, 1000);
	suspects(&d, "unread-requests")->count = 0;
	/* Data on the way may be lost: the first of them are looked at. */
	CHECK_INT(suspects(&d, "lossy-path")->count, 1000);
	CHECK_INT(suspects(&d, "lossy-path")->n, 256);
	suspects(&d, "lossy-path")->count = 0;
	for (i = 0; i < RULES_MOST; i++)
		CHECK_INT(d.suspects[i].count, 0);
	CHECK_INT(d.n_destinations, 0); /* port 80 is not drawn */
	detect_free(&d);
}

static void candidates(void)
{
	struct detect d;
	struct sock s;

	begin(&d);
	s = row(STATE_ESTABLISHED, ip4(1, 80), ip4(2, 1));
	s.send_queue = 1;
	s.timer = 4;
	detect_row(&d, &s);
	s.inode = 0; /* un-accepted: nobody reads or sends */
	s.recv_queue = threshold("stuck-reader", 1);
	detect_row(&d, &s);
	s = row(STATE_CLOSE_WAIT, ip4(1, 80), ip4(2, 2));
	detect_row(&d, &s);
	s.inode = 0;
	detect_row(&d, &s);
	s = row(STATE_FIN_WAIT1, ip4(1, 80), ip4(2, 3));
	s.timer = 4;
	detect_row(&d, &s); /* owned: no orphan */
	s.inode = 0;
	detect_row(&d, &s);
	s = row(STATE_SYN_SENT, ip4(1, 40000), ip4(2, 3));
	detect_row(&d, &s);
	s.retrans = (uint8_t)threshold("syn-sent-unanswered", 0);
	detect_row(&d, &s);
	CHECK_INT(suspects(&d, "stuck-sender")->n, 1);
	CHECK_INT(suspects(&d, "stuck-reader")->n, 0);
	CHECK_INT(suspects(&d, "close-wait-leak")->n, 1);
	CHECK_INT(suspects(&d, "orphans")->n, 1);
	CHECK_INT(suspects(&d, "syn-sent-unanswered")->n, 1);
	detect_free(&d);
}

static void udp_candidates(void)
{
	uint32_t mem[SOCK_MEM_DROPS + 1] = { 0 };
	struct detect d;
	struct sock s;

	begin(&d);
	s = row(STATE_CLOSE, ip4(1, 53), ip4(0, 0));
	s.proto = PROTO_UDP;
	s.skmem = (struct blob){ mem, sizeof(mem) };
	detect_row(&d, &s);
	CHECK_INT(suspects(&d, "udp-drops")->n, 0);
	mem[SOCK_MEM_DROPS] = 1;
	detect_row(&d, &s);
	CHECK_INT(suspects(&d, "udp-drops")->n, 1);
	s.skmem.len = 8; /* an older kernel sends fewer numbers */
	detect_row(&d, &s);
	CHECK_INT(suspects(&d, "udp-drops")->n, 1);
	detect_free(&d);
}

static void many_listeners(void)
{
	struct detect d;
	struct sock s;
	int i;

	begin(&d);
	for (i = 0; i < MOST_SUSPECTS + 10; i++) {
		s = row(STATE_LISTEN, ip4(1, (uint16_t)(1000 + i)), ip4(0, 0));
		detect_row(&d, &s);
	}
	CHECK_INT(d.listeners.n, MOST_SUSPECTS);
	s = row(STATE_LISTEN, ip4(1, 60000), ip4(0, 0));
	s.recv_queue = 2; /* somebody waits */
	detect_row(&d, &s);
	CHECK_INT(d.listeners.n, MOST_SUSPECTS + 1);
	CHECK_INT(d.listeners.v[MOST_SUSPECTS]->local.port, 60000);
	detect_free(&d);
}

/* After the first look: who stays suspect, and which second reading that is worth. */
static void second_readings(void)
{
	struct connection_facts c[16] = { 0 };
	struct evidence e = { .limits = { .has_sockstat = true,
					  .has_tw_buckets = true,
					  .time_wait = 89,
					  .tw_buckets = 100 } };
	struct detect d;
	struct sock s;
	size_t i;

	begin(&d);
	CHECK_INT(rules_suspect(&d, &e), AGAIN_NEVER);
	e.connections[place_of("close-wait-leak")] = c;
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		s = row(STATE_CLOSE_WAIT, ip4(1, 80), ip4(2, 1));
		detect_row(&d, &s);
		c[i] = (struct connection_facts){ .read = { true },
						  .age_ms = MINUTE_MS + 1 };
	}
	CHECK_INT(rules_suspect(&d, &e), AGAIN_NEVER); /* it does not grow */
	CHECK(c[0].suspect);
	c[0].age_ms = MINUTE_MS;
	CHECK_INT(rules_suspect(&d, &e), AGAIN_GROWTH);
	c[0].age_ms = 999; /* fifteen are no leak */
	CHECK_INT(rules_suspect(&d, &e), AGAIN_NEVER);
	CHECK(!c[0].suspect);
	c[0].age_ms = 1000;
	c[1].read[0] = false; /* it is gone */
	CHECK_INT(rules_suspect(&d, &e), AGAIN_NEVER);
	c[1].read[0] = true;
	s = row(STATE_TIME_WAIT, ip4(1, 80), ip4(2, 1));
	detect_row(&d, &s);
	CHECK_INT(rules_suspect(&d, &e), AGAIN_GROWTH);
	e.limits.time_wait = 90;
	CHECK_INT(rules_suspect(&d, &e), AGAIN_EACH);
	detect_free(&d);
}

static void suspect_connections(void)
{
	struct connection_facts c = { .rcvbuf = 1000, .rmem = { 800 }, .has_mem = true };
	struct evidence e = { 0 };
	struct detect d;
	struct sock s;

	begin(&d);
	e.connections[place_of("stuck-reader")] = &c;
	s = row(STATE_ESTABLISHED, ip4(1, 80), ip4(2, 1));
	s.recv_queue = threshold("stuck-reader", 1);
	detect_row(&d, &s);
	CHECK_INT(rules_suspect(&d, &e), AGAIN_NEVER); /* it was not read */
	c.read[0] = true;
	c.received_ms = 999;
	CHECK_INT(rules_suspect(&d, &e), AGAIN_NEVER);
	c.received_ms = 1000;
	CHECK_INT(rules_suspect(&d, &e), AGAIN_EACH);
	c.rmem[0] = 799;
	CHECK_INT(rules_suspect(&d, &e), AGAIN_NEVER);
	c.has_windows = true; /* and it is closed */
	CHECK_INT(rules_suspect(&d, &e), AGAIN_EACH);
	c.rcv_wnd = 1;
	CHECK_INT(rules_suspect(&d, &e), AGAIN_NEVER);
	detect_free(&d);
}

static void suspect_listeners(void)
{
	struct evidence e = { .limits = { .syncookies = 1 } };
	struct sock listener = row(STATE_LISTEN, ip4(1, 80), ip4(0, 0)), s;
	struct listener_facts l = { .row = &listener };
	struct waiter who = { .cookie = 1 };
	struct detect d;
	int i;

	begin(&d);
	listener.send_queue = 9;
	CHECK(!rules_suspect_listener(&d, &e, &l));
	/* Who waits is looked at, for how long is told by the first reading. */
	listener.recv_queue = 7;
	CHECK(rules_suspect_listener(&d, &e, &l));
	CHECK_INT(rules_patience(&d, &e, &l), 0); /* it was not read */
	l.read[0] = true;
	l.members = 1;
	l.stats[0] = (struct accept_stats){ .who = &who, .n_who = 1 };
	who.wait_ms = 999;
	CHECK_INT(rules_patience(&d, &e, &l), 0);
	who.wait_ms = 1000;
	CHECK_INT(rules_patience(&d, &e, &l), 1000);
	who.wait_ms = 0;
	listener.recv_queue = 8;
	CHECK_INT(rules_patience(&d, &e, &l), READING_INTERVAL_MS);
	listener.recv_queue = 1;
	l.shadow = true; /* one of two waits, though another could take it */
	CHECK_INT(rules_patience(&d, &e, &l), READING_INTERVAL_MS);
	l.shadow = false;
	listener.recv_queue = 0;
	for (i = 0; i < 8; i++) {
		CHECK(!rules_suspect_listener(&d, &e, &l));
		s = row(STATE_SYN_RECV, ip4(1, 80), ip4(2, (uint16_t)(1 + i)));
		detect_row(&d, &s);
	}
	CHECK_INT(rules_patience(&d, &e, &l), READING_INTERVAL_MS);
	CHECK(rules_suspect_listener(&d, &e, &l));
	detect_free(&d);
	CHECK(!rules_suspect_process(15, 0));
	CHECK(rules_suspect_process(16, 0)); /* whatever its limit */
	CHECK(!rules_suspect_process(89, 100));
	CHECK(rules_suspect_process(90, 100));
	CHECK(!rules_suspect_process(90, UINT64_MAX));
}

int main(void)
{
	RUN(quiet_rows, "busy connections are no candidates");
	RUN(candidates, "candidates are those that somebody owns, or nobody at all");
	RUN(udp_candidates, "UDP: what waits or was lost");
	RUN(many_listeners, "of very many listeners those with a queue are looked at");
	RUN(second_readings, "a second reading only where it tells more");
	RUN(suspect_connections, "a reader is suspect by its buffer or window, and old");
	RUN(suspect_listeners, "a listener by its queues, a process by its descriptors");
	return unit_done();
}
