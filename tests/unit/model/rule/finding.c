/* Findings from synthetic rows and synthetic evidence. */
#include "unit/model/rule/rows.h"

static struct addr loop4(uint16_t port)
{
	struct addr a;
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr_from_sockaddr(&a, (const struct sockaddr *)&in, sizeof(in));
	return a;
}

static struct addr any6(uint16_t port)
{
	return (struct addr){ .family = AF_INET6, .port = port };
}

static void destinations(void)
{
	struct evidence e = {
		.limits = { .ephemeral_ports = 100, .tw_reuse = 2, .timestamps = 1 }
	};
	struct detect d;
	struct sock s;
	int i;

	begin(&d);
	for (i = 0; i < 79; i++) {
		s = row(STATE_ESTABLISHED, ip4(1, (uint16_t)(40000 + i)), ip4(2, 80));
		detect_row(&d, &s);
	}
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	s = row(STATE_SYN_SENT, ip4(1, 40079), ip4(2, 80));
	detect_row(&d, &s);
	check_found(&d, &e, "ephemeral-exhaustion", SEVERITY_WARNING);
	for (i = 0; i < 15; i++) {
		s = row(STATE_TIME_WAIT, ip4(1, (uint16_t)(40080 + i)), ip4(2, 80));
		s.expires_ms = 30000; /* not loopback: not given back */
		detect_row(&d, &s);
	}
	check_found(&d, &e, "ephemeral-exhaustion", SEVERITY_CRITICAL);
	e.limits.tw_reuse = 1;
	check_found(&d, &e, "ephemeral-exhaustion", SEVERITY_WARNING);
	e.limits.ephemeral_listeners = 16; /* of 84 that are left, 80 are used */
	check_found(&d, &e, "ephemeral-exhaustion", SEVERITY_CRITICAL);
	detect_free(&d);

	/* What is reserved was never drawn. */
	begin(&d);
	d.reserved[40000] = true;
	s = row(STATE_ESTABLISHED, ip4(1, 40000), ip4(2, 80));
	detect_row(&d, &s);
	CHECK_INT(d.n_destinations, 0);
	s.local.port++;
	detect_row(&d, &s);
	CHECK_INT(d.n_destinations, 1);
	detect_free(&d);

	begin(&d);
	s = row(STATE_LISTEN, loop4(50000), ip4(0, 0));
	detect_row(&d, &s);
	for (i = 0; i < 100; i++) {
		s = row(STATE_TIME_WAIT, loop4((uint16_t)(40000 + i)), loop4(80));
		s.expires_ms = 30000;
		detect_row(&d, &s);
		s = row(STATE_ESTABLISHED, loop4(50000), loop4((uint16_t)(1000 + i)));
		detect_row(&d, &s);
	}
	CHECK_INT(d.n_destinations, 1);
	e.limits.tw_reuse = 2;
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	e.limits.timestamps = 0;
	check_found(&d, &e, "ephemeral-exhaustion", SEVERITY_CRITICAL);
	detect_free(&d);
}

/* The range is one for IPv4 and dual-stack sockets that connect to the same place. */
static void mapped_destinations(void)
{
	struct evidence e = { .limits = { .ephemeral_ports = 100 } };
	struct detect d;
	struct sock s;
	int i;

	begin(&d);
	for (i = 0; i < 80; i++) {
		struct addr from = ip4(1, (uint16_t)(40000 + i)), to = ip4(2, 80);

		s = i % 2 ? row(STATE_ESTABLISHED, mapped(from), mapped(to))
			  : row(STATE_ESTABLISHED, from, to);
		detect_row(&d, &s);
	}
	CHECK_INT(d.n_destinations, 1);
	check_found(&d, &e, "ephemeral-exhaustion", SEVERITY_WARNING);
	detect_free(&d);
}

static void shadows(void)
{
	struct holder a = { .command = "java", .pid = 1, .fd = 3 },
		      b = { .command = "nginx", .pid = 2, .fd = 3 };
	struct sock specific = row(STATE_LISTEN, mapped(loop4(80)), ip4(0, 0));
	struct sock wide = row(STATE_LISTEN,
			       (struct addr){ .family = AF_INET, .port = 80 }, ip4(0, 0));
	struct listener_facts l[] = {
		{ .row = &specific,
		  .limit = 9,
		  .members = 1,
		  .shadow = true,
		  .holders = &a },
		{ .row = &wide, .limit = 9, .members = 1, .shadow = true, .holders = &b },
	};
	struct evidence e = { .listeners = l, .n_listeners = 2 };
	struct detect d;

	begin(&d);
	check_found(&d, &e, "shadowed-listener", SEVERITY_WARNING);
	wide = row(STATE_LISTEN, any6(80), ip4(0, 0));
	wide.has |= SOCK_HAS_V6ONLY;
	check_found(&d, &e, "shadowed-listener", SEVERITY_WARNING);
	wide.v6only = true; /* it takes no IPv4 */
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	detect_free(&d);
}

/* A SYN waits for the listener that would take it: with the client's question the figure,
 * not a finding of its own. */
static void unanswered(void)
{
	struct sock full = row(STATE_LISTEN, any6(80), ip4(0, 0));
	struct sock room = row(STATE_LISTEN, ip4(1, 80), ip4(0, 0));
	struct sock client = row(STATE_SYN_SENT, ip4(1, 40000), ip4(1, 80));
	struct listener_facts l[] = {
		{ .row = &full,
		  .limit = 9,
		  .members = 1,
		  .read = { true },
		  .queued = { 10 } },
		{ .row = &room, .limit = 9, .members = 1, .read = { true } },
	};
	struct connection_facts c = { .row = &client, .read = { true }, .suspect = true };
	struct evidence e = { .listeners = l, .n_listeners = 1 };
	struct findings fs = { 0 };
	struct detect d;

	full.has |= SOCK_HAS_V6ONLY;
	client.retrans = (uint8_t)threshold("syn-sent-unanswered", 0);
	begin(&d);
	detect_row(&d, &client);
	e.connections[place_of("syn-sent-unanswered")] = &c;
	CHECK_INT(figure(&d, &e, "unanswered"), 1);
	/* A more specific one takes it, and has room. */
	e.n_listeners = 2;
	rules_judge(&d, &e, &fs);
	CHECK_INT(fs.n, 2);
	findings_free(&fs);
	/* v6only takes no IPv4. */
	e.n_listeners = 1;
	full.v6only = true;
	rules_judge(&d, &e, &fs);
	CHECK_INT(fs.n, 2);
	findings_free(&fs);
	detect_free(&d);
}

static void queues(void)
{
	struct sock listener = row(STATE_LISTEN, ip4(1, 80), ip4(0, 0));
	struct listener_facts l = { .row = &listener,
				    .limit = 9,
				    .members = 1,
				    .read = { true, true },
				    .queued = { 8, 8 } };
	struct evidence e = { .listeners = &l, .n_listeners = 1, .interval_ms = 200 };
	struct detect d;

	begin(&d);
	check_found(&d, &e, "accept-queue-filling", SEVERITY_WARNING);
	l.queued[1] = 7; /* not in both readings */
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	l.queued[0] = l.queued[1] = 10;
	check_found(&d, &e, "accept-queue-full", SEVERITY_CRITICAL);
	l.queued[1] = 9; /* no longer full, but close to it */
	check_found(&d, &e, "accept-queue-filling", SEVERITY_WARNING);
	e.interval_ms = 0;
	l.read[1] = false; /* there was one reading: what was seen is told */
	check_found(&d, &e, "accept-queue-full", SEVERITY_CRITICAL);
	l.queued[0] = 9;
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	detect_free(&d);
}

static void syn_capacity(void)
{
	struct net_limits n = { .syncookies = 1,
				.syn_backlog = 16,
				.has_syn_backlog = true };

	CHECK_INT(evidence_syn_capacity(&n, 128), 129);
	n.syncookies = 0;
	CHECK_INT(evidence_syn_capacity(&n, 128), 12);
	CHECK_INT(evidence_syn_capacity(&n, 3), 4);
}

/* Drops of a listener count as overflows where ListenOverflows rises with them. */
static void bursts(void)
{
	struct sock s = row(STATE_LISTEN, ip4(1, 80), ip4(0, 0));
	struct listener_facts l = { .row = &s,
				    .members = 1,
				    .limit = 5,
				    .drops = { 7, 9 },
				    .has_drops = true,
				    .read = { true, true } };
	struct evidence e = { .listeners = &l,
			      .n_listeners = 1,
			      .interval_ms = 500,
			      .counters = {
				      { .known = true, .listen_overflows = 100 },
				      { .known = true, .listen_overflows = 102 } } };
	struct detect d;

	begin(&d);
	check_found(&d, &e, "accept-queue-overflow", SEVERITY_WARNING);
	CHECK_INT(figure(&d, &e, "drops_between_readings"), 2);
	e.counters[1].listen_overflows = 100;
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	e.counters[1].listen_overflows = 102;
	l.drops[1] = 7;
	check_found(&d, &e, NULL, SEVERITY_NOTE);
	/* A queue that is full is told as such. */
	l.drops[1] = 9;
	l.queued[0] = l.queued[1] = 6;
	check_found(&d, &e, "accept-queue-full", SEVERITY_CRITICAL);

	/* Who is worth a second reading, and for how long he is watched. */
	l.queued[0] = l.queued[1] = 0;
	e.counters[1].known = false;
	CHECK(!rules_suspect_listener(&d, &e, &l));
	e.asked = true;
	CHECK(rules_suspect_listener(&d, &e, &l));
	CHECK_INT(rules_patience(&d, &e, &l), 1000);
	l.drops[0] = 0;
	CHECK(!rules_suspect_listener(&d, &e, &l));
	l.drops[0] = 7;
	e.asked = false;
	e.counters[1].known = true;
	CHECK(rules_suspect_listener(&d, &e, &l));
	detect_free(&d);
}

int main(void)
{
	RUN(destinations, "ports a destination, with and without TIME_WAIT");
	RUN(mapped_destinations, "an IPv4 destination is one for both kinds of sockets");
	RUN(shadows, "a mapped address is an IPv4 address to other listeners");
	RUN(queues, "full and filling, in both readings");
	RUN(unanswered,
	    "a SYN without an answer is one to the listener that would take it");
	RUN(syn_capacity, "what a SYN queue holds");
	RUN(bursts, "a queue that overflows in bursts, and an old drop");
	return unit_done();
}
