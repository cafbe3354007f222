/* Findings about what programs forget, from synthetic rows and synthetic evidence. */
#include "unit/model/rule/rows.h"

static void leak(void)
{
	enum { N = 16 };
	struct holder h = { .command = "java", .pid = 812, .fd = 40 };
	struct process_facts p = {
		.pid = 812, .command = "java", .fds = 50, .fd_limit = 100, .known = true
	};
	struct connection_facts c[N] = { 0 };
	struct evidence e = { .processes = &p, .n_processes = 1 };
	struct detect d;
	struct sock s;
	size_t i;

	begin(&d);
	e.connections[place_of("close-wait-leak")] = c;
	for (i = 0; i < N; i++) {
		s = row(STATE_CLOSE_WAIT, ip4(1, 80), ip4((uint8_t)(i % 3), 1));
		detect_row(&d, &s);
		c[i].row = suspects(&d, "close-wait-leak")->v[i];
		c[i].holders = &h;
		c[i].suspect = true;
		c[i].age_ms = 5000;
	}
	check_found(&d, &e, "close-wait-leak", SEVERITY_WARNING);
	p.fds = 91;
	p.known = false; /* limits not read: the leak stays, its end is not told */
	check_found(&d, &e, "close-wait-leak", SEVERITY_WARNING);
	c[0].suspect = false; /* one is young */
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	c[0].suspect = true;
	c[0].holders = NULL; /* one is somebody else's */
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	for (i = 0; i < N; i++)
		c[i].holders = NULL;
	check_found(&d, &e, "close-wait-leak", SEVERITY_WARNING);
	detect_free(&d);
}

/* Without a socket of the last minute it does not grow, and no second reading tells. */
static void growth_of_leaks(void)
{
	enum { N = 16 };
	struct holder h = { .command = "java", .pid = 812, .fd = 40 };
	struct process_facts p = {
		.pid = 812, .command = "java", .fds = 50, .fd_limit = 100, .known = true
	};
	struct connection_facts c[N] = { 0 };
	struct evidence e = { .processes = &p, .n_processes = 1 };
	struct detect d;
	struct sock s;
	size_t i;

	begin(&d);
	e.connections[place_of("close-wait-leak")] = c;
	for (i = 0; i < N; i++) {
		s = row(STATE_CLOSE_WAIT, ip4(1, 80), ip4(2, 1));
		detect_row(&d, &s);
		c[i] = (struct connection_facts){
			.row = suspects(&d, "close-wait-leak")->v[i],
			.holders = &h,
			.suspect = true,
			.age_ms = MINUTE_MS + 1
		};
	}
	CHECK_INT(figure(&d, &e, "growth_per_minute"), 0);
	CHECK_INT(figure(&d, &e, "in_last_minute"), 0);
	CHECK_INT(figure(&d, &e, "until_limit_ms"), -1);
	c[0].age_ms = MINUTE_MS; /* one is: how fast, only a second reading tells */
	CHECK_INT(figure(&d, &e, "growth_per_minute"), -1);
	CHECK_INT(figure(&d, &e, "in_last_minute"), 1);
	/* More came, and a second later none: a burst that has ended goes nowhere. */
	p.readings = 1;
	p.leaked[0] = N;
	p.leaked[1] = N + 3;
	e.growth_ms[1] = 200;
	CHECK_INT(figure(&d, &e, "growth_per_minute"), -1);
	CHECK_INT(figure(&d, &e, "until_limit_ms"), -1);
	p.readings = 2;
	p.leaked[2] = N + 3;
	e.growth_ms[2] = 1000;
	CHECK_INT(figure(&d, &e, "growth_per_minute"), -1);
	CHECK_INT(figure(&d, &e, "until_limit_ms"), -1);
	p.leaked[2] = N + 4;
	CHECK_INT(figure(&d, &e, "growth_per_minute"), 1);
	CHECK_INT(figure(&d, &e, "until_limit_ms"), 50 * MINUTE_MS);
	/* Those that went before it said so are no growth. */
	p.leaked[1] = p.leaked[2] = N - 1;
	p.readings = 1;
	CHECK_INT(figure(&d, &e, "growth_per_minute"), 0);
	detect_free(&d);
}

struct leaky {
	size_t young, aged, old; /* of a second ago, of two, of five minutes */
	bool opened, listener, awaited, steady;
	uint64_t fds;
};

/* What is found of one process with so many sockets in CLOSE_WAIT. */
static void judge_leaky(const char *id, enum severity severity, struct leaky x)
{
	size_t n = x.young + x.aged + x.old, i;
	struct holder h = { .command = "java", .pid = 812, .fd = 40 };
	struct process_facts p = { .pid = 812,
				   .command = "java",
				   .fds = x.fds,
				   .fd_limit = x.fds ? x.fds + 1 : 1000,
				   .known = true };
	struct connection_facts *c = xcalloc(n, sizeof(*c));
	struct evidence e = { .processes = &p, .n_processes = 1 };
	struct detect d;
	struct sock s;

	if (x.steady) {
		p.readings = 2;
		p.leaked[0] = (uint32_t)n;
		p.leaked[1] = (uint32_t)n + 1;
		p.leaked[2] = (uint32_t)n + 2;
		e.growth_ms[1] = 200;
		e.growth_ms[2] = 1000;
	}
	begin(&d);
	e.connections[place_of("close-wait-leak")] = c;
	for (i = 0; i < n; i++) {
		uint16_t port = (uint16_t)(40000 + i);

		s = row(STATE_CLOSE_WAIT, ip4(1, x.opened ? port : 8080),
			ip4(2, x.opened ? 443 : port));
		detect_row(&d, &s);
		c[i].row = suspects(&d, "close-wait-leak")->v[i];
		c[i].holders = &h;
		c[i].read[0] = true;
		c[i].has_listener = x.listener;
		c[i].is_awaited = x.awaited;
		c[i].age_ms = i < x.young	     ? 999
			      : i < x.young + x.aged ? 2000
						     : 5 * MINUTE_MS;
	}
	rules_suspect(&d, &e);
	check_found(&d, &e, id, severity);
	detect_free(&d);
	free(c);
}

static void kinds_of_leaks(void)
{
	const char *leak = "close-wait-leak";

	judge_leaky(NULL, 0, (struct leaky){ .aged = 15 });
	judge_leaky(NULL, 0, (struct leaky){ .young = 10, .aged = 15 });
	judge_leaky(leak, SEVERITY_WARNING, (struct leaky){ .aged = 16 });
	judge_leaky(NULL, 0, (struct leaky){ .old = 7, .aged = 8 });
	judge_leaky(leak, SEVERITY_WARNING, (struct leaky){ .old = 8 });
	judge_leaky(leak, SEVERITY_WARNING, (struct leaky){ .old = 15, .young = 9 });
	judge_leaky(leak, SEVERITY_CRITICAL, (struct leaky){ .aged = 16, .fds = 32 });
	/* Half-closed by somebody who waits for the answer. */
	judge_leaky(NULL, 0, (struct leaky){ .old = 100, .awaited = true });
	/* An idle pool. */
	judge_leaky(NULL, 0, (struct leaky){ .aged = 15, .opened = true });
	judge_leaky(leak, SEVERITY_NOTE, (struct leaky){ .old = 10, .opened = true });
	judge_leaky(leak, SEVERITY_NOTE, (struct leaky){ .aged = 30, .opened = true });
	judge_leaky(leak, SEVERITY_WARNING, (struct leaky){ .old = 16, .opened = true });
	judge_leaky(leak, SEVERITY_WARNING,
		    (struct leaky){ .aged = 16, .opened = true, .steady = true });
	/* Its port is in the range, and a listener has it. */
	judge_leaky(leak, SEVERITY_WARNING,
		    (struct leaky){ .old = 8, .opened = true, .listener = true });
}

static void descriptors(void)
{
	struct process_facts p = {
		.pid = 1, .command = "x", .fds = 89, .fd_limit = 100, .known = true
	};
	struct evidence e = { .processes = &p, .n_processes = 1 };
	struct detect d;

	begin(&d);
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	p.fds = 90;
	check_found(&d, &e, "descriptor-exhaustion", SEVERITY_WARNING);
	p.fds = 100;
	check_found(&d, &e, "descriptor-exhaustion", SEVERITY_CRITICAL);
	p.fd_limit = UINT64_MAX;
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	detect_free(&d);
}

/* The limit exists in the initial network namespace only, so no test can reach it. */
static void crowd_of_orphans(void)
{
	struct evidence e = { .limits = { .has_sockstat = true,
					  .has_max_orphans = true,
					  .orphans = 799,
					  .max_orphans = 1000 } };
	struct connection_facts c = { .suspect = true, .rto_us = 400000 };
	struct detect d;
	struct sock s;

	begin(&d);
	d.whole_tcp = true;
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	e.limits.orphans = 800;
	check_found(&d, &e, "orphans", SEVERITY_WARNING);
	e.limits.orphans = 5000; /* the limit was lowered */
	check_found(&d, &e, "orphans", SEVERITY_WARNING);
	d.whole_tcp = false; /* a filter asked for something else */
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	d.whole_tcp = true;
	e.limits.has_max_orphans = false;
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	/* One that the peer does not let end is a note. */
	s = row(STATE_FIN_WAIT1, ip4(1, 80), ip4(2, 1));
	s.timer = 4;
	s.inode = 0;
	s.send_queue = 10;
	detect_row(&d, &s);
	c.row = suspects(&d, "orphans")->v[0];
	e.connections[place_of("orphans")] = &c;
	check_found(&d, &e, "orphans", SEVERITY_NOTE);
	detect_free(&d);
}

/* So many orphans of port 80, and so many of port 81, among so many live connections of
 * port 80. */
static void judge_vanished(const char *id, enum severity severity, size_t n, size_t other,
			   size_t live, bool whole)
{
	struct connection_facts *c = xcalloc(n + other, sizeof(*c));
	struct evidence e = { 0 };
	struct detect d;
	struct sock s;
	size_t i;

	begin(&d);
	d.whole_ports = whole;
	for (i = 0; i < n + other; i++) {
		s = row(STATE_FIN_WAIT1, ip4(1, i < n ? 80 : 81), ip4(2, (uint16_t)i));
		s.timer = TIMER_RETRANSMIT;
		s.retrans = 2;
		s.inode = 0;
		detect_row(&d, &s);
		c[i].row = suspects(&d, "orphans")->v[i];
		c[i].suspect = true;
	}
	for (i = 0; i < live; i++) {
		s = row(STATE_ESTABLISHED, ip4(1, 80), ip4(3, (uint16_t)i));
		detect_row(&d, &s);
	}
	e.connections[place_of("orphans")] = c;
	check_found(&d, &e, id, severity);
	detect_free(&d);
	free(c);
}

static void vanished_clients(void)
{
	judge_vanished("orphans", SEVERITY_NOTE, 63, 0, 0, true);
	judge_vanished("orphans", SEVERITY_WARNING, 64, 0, 0, true);
	judge_vanished("orphans", SEVERITY_WARNING, 64, 0, 256, true);
	judge_vanished("orphans", SEVERITY_NOTE, 64, 0, 257, true);
	judge_vanished("orphans", SEVERITY_NOTE, 600, 0, 2401, true);
	/* A filter may have left out the connections that live. */
	judge_vanished("orphans", SEVERITY_NOTE, 64, 0, 0, false);
	judge_vanished("orphans", SEVERITY_NOTE, 63, 63, 0, true);
}

struct half {
	size_t silent, talking; /* for five minutes, for a second less */
	uint64_t limit;
	bool several, fresh, keepalive; /* remote ends; the FIN was just confirmed */
};

static void judge_half(const char *id, enum severity severity, struct half x)
{
	size_t n = x.silent + x.talking, i;
	struct holder h = { .command = "java", .pid = 812, .fd = 40 };
	struct process_facts p = { .pid = 812,
				   .command = "java",
				   .fds = 50,
				   .fd_limit = x.limit ? x.limit : 1000,
				   .known = true };
	struct connection_facts *c = xcalloc(n, sizeof(*c));
	struct evidence e = { .processes = &p, .n_processes = 1 };
	struct detect d;
	struct sock s;

	begin(&d);
	e.connections[place_of("fin-wait-silent")] = c;
	for (i = 0; i < n; i++) {
		s = row(STATE_FIN_WAIT2, ip4(1, (uint16_t)(40000 + i)),
			ip4(x.several && i % 2 ? 2 : 3, 443));
		s.timer = x.keepalive ? TIMER_KEEPALIVE : TIMER_NONE;
		detect_row(&d, &s);
		c[i].row = suspects(&d, "fin-wait-silent")->v[i];
		c[i].holders = &h;
		c[i].read[0] = c[i].has_info = true;
		c[i].received_ms = 5 * MINUTE_MS - (i < x.silent ? 0 : 1000);
		c[i].age_ms = x.fresh || x.keepalive ? 1000 : 5 * MINUTE_MS;
	}
	rules_suspect(&d, &e);
	check_found(&d, &e, id, severity);
	detect_free(&d);
	free(c);
}

static void half_closed(void)
{
	const char *id = "fin-wait-silent";

	judge_half(NULL, 0, (struct half){ .silent = 15, .talking = 20 });
	judge_half(id, SEVERITY_NOTE, (struct half){ .silent = 16 });
	judge_half(id, SEVERITY_NOTE, (struct half){ .silent = 99 });
	judge_half(id, SEVERITY_WARNING, (struct half){ .silent = 100 });
	judge_half(id, SEVERITY_WARNING, (struct half){ .silent = 16, .limit = 160 });
	judge_half(id, SEVERITY_NOTE, (struct half){ .silent = 16, .limit = 161 });
	judge_half(id, SEVERITY_NOTE, (struct half){ .silent = 16, .limit = UINT64_MAX });
	judge_half(NULL, 0, (struct half){ .silent = 30, .several = true });
	judge_half(id, SEVERITY_NOTE, (struct half){ .silent = 31, .several = true });
	/* Idle for long, and half-closed a moment ago. */
	judge_half(NULL, 0, (struct half){ .silent = 16, .fresh = true });
	judge_half(id, SEVERITY_NOTE, (struct half){ .silent = 16, .keepalive = true });
}

int main(void)
{
	RUN(leak, "a leak is one process's, old, and sixteen");
	RUN(growth_of_leaks, "a leak grows by what came in the last minute");
	RUN(kinds_of_leaks,
	    "accepted, opened, awaited, old: what is a leak, and how bad");
	RUN(half_closed, "FIN_WAIT2 of one process to one end, silent for minutes");
	RUN(descriptors, "descriptors near, at and without a limit");
	RUN(crowd_of_orphans, "orphans against tcp_max_orphans, and one that cannot end");
	RUN(vanished_clients, "vanished clients are a warning if they crowd a port");
	return unit_done();
}
