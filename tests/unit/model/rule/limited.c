/* What a window, a send buffer or Nagle's algorithm limits, and what only looks so. */
#include <stddef.h>

#include "unit/model/rule/rows.h"

enum { RTT_US = 60000, SEGMENT = 1000, WINDOW = 20000, LOOKS = 10, INTERVAL_MS = 1000 };

static void begin_with_one(struct detect *d)
{
	struct sock s;

	*d = (struct detect){ .notes = true, .draw = { .lo = 32768, .hi = 60999 } };
	rules_begin(d);
	s = row(STATE_ESTABLISHED, ip4(1, 40000), ip4(2, 80));
	s.send_queue = 100;
	s.timer = TIMER_RETRANSMIT;
	detect_row(d, &s);
}

static void check(struct detect *d, const char *id, struct connection_facts *c, bool told)
{
	struct evidence e = { .interval_ms = INTERVAL_MS };

	c->row = suspects(d, id)->v[0];
	e.connections[place_of(id)] = c;
	check_found(d, &e, told ? id : NULL, SEVERITY_NOTE);
}

/* A window each round trip, and it is full in each look. */
static struct connection_facts limited(void)
{
	return (struct connection_facts){
		.suspect = true,
		.has_sent = true,
		.has_send_window = true,
		.scales = true,
		.read = { true, true },
		.acked = { 0, (uint64_t)WINDOW * INTERVAL_MS * 1000 / RTT_US },
		.held = { { 0 }, { .window_us = INTERVAL_MS * 1000ull } },
		.looks = { .n = LOOKS,
			   .window_least = WINDOW,
			   .window_most = WINDOW,
			   .filled = LOOKS },
		.rtt_us = RTT_US,
		.rtt_least_us = RTT_US,
		.snd_wnd = WINDOW,
		.mss = SEGMENT,
		.cwnd = 2 * WINDOW / SEGMENT,
	};
}

static void windows(void)
{
	uint32_t share = threshold("window-limited", 0),
		 trips = threshold("window-limited", 1),
		 rtt_ms = threshold("window-limited", 2),
		 queue = threshold("window-limited", 3),
		 grown = threshold("window-limited", 4);
	struct connection_facts c = limited();
	struct detect d;

	begin_with_one(&d);
	check(&d, "window-limited", &c, true);
	c.held[1].window_us = share * INTERVAL_MS * 10ull;
	check(&d, "window-limited", &c, true);
	c.held[1].window_us -= 10ull * INTERVAL_MS;
	check(&d, "window-limited", &c, false);
	/* A queue before the bottleneck; what is too near; too few round trips. */
	c = limited();
	c.rtt_us += RTT_US * queue / 100;
	check(&d, "window-limited", &c, true);
	c.rtt_us++;
	check(&d, "window-limited", &c, false);
	c = limited();
	c.rtt_us = c.rtt_least_us = rtt_ms * 1000 - 1;
	c.acked[1] = 1ull << 40;
	check(&d, "window-limited", &c, false);
	c.rtt_us = c.rtt_least_us = rtt_ms * 1000;
	check(&d, "window-limited", &c, true);
	c.rtt_us = c.rtt_least_us = INTERVAL_MS * 1000 / trips + 1;
	check(&d, "window-limited", &c, false);
	/* A program that reads slowly: in bursts, or evenly. */
	c = limited();
	c.looks.window_least = WINDOW - WINDOW / 8;
	check(&d, "window-limited", &c, true);
	c.looks.window_least--;
	check(&d, "window-limited", &c, false);
	c = limited();
	c.cwnd = grown * WINDOW / SEGMENT;
	check(&d, "window-limited", &c, true);
	c.cwnd++;
	check(&d, "window-limited", &c, false);
	/* It gets far less: something else limits it. It was not full. One look is none.
	 */
	c = limited();
	c.acked[1] /= 3;
	check(&d, "window-limited", &c, false);
	c = limited();
	c.looks.filled = LOOKS / 2 - 1;
	check(&d, "window-limited", &c, false);
	c = limited();
	c.looks.n = c.looks.filled = 2;
	check(&d, "window-limited", &c, false);
	/* Older kernels. */
	c = limited();
	c.has_sent = false;
	check(&d, "window-limited", &c, false);
	c = limited();
	c.rtt_least_us = 0;
	check(&d, "window-limited", &c, false);
	detect_free(&d);
}

static void buffers(void)
{
	uint32_t share = threshold("sndbuf-limited", 0);
	struct sock_options o = { .buffers_set = BUFFER_SEND };
	struct connection_facts c = limited();
	struct detect d;

	begin_with_one(&d);
	c.held[1].window_us = 0;
	c.looks.filled = 0;
	c.looks.all_in = LOOKS;
	c.looks.full = LOOKS;
	check(&d, "sndbuf-limited", &c, false);
	c.options = &o;
	check(&d, "sndbuf-limited", &c, true);
	c.looks.full = LOOKS * 3 / 4;
	check(&d, "sndbuf-limited", &c, false);
	c.held[1].buffer_us = share * INTERVAL_MS * 10ull;
	check(&d, "sndbuf-limited", &c, true);
	c.looks.all_in = LOOKS / 2 - 1;
	check(&d, "sndbuf-limited", &c, false);
	c.looks.all_in = LOOKS;
	/* Nobody knows who set it; nobody did; the other one. */
	o.buffers_set = UINT64_MAX;
	check(&d, "sndbuf-limited", &c, false);
	o.buffers_set = 0;
	check(&d, "sndbuf-limited", &c, false);
	o.buffers_set = BUFFER_RECEIVE;
	check(&d, "sndbuf-limited", &c, false);
	detect_free(&d);
}

static void nagle(void)
{
	uint32_t least = threshold("nagle-delay", 0),
		 late_ms = threshold("nagle-delay", 1);
	struct sock_options o = { .nodelay = 0, .cork = 0 };
	struct connection_facts c = limited();
	struct detect d;

	begin_with_one(&d);
	c.looks = (struct looks){ .n = LOOKS, .small = least, .small_anew = least };
	c.received[1] = 10;
	c.options = &o;
	c.rtt_us = c.rtt_least_us + late_ms * 1000;
	check(&d, "nagle-delay", &c, false);
	c.rtt_us++;
	check(&d, "nagle-delay", &c, true);
	c.rtt_us = c.rtt_least_us;
	c.looks.small_most_ms = RTT_US * 5 / 4 / 1000 + late_ms + 1;
	check(&d, "nagle-delay", &c, true);
	c.options = NULL;
	check(&d, "nagle-delay", &c, true);
	c.options = &o;
	o.nodelay = 1;
	check(&d, "nagle-delay", &c, false);
	o.nodelay = 0;
	o.cork = 1;
	check(&d, "nagle-delay", &c, false);
	o.cork = UINT64_MAX;
	check(&d, "nagle-delay", &c, true);
	/* Always behind the same one; behind none; in one direction; sent again. */
	c.looks.small_anew--;
	check(&d, "nagle-delay", &c, false);
	c.looks.small_anew++;
	c.looks.corked = 1;
	check(&d, "nagle-delay", &c, false);
	c.looks.corked = 0;
	c.received[0] = c.received[1];
	check(&d, "nagle-delay", &c, false);
	c.received[0] = 0;
	c.sent[1].again = 1;
	check(&d, "nagle-delay", &c, false);
	detect_free(&d);
}

int main(void)
{
	RUN(windows, "what limits is the window, and not a queue or a slow reader");
	RUN(buffers, "a send buffer that the program has set");
	RUN(nagle, "small writes behind a delayed acknowledgment");
	return unit_done();
}
