/* What single connections tell by their timers: keepalive probes in vain, handshakes that
 * stay half-open. */
#include "unit/model/rule/rows.h"

enum { PROBES = 2, INTERVAL_MS = 10000 };

static void begin_idle(struct detect *d, size_t n, uint16_t local)
{
	struct sock s;
	size_t i;

	begin(d);
	for (i = 0; i < n; i++) {
		s = row(STATE_ESTABLISHED, ip4(1, (uint16_t)(local + i)),
			ip4(2, local < 1000 ? 50000 : 5432));
		s.timer = TIMER_KEEPALIVE;
		s.expires_ms = 4000;
		s.retrans = PROBES;
		detect_row(d, &s);
	}
}

static struct connection_facts facts(struct detect *d, const struct sock_options *o)
{
	return (struct connection_facts){
		.row = suspects(d, "keepalive-unanswered")->v[0],
		.suspect = true,
		.has_info = true,
		.read = { true, true },
		.probes = PROBES,
		.age_ms = 50000,
		.rtt_us = 60000,
		.options = o
	};
}

static void candidates(void)
{
	const struct {
		enum sock_state state;
		uint8_t timer, probes;
		bool owned, is;
	} rows[] = {
		{ STATE_ESTABLISHED, TIMER_KEEPALIVE, 2, true, true },
		{ STATE_CLOSE_WAIT, TIMER_KEEPALIVE, 9, true, true },
		{ STATE_ESTABLISHED, TIMER_KEEPALIVE, 1, true, false },
		{ STATE_ESTABLISHED, TIMER_RETRANSMIT, 5, true, false },
		{ STATE_ESTABLISHED, TIMER_WINDOW_PROBE, 5, true, false },
		{ STATE_ESTABLISHED, TIMER_KEEPALIVE, 2, false, false },
		/* It is the time that is left of a remnant. */
		{ STATE_FIN_WAIT2, TIMER_KEEPALIVE, 5, true, false },
	};
	struct detect d;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sock s = row(rows[i].state, ip4(1, 40000), ip4(2, 80));

		begin(&d);
		s.timer = rows[i].timer;
		s.retrans = rows[i].probes;
		s.inode = rows[i].owned ? s.inode : 0;
		detect_row(&d, &s);
		printf("# row %zu\n", i);
		CHECK_INT(suspects(&d, "keepalive-unanswered")->n, rows[i].is);
		detect_free(&d);
	}
}

static void check(struct detect *d, struct connection_facts *c, int severity)
{
	struct evidence e = { .interval_ms = 200 };

	e.connections[place_of("keepalive-unanswered")] = c;
	check_found(d, &e, severity < 0 ? NULL : "keepalive-unanswered",
		    (enum severity)severity);
}

static void unanswered(void)
{
	struct connection_facts c;
	struct detect d;

	begin_idle(&d, 1, 40000);
	c = facts(&d, NULL);
	check(&d, &c, SEVERITY_WARNING);
	c.probes = 1;
	check(&d, &c, -1);
	c = facts(&d, NULL);
	c.read[1] = false;
	check(&d, &c, -1);
	/* It sends by now: what is retransmitted is another finding. */
	c = facts(&d, NULL);
	c.send[1] = 10;
	check(&d, &c, -1);
	/* The answers of a path as long as that may be on the way. */
	c = facts(&d, NULL);
	c.rtt_us = 500000;
	check(&d, &c, SEVERITY_WARNING);
	c.rtt_us = 500001;
	check(&d, &c, -1);
	c.probes = PROBES + 1;
	check(&d, &c, SEVERITY_WARNING);
	detect_free(&d);
	begin_idle(&d, 1, 80);
	c = facts(&d, NULL);
	check(&d, &c, SEVERITY_NOTE);
	detect_free(&d);
}

/* When the kernel gives up, by the options. */
static void ends(void)
{
	const struct {
		uint64_t count, timeout_ms, rtt_ms;
		int64_t ms;
	} rows[] = {
		{ 9, 0, 60, 4000 + 7 * INTERVAL_MS },
		{ 2, 0, 60, 4000 },
		{ 1, 0, 60, 4000 },
		/* The probes do not count then, and it ends at one of them. */
		{ 3, 60000, 60, 4000 + INTERVAL_MS },
		{ 9, 54000, 60, 4000 },
		{ 9, 54001, 60, 4000 + INTERVAL_MS },
		{ 9, 20000, 60, 4000 },
		{ UINT64_MAX, 0, 60, -1 },
		{ 9, UINT64_MAX, 60, -1 },
		/* An interval that long outweighs a long path. */
		{ 9, 0, 5000, 4000 + 7 * INTERVAL_MS },
	};
	struct evidence e = { .interval_ms = 200 };
	struct connection_facts c;
	struct detect d;
	size_t i;

	begin_idle(&d, 1, 40000);
	e.connections[place_of("keepalive-unanswered")] = &c;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sock_options o = { .keepcnt = rows[i].count,
					  .keepintvl_ms = INTERVAL_MS,
					  .user_timeout_ms = rows[i].timeout_ms };

		c = facts(&d, &o);
		c.rtt_us = (uint32_t)rows[i].rtt_ms * 1000;
		printf("# row %zu\n", i);
		CHECK_INT(figure(&d, &e, "gives_up_ms"), rows[i].ms);
	}
	c = facts(&d, NULL);
	CHECK_INT(figure(&d, &e, "gives_up_ms"), -1);
	CHECK_INT(figure(&d, &e, "last_heard_ms"), 50000);
	detect_free(&d);
}

/* One process and one peer, one finding. */
static void one_peer(void)
{
	struct holder a = { .command = "a", .pid = 1, .fd = 3 };
	struct evidence e = { .interval_ms = 200 };
	struct connection_facts c[3];
	struct detect d;
	size_t i;

	begin_idle(&d, ARRAY_SIZE(c), 40000);
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		c[i] = facts(&d, NULL);
		c[i].row = suspects(&d, "keepalive-unanswered")->v[i];
		c[i].age_ms += (uint32_t)i;
		c[i].holders = &a;
	}
	e.connections[place_of("keepalive-unanswered")] = c;
	CHECK_INT(figure(&d, &e, "sockets"), ARRAY_SIZE(c));
	CHECK_INT(figure(&d, &e, "last_heard_ms"), 50002);
	detect_free(&d);
}

enum { HALF_OPEN = 40 };

/* So many half-open connections from so many hosts, behind a listener. */
struct handshakes {
	struct detect d;
	struct evidence e;
	struct listener_facts l;
	struct connection_facts c[HALF_OPEN];
};

static void begin_handshakes(struct handshakes *x, size_t n, size_t hosts)
{
	struct sock s = row(STATE_LISTEN, ip4(1, 80), ip4(0, 0));
	size_t i;

	*x = (struct handshakes){ 0 };
	begin(&x->d);
	s.send_queue = 511;
	detect_row(&x->d, &s);
	for (i = 0; i < n; i++) {
		s = row(STATE_SYN_RECV, ip4(1, 80),
			ip4((uint8_t)(2 + i % hosts), (uint16_t)(40000 + i)));
		s.has = 0;
		s.retrans = (uint8_t)(threshold("syn-ack-unanswered", 1) - 1);
		detect_row(&x->d, &s);
		x->c[i] = (struct connection_facts){
			.row = suspects(&x->d, "syn-ack-unanswered")->v[i],
			.suspect = true,
			.read = { true, true },
		};
	}
	x->l = (struct listener_facts){ .row = x->d.listeners.v[0],
					.limit = 511,
					.read = { true, true },
					.has_drops = true,
					.suspect = true,
					.members = 1 };
	x->e = (struct evidence){ .interval_ms = 200,
				  .listeners = &x->l,
				  .n_listeners = 1 };
	x->e.limits.syn_backlog = 4096;
	x->e.limits.has_syn_backlog = true;
	x->e.limits.syncookies = 1;
	x->e.counters[0].known = x->e.counters[1].known = true;
	x->e.connections[place_of("syn-ack-unanswered")] = x->c;
}

static void check_handshakes(struct handshakes *x, bool is)
{
	check_found(&x->d, &x->e, is ? "syn-ack-unanswered" : NULL, SEVERITY_WARNING);
}

static void half_open(void)
{
	const struct {
		size_t n, hosts;
		bool is;
	} rows[] = {
		{ 8, 1, true },	  { 7, 1, false },   { 8, 2, true },	{ 8, 3, false },
		{ 40, 10, true }, { 40, 11, false }, { 40, 40, false },
	};
	struct handshakes x;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin_handshakes(&x, rows[i].n, rows[i].hosts);
		printf("# row %zu\n", i);
		check_handshakes(&x, rows[i].is);
		detect_free(&x.d);
	}
	begin_handshakes(&x, 8, 1);
	CHECK_INT(figure(&x.d, &x.e, "unanswered"), 8);
	CHECK_INT(figure(&x.d, &x.e, "hosts"), 1);
	x.c[7].read[1] = false; /* answered meanwhile, or gone */
	check_handshakes(&x, false);
	detect_free(&x.d);
}

/* Of one SYN-ACK fewer none is a candidate; nor is one that a fast open has made. */
static void half_open_rows(void)
{
	struct sock s = row(STATE_SYN_RECV, ip4(1, 80), ip4(2, 40000));
	struct detect d;

	begin(&d);
	s.retrans = 5;
	detect_row(&d, &s);
	s.has = 0;
	s.retrans = 1;
	detect_row(&d, &s);
	CHECK_INT(suspects(&d, "syn-ack-unanswered")->n, 0);
	s.retrans = 2;
	detect_row(&d, &s);
	CHECK_INT(suspects(&d, "syn-ack-unanswered")->n, 1);
	detect_free(&d);
}

static void no_route(void)
{
	struct handshakes x;

	begin_handshakes(&x, 0, 1);
	check_handshakes(&x, false);
	x.l.drops[1] = 5;
	check_handshakes(&x, false);
	x.e.counters[1].no_routes[1] = 4;
	check_handshakes(&x, false);
	x.e.counters[1].no_routes[1] = 5;
	check_handshakes(&x, true);
	CHECK_INT(figure(&x.d, &x.e, "syns_without_route"), 5);
	/* Something else may have dropped them. */
	x.e.counters[1].reqq_full = 1;
	check_handshakes(&x, false);
	x.e.counters[1].reqq_full = 0;
	x.e.counters[1].known = false;
	check_handshakes(&x, false);
	detect_free(&x.d);
}

int main(void)
{
	RUN(candidates, "rows whose keepalive probes are in vain");
	RUN(unanswered, "probes that have no answer");
	RUN(ends, "when the kernel gives up");
	RUN(one_peer, "one process and one peer are one finding");
	RUN(half_open, "handshakes of few hosts stay half-open");
	RUN(half_open_rows, "which rows of them count");
	RUN(no_route, "SYNs that are dropped for want of a route");
	return unit_done();
}
