/* The share of retransmissions that makes a path lossy, and what does not count. */
#include <stddef.h>

#include "unit/model/rule/rows.h"

#include "model/tcpinfo.h"

enum { SEGMENT = 1000 };

/* A connection that has been busy for long, with so many segments sent. */
static struct connection_facts facts(struct detect *d, uint64_t segments, uint32_t again)
{
	struct sent_facts sent = { .bytes = segments * SEGMENT,
				   .bytes_again = (uint64_t)again * SEGMENT,
				   .again = again };

	return (struct connection_facts){ .row = suspects(d, "lossy-path")->v[0],
					  .suspect = true,
					  .has_sent = true,
					  .read = { true, true },
					  .sent = { sent, sent },
					  .busy_us = 60 * 1000000ull,
					  .rtt_us = 40000 };
}

static void begin_with(struct detect *d, size_t n)
{
	struct sock s;
	size_t i;

	begin(d);
	for (i = 0; i < n; i++) {
		s = row(STATE_ESTABLISHED, ip4(1, (uint16_t)(40000 + i)),
			ip4(2, (uint16_t)(80 + i % 2)));
		s.send_queue = 100;
		s.timer = TIMER_RETRANSMIT;
		detect_row(d, &s);
	}
}

static void check(struct detect *d, struct connection_facts *c, int severity)
{
	struct evidence e = { .interval_ms = 200 };

	e.connections[place_of("lossy-path")] = c;
	check_found(d, &e, severity < 0 ? NULL : "lossy-path", (enum severity)severity);
}

static void shares(void)
{
	uint32_t warning = threshold("lossy-path", 0), least = threshold("lossy-path", 1),
		 note = threshold("lossy-path", 4);
	const struct {
		uint64_t sent;
		uint32_t again, duplicates, unanswered, reordered;
		int severity; /* -1 = silent */
	} rows[] = {
		{ 100000, 0, 0, 0, 0, -1 },
		{ 100000, 100, 0, 0, 0, -1 }, /* what every path loses */
		{ 100000, note * 1000 - 1, 0, 0, 0, -1 },
		{ 100000, note * 1000, 0, 0, 0, SEVERITY_NOTE },
		{ 100000, warning * 1000 - 100, 0, 0, 0, SEVERITY_NOTE },
		{ 100000, warning * 1000, 0, 0, 0, SEVERITY_WARNING },
		/* A short one. */
		{ 3, 1, 0, 0, 0, -1 },
		{ 20, least - 1, 0, 0, 0, -1 },
		{ 20, least, 0, 0, 0, SEVERITY_WARNING },
		/* Timeouts of a peer that may be gone. */
		{ 30, 15, 0, 15, 0, -1 },
		{ 30, 15, 0, 6, 0, -1 },
		/* What came late. */
		{ 100000, 13065, 11796, 0, 2358, -1 },
		{ 100000, 13065, 0, 0, 711, SEVERITY_NOTE },
		{ 100000, 6472, 0, 0, 22, SEVERITY_NOTE },
		{ 100000, 8000, 400, 0, 900, SEVERITY_WARNING },
		/* The kernel takes a loss for that now and then. */
		{ 100000, 8000, 0, 0, 7, SEVERITY_WARNING },
		{ 1000, 60, 0, 0, 2, SEVERITY_WARNING },
		/* What no kernel counts. */
		{ 1, UINT32_MAX, 0, 0, 0, SEVERITY_WARNING },
		{ 1, 20, UINT32_MAX, UINT32_MAX, UINT32_MAX, -1 },
	};
	struct detect d;
	size_t i;

	begin_with(&d, 1);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct connection_facts c = facts(&d, rows[i].sent, rows[i].again);

		c.sent[0].duplicates = c.sent[1].duplicates = rows[i].duplicates;
		c.retrans = rows[i].unanswered;
		c.reordered = rows[i].reordered;
		printf("# row %zu\n", i);
		check(&d, &c, rows[i].severity);
	}
	detect_free(&d);
}

/* The beginning of a connection is no share, nor what an older kernel does not tell. */
static void spans(void)
{
	uint32_t trips = threshold("lossy-path", 2), busy_ms = threshold("lossy-path", 3);
	struct connection_facts c;
	struct detect d;

	begin_with(&d, 1);
	c = facts(&d, 1000, 100);
	c.busy_us = (uint64_t)c.rtt_us * trips;
	check(&d, &c, SEVERITY_WARNING);
	c.busy_us--;
	check(&d, &c, -1);
	c.rtt_us = 100;
	c.busy_us = busy_ms * 1000ull;
	check(&d, &c, SEVERITY_WARNING);
	c.busy_us--;
	check(&d, &c, -1);
	c = facts(&d, 1000, 100);
	c.has_sent = false;
	check(&d, &c, -1);
	/* None where some should have been: it is over. */
	c = facts(&d, 1000, 100);
	c.sent[1].bytes += 60 * SEGMENT;
	check(&d, &c, SEVERITY_NOTE);
	c.sent[1].bytes -= 10 * SEGMENT;
	check(&d, &c, SEVERITY_WARNING);
	/* It has begun to lose: many round trips between the readings show that. */
	c = facts(&d, 1000000, 10);
	c.sent[1].bytes += 1000 * SEGMENT;
	c.sent[1].bytes_again += 80 * SEGMENT;
	c.sent[1].again += 80;
	check(&d, &c, -1);
	c.rtt_us = 200000 / trips;
	check(&d, &c, SEVERITY_WARNING);
	detect_free(&d);
}

/* One path, one finding: whatever the port, and whoever sends. */
static void one_host(void)
{
	struct holder a = { .command = "a", .pid = 1, .fd = 3 },
		      b = { .command = "b", .pid = 2, .fd = 3 };
	struct evidence e = { .interval_ms = 200 };
	struct connection_facts c[4];
	struct detect d;
	size_t i;

	begin_with(&d, ARRAY_SIZE(c));
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		c[i] = facts(&d, 1000, 70);
		c[i].row = suspects(&d, "lossy-path")->v[i];
		c[i].holders = i % 2 ? &a : &b;
	}
	c[3].suspect = false; /* it loses nothing */
	e.connections[place_of("lossy-path")] = c;
	check_found(&d, &e, "lossy-path", SEVERITY_WARNING);
	CHECK_INT(figure(&d, &e, "sockets"), 3);
	CHECK_INT(figure(&d, &e, "retransmitted_permille"), 70);
	CHECK_INT(figure(&d, &e, "bytes_sent"), 3000 * SEGMENT);
	detect_free(&d);
}

/* A row with TCP_INFO tells itself whether more is worth it. */
static void rows_with_info(void)
{
	struct tcpinfo info = { .bytes_sent = 100000 };
	struct detect d;
	struct sock s = row(STATE_ESTABLISHED, ip4(1, 80), ip4(2, 1));

	begin(&d);
	detect_row(&d, &s);
	s.tcp_info = (struct blob){ &info, sizeof(info) };
	detect_row(&d, &s);
	info.bytes_retrans = 999;
	detect_row(&d, &s);
	CHECK_INT(suspects(&d, "lossy-path")->n, 0);
	info.bytes_retrans = 1000;
	detect_row(&d, &s);
	CHECK_INT(suspects(&d, "lossy-path")->n, 1);
	s.tcp_info.len = offsetof(struct tcpinfo, bytes_retrans); /* before 4.19 */
	detect_row(&d, &s);
	CHECK_INT(suspects(&d, "lossy-path")->n, 1);
	detect_free(&d);
}

int main(void)
{
	RUN(shares, "shares that are lossy, and what does not count as lost");
	RUN(spans, "over how long it is one");
	RUN(one_host, "one path is one finding");
	RUN(rows_with_info, "a row that has TCP_INFO");
	return unit_done();
}
