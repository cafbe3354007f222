/* What stands, what is slow, and what of it is one finding. */
#include <errno.h>

#include "unit/model/rule/rows.h"

static void readers(void)
{
	struct holder h = { .command = "x", .pid = 1, .fd = 3 };
	struct process_facts p = {
		.pid = 1,
		.command = "x",
		.pulse = { .threads = 1, .switches = { 5, 5 }, .known = { true, true } }
	};
	struct connection_facts c = { .suspect = true,
				      .read = { true, true },
				      .recv = { 9000, 9000 },
				      .received = { 20000, 20000 },
				      .received_ms = 119999,
				      .holders = &h };
	struct evidence e = { .interval_ms = 3100, .processes = &p, .n_processes = 1 };
	struct detect d;
	struct sock s;

	begin(&d);
	s = row(STATE_ESTABLISHED, ip4(1, 80), ip4(2, 1));
	s.recv_queue = 9000;
	detect_row(&d, &s);
	c.row = suspects(&d, "stuck-reader")->v[0];
	e.connections[place_of("stuck-reader")] = &c;
	check_found(&d, &e, "stuck-reader", SEVERITY_WARNING);
	/* More came, and some was read. */
	c.received[1] = 21000;
	check_found(&d, &e, "slow-reader", SEVERITY_NOTE);
	c.recv[1] = 10000;
	check_found(&d, &e, "stuck-reader", SEVERITY_WARNING);
	c.recv[1] = 9000;
	c.received[1] = 20000;
	/* It runs, and has read before. */
	p.pulse.switches[1] = 6;
	check_found(&d, &e, "slow-reader", SEVERITY_NOTE);
	c.received[0] = c.received[1] = 13000;
	check_found(&d, &e, "stuck-reader", SEVERITY_WARNING);
	c.received[0] = c.received[1] = 20000;
	c.received_ms++;
	check_found(&d, &e, "stuck-reader", SEVERITY_WARNING);
	c.received_ms = 2000;
	p.pulse.threads = 2;
	check_found(&d, &e, "stuck-reader", SEVERITY_WARNING);
	/* It waits to send, unless it is stopped. */
	p.outlets = (struct outlets){ .n = 1, .bytes = 7, .peer = ip4(3, 80) };
	check_found(&d, &e, "slow-reader", SEVERITY_NOTE);
	p.doing.halt.by = HALT_STOPPED;
	check_found(&d, &e, "stuck-reader", SEVERITY_WARNING);
	/* To its own peer, which is not here. */
	p.outlets.n = 0;
	p.doing.halt.by = HALT_NONE;
	c.choked = true;
	check_found(&d, &e, "slow-reader", SEVERITY_NOTE);
	detect_free(&d);
}

/* Where each of the findings is. */
static void check_groups(const struct detect *d, const struct evidence *e,
			 const char *const *want, size_t n)
{
	struct findings fs = { 0 };
	size_t i;

	rules_judge(d, e, &fs);
	CHECK_INT(fs.n, n);
	for (i = 0; i < MIN(fs.n, n); i++)
		CHECK_STR(fs.v[i]->where, want[i]);
	findings_free(&fs);
}

static void groups(void)
{
	static const char *const want[] = {
		"3 connections to 10.0.0.2:80, x[1] fd 3-5",
		"2 connections to 10.0.0.3:80, x[1] fd 7, 9",
		/* Two processes hold it. */
		"10.0.0.1:40007 to 10.0.0.2:80, x[1] fd 10; y[2] fd 10",
		("4 connections to 10.0.0.4:80 (1), 10.0.0.5:80 (1), 10.0.0.6:80 (1) and "
		 "1 more, y[2] fd 3, 5, 7 and 1 more up to 9"),
		/* Those that a listener accepted are of hosts, whatever their ports. */
		"2 connections from 10.0.0.2 to port 443, y[2] fd 20, 21",
	};
	const struct {
		struct addr local, peer;
		int pid, fd;
	} rows[] = {
		{ ip4(1, 40001), ip4(2, 80), 1, 4 },
		{ ip4(1, 40002), ip4(3, 80), 1, 9 },
		{ ip4(1, 40003), ip4(2, 80), 1, 3 },
		{ ip4(1, 40004), ip4(3, 80), 1, 7 },
		{ mapped(ip4(1, 40005)), mapped(ip4(2, 80)), 1, 5 },
		{ ip4(1, 40006), ip4(4, 80), 2, 3 },
		{ ip4(1, 40007), ip4(2, 80), 1, 10 },
		{ ip4(1, 40008), ip4(5, 80), 2, 5 },
		{ ip4(1, 40009), ip4(6, 80), 2, 7 },
		{ ip4(1, 40010), ip4(7, 80), 2, 9 },
		{ ip4(1, 443), ip4(2, 1), 2, 20 },
		{ ip4(1, 443), ip4(2, 2), 2, 21 },
	};
	struct holder also = { .command = "y", .pid = 2, .fd = 10 };
	struct connection_facts c[ARRAY_SIZE(rows)];
	struct holder h[ARRAY_SIZE(rows)];
	struct evidence e = { .interval_ms = 200 };
	struct detect d;
	struct sock s = row(STATE_LISTEN, ip4(1, 443), ip4(0, 0));
	size_t i;

	begin(&d);
	detect_row(&d, &s);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		s = row(STATE_ESTABLISHED, rows[i].local, rows[i].peer);
		s.send_queue = 100;
		s.timer = TIMER_WINDOW_PROBE;
		detect_row(&d, &s);
		h[i] = (struct holder){ .command = rows[i].pid == 1 ? "x" : "y",
					.pid = rows[i].pid,
					.fd = rows[i].fd,
					.next = rows[i].fd == 10 ? &also : NULL };
		c[i] = (struct connection_facts){
			.row = suspects(&d, "stuck-sender")->v[i],
			.suspect = true,
			.read = { true, true },
			.send = { 100, 100 },
			.holders = &h[i]
		};
	}
	e.connections[place_of("stuck-sender")] = c;
	check_groups(&d, &e, want, ARRAY_SIZE(want));
	detect_free(&d);
}

static void senders(void)
{
	struct connection_facts c = { .suspect = true,
				      .read = { true, true },
				      .send = { 100, 100 },
				      .acked = { 5, 5 } };
	struct evidence e = { .interval_ms = 200 };
	struct detect d;
	struct sock s;

	begin(&d);
	s = row(STATE_ESTABLISHED, ip4(1, 80), ip4(2, 1));
	s.send_queue = 100;
	s.timer = 4;
	detect_row(&d, &s);
	c.row = suspects(&d, "stuck-sender")->v[0];
	e.connections[place_of("stuck-sender")] = &c;
	check_found(&d, &e, "stuck-sender", SEVERITY_WARNING);
	c.acked[1] = 6; /* it moves */
	check_found(&d, &e, "slow-peer", SEVERITY_NOTE);
	/* A peer of this host is judged itself. */
	s.peer = s.local;
	s.peer.port = 1;
	c.row = &s;
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	c.row = suspects(&d, "stuck-sender")->v[0];
	/* What has taken much may be slow, for a while. */
	c.acked[0] = c.acked[1] = 1 << 20;
	c.sent_ms = 119999;
	check_found(&d, &e, "slow-peer", SEVERITY_NOTE);
	c.sent_ms = 120000;
	check_found(&d, &e, "stuck-sender", SEVERITY_WARNING);
	c.acked[0] = c.acked[1] = 5;
	c.read[1] = false; /* it is gone */
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	detect_free(&d);
}

/* What the only finding says. */
static void check_says(const struct detect *d, const struct evidence *e, const char *id,
		       const char *in_summary, const char *in_advice)
{
	struct findings fs = { 0 };

	rules_judge(d, e, &fs);
	CHECK_INT(fs.n, id ? 1 : 0);
	if (fs.n && id) {
		CHECK_STR(fs.v[0]->rule->id, id);
		CHECK(strstr(fs.v[0]->summary, in_summary));
		CHECK(strstr(fs.v[0]->advice, in_advice));
	}
	findings_free(&fs);
}

/* The probe timer alone is no closed window: what else is known decides. */
static void windows(void)
{
	static const struct {
		const char *id, *in_summary, *in_advice;
		uint32_t snd_wnd, mss, unsent, unacked, interval_ms;
		uint8_t backoff;
		bool known;
	} rows[] = {
		{ "stuck-sender", "window is closed: its", "the program at the other end",
		  0, 1448, 9000, 0, 3100, 3, true },
		{ "stuck-sender", "window is closed: its", "the program at the other end",
		  1447, 1448, 9000, 0, 3100, 3, true },
		{ "stuck-sender", "window is closed: its", "the program at the other end",
		  99, 1448, 100, 0, 3100, 3, true },
		{ "stuck-sender", "this host cannot send it: possible are",
		  "ip route get 10.0.0.2 from 10.0.0.1", 1448, 1448, 9000, 0, 3100, 3,
		  true },
		{ "stuck-sender", "this host cannot send it", "nft list ruleset", 100,
		  1448, 100, 0, 1000, 1, true },
		/* Not yet, or it is on the way. */
		{ NULL, "", "", 1448, 1448, 9000, 0, 999, 3, true },
		{ NULL, "", "", 1448, 1448, 9000, 0, 3100, 0, true },
		{ NULL, "", "", 1448, 1448, 9000, 1, 3100, 3, true },
		/* A kernel that does not tell. */
		{ "stuck-sender", "This host cannot send (a rule of its firewall",
		  "nft list ruleset", 0, 1448, 9000, 0, 3100, 3, false },
	};
	struct evidence e = { 0 };
	struct detect d;
	struct sock s;
	size_t i;

	begin(&d);
	s = row(STATE_ESTABLISHED, ip4(1, 80), ip4(2, 1));
	s.send_queue = 100;
	s.timer = TIMER_WINDOW_PROBE;
	detect_row(&d, &s);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct connection_facts c = { .row = suspects(&d, "stuck-sender")->v[0],
					      .suspect = true,
					      .read = { true, true },
					      .send = { 100, 100 },
					      .sent_ms = 130000,
					      .snd_wnd = rows[i].snd_wnd,
					      .mss = rows[i].mss,
					      .unsent = rows[i].unsent,
					      .unacked = rows[i].unacked,
					      .backoff = rows[i].backoff,
					      .has_send_window = rows[i].known };

		e.interval_ms = rows[i].interval_ms;
		e.connections[place_of("stuck-sender")] = &c;
		check_says(&d, &e, rows[i].id, rows[i].in_summary, rows[i].in_advice);
	}
	detect_free(&d);
}

/* What keeps this host from sending, in the order in which the facts decide, and what is
 * left where they are missing. */
static void unsent(void)
{
	enum { NOT_ASKED = -2 };
	static const struct {
		const char *says, *not ;
		enum presence source;
		int route;
		uint32_t mark, sent_ms;
		uint64_t stopped;
		bool marked, counted;
	} rows[] = {
		{ "local address is 10.0.0.1, which is no address of this", "route",
		  PRESENCE_GONE, ENETUNREACH, 0, 100, 9, true, true },
		{ "local address is 10.0.0.1, which is no address of this", "route",
		  PRESENCE_GONE, 0, 0, 100, 9, false, true },
		{ "there is no route from 10.0.0.1 to 10.0.0.2 (ENETUNREACH)", "possible",
		  PRESENCE_HERE, ENETUNREACH, 0, 100, 9, true, true },
		{ "is of type blackhole from 10.0.0.1 to 10.0.0.2 with mark 0x2a (EINVAL)",
		  "possible", PRESENCE_HERE, EINVAL, 42, 100, 9, true, true },
		{ "it made 9 IPv4 packets between the readings", "possible",
		  PRESENCE_HERE, 0, 0, 100, 9, true, true },
		{ "it made 1 IPv4 packet between the readings and did not transmit it",
		  "possible", PRESENCE_HERE, 0, 0, 100, 1, true, true },
		/* Those may be packets of others. */
		{ "possible are a firewall rule of this host (OUTPUT, POSTROUTING) and a "
		  "BPF program of the control group; nothing was tried",
		  "lost", PRESENCE_HERE, 0, 0, 3100, 9, true, true },
		/* None was stopped, or it is not counted. */
		{ "possible are a firewall rule", "lost", PRESENCE_HERE, 0, 0, 100, 0,
		  true, true },
		{ "possible are a firewall rule", "lost", PRESENCE_HERE, 0, 0, 100, 9,
		  true, false },
		/* Only root is shown the mark. */
		{ "there is a route for packets without a mark; possible are a firewall",
		  "gone", PRESENCE_HERE, 0, 0, 100, 9, false, true },
		{ "for packets without a mark there is no route from 10.0.0.1", "gone",
		  PRESENCE_HERE, ENETUNREACH, 0, 100, 9, false, true },
		/* Neither could be asked, or nobody asked. */
		{ "a lost route, a source address that is gone", "nothing was tried",
		  PRESENCE_UNKNOWN, -1, 0, 100, 0, true, true },
		{ "a lost route, a source address that is gone", "nothing was tried",
		  PRESENCE_HERE, NOT_ASKED, 0, 3100, 9, true, true },
	};
	struct evidence e = { .interval_ms = 3100 };
	struct detect d;
	struct sock s;
	size_t i;

	begin(&d);
	s = row(STATE_ESTABLISHED, ip4(1, 80), ip4(2, 1));
	s.send_queue = 100;
	s.timer = TIMER_WINDOW_PROBE;
	detect_row(&d, &s);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct way_out w = { .source = rows[i].source, .route = rows[i].route };
		struct connection_facts c = { .row = suspects(&d, "stuck-sender")->v[0],
					      .suspect = true,
					      .read = { true, true },
					      .send = { 100, 100 },
					      .sent_ms = rows[i].sent_ms,
					      .snd_wnd = 9000,
					      .mss = 1448,
					      .unsent = 100,
					      .backoff = 3,
					      .mark = rows[i].mark,
					      .has_mark = rows[i].marked,
					      .has_send_window = true };
		struct findings fs = { 0 };

		c.way_out = w.route == NOT_ASKED ? NULL : &w;
		/* Of IPv6 nothing is known here. */
		e.stopped_v4 = (struct stopped_packets){ .known = rows[i].counted,
							 .n = rows[i].counted
								      ? rows[i].stopped
								      : 0 };
		e.stopped_v6 = (struct stopped_packets){ .known = true, .n = 1000 };
		e.connections[place_of("stuck-sender")] = &c;
		rules_judge(&d, &e, &fs);
		CHECK_INT(fs.n, 1);
		CHECK(strstr(fs.v[0]->summary, rows[i].says));
		CHECK(!strstr(fs.v[0]->summary, rows[i].not ));
		CHECK(!strstr(fs.v[0]->summary, "does not read"));
		findings_free(&fs);
	}
	detect_free(&d);
}

int main(void)
{
	RUN(groups, "connections of one process to one place are one finding");
	RUN(readers, "a reader that stands, is slow, pauses, passes on");
	RUN(senders, "a sender that stands, moves, is gone");
	RUN(windows, "a window that is closed, one that is open, one that is not known");
	RUN(unsent, "what keeps this host from sending, and what is left to look at");
	return unit_done();
}
