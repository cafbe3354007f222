/* What the host runs out of, from synthetic readings: no test may take it there. */
#include "unit/model/rule/rows.h"

/* The findings of these readings are this one, or none. */
static void check_host(const struct evidence *e, bool whole, const char *want,
		       enum severity severity)
{
	struct findings fs = { 0 };
	struct detect d;

	begin(&d);
	d.whole_tcp = whole;
	rules_judge(&d, e, &fs);
	CHECK_INT(fs.n, want ? 1 : 0);
	if (fs.n && want) {
		CHECK_STR(fs.v[0]->rule->id, want);
		CHECK_INT(fs.v[0]->severity, severity);
	}
	findings_free(&fs);
	detect_free(&d);
}

static bool second_look(const struct evidence *e)
{
	struct evidence copy = *e;
	struct detect d;
	bool again;

	begin(&d);
	d.whole_tcp = true;
	again = rules_suspect(&d, &copy) == AGAIN_EACH;
	detect_free(&d);
	return again;
}

/* Both readings are of a host that does well. */
static struct evidence readings(void)
{
	static const struct host_facts well = { .tcp_pages = 500,
						.tcp_mem = { 300, 400, 600 },
						.knows_tcp_memory = true,
						.knows_tcp_mem = true };

	return (struct evidence){ .interval_ms = 200,
				  .counters = { { .known = true }, { .known = true } },
				  .host = { well, well } };
}

static void tcp_memory(void)
{
	struct evidence e = readings();

	/* Above the pressure level, and the kernel does nothing about it. */
	check_host(&e, true, NULL, SEVERITY_NOTE);
	CHECK(!second_look(&e));
	/* Old counters are history, pruning alone is a slow reader's. */
	e.counters[0].tcp_pressures = e.counters[1].tcp_pressures = 9;
	e.counters[0].tcp_pruned = 40;
	e.counters[1].tcp_pruned = 50;
	check_host(&e, true, NULL, SEVERITY_NOTE);
	e.counters[1].tcp_pressures = 10;
	check_host(&e, true, "tcp-memory", SEVERITY_WARNING);
	check_host(&e, false, NULL, SEVERITY_NOTE); /* something else was asked for */
	e.counters[1].known = false;
	check_host(&e, true, NULL, SEVERITY_NOTE);
	e.host[0].tcp_pressed = true;
	CHECK(second_look(&e));
	check_host(&e, true, NULL, SEVERITY_NOTE); /* it is over */
	e.host[1].tcp_pressed = true;
	check_host(&e, true, "tcp-memory", SEVERITY_WARNING);
	e.host[1].knows_tcp_memory = false;
	check_host(&e, true, NULL, SEVERITY_NOTE);
	e.interval_ms = 0; /* there was one reading */
	check_host(&e, true, "tcp-memory", SEVERITY_WARNING);
}

static void no_tcp_memory(void)
{
	struct evidence e = readings();

	e.host[0].tcp_pages = 600;
	CHECK(second_look(&e));
	check_host(&e, true, NULL, SEVERITY_NOTE);
	e.host[1].tcp_pages = 599;
	check_host(&e, true, NULL, SEVERITY_NOTE);
	e.host[1].tcp_pages = 600;
	check_host(&e, true, "tcp-memory", SEVERITY_CRITICAL);
	/* A network namespace of its own does not show the limit. */
	e.host[1].knows_tcp_mem = false;
	check_host(&e, true, NULL, SEVERITY_NOTE);
	e.host[1].tcp_pressed = true;
	check_host(&e, true, "tcp-memory", SEVERITY_WARNING);
}

static void conntrack(void)
{
	struct evidence e = readings();
	struct host_facts *h = e.host;
	int i;

	for (i = 0; i < 2; i++) {
		h[i].knows_tracked = h[i].knows_track_drops = true;
		h[i].tracked = 949;
		h[i].most_tracked = 1000;
		h[i].track_drops = 70; /* long ago */
		h[i].track_early = 9;
	}
	check_host(&e, true, NULL, SEVERITY_NOTE);
	CHECK(!second_look(&e));
	h[1].track_drops = 75; /* for another reason: there is room */
	check_host(&e, true, NULL, SEVERITY_NOTE);
	h[0].tracked = h[1].tracked = 950;
	CHECK(second_look(&e));
	check_host(&e, true, "conntrack-full", SEVERITY_CRITICAL);
	check_host(&e, false, NULL, SEVERITY_NOTE); /* something else was asked for */
	h[1].track_failed = 5;			    /* each of them was there already */
	check_host(&e, true, NULL, SEVERITY_NOTE);
	h[1].track_drops = h[1].track_failed = 0; /* a counter began anew */
	check_host(&e, true, NULL, SEVERITY_NOTE);
	h[1].track_early = 10; /* made room: it was full in between */
	check_host(&e, true, "conntrack-full", SEVERITY_WARNING);
	h[0].knows_track_drops = false;
	check_host(&e, true, NULL, SEVERITY_NOTE);
	h[1].tracked = 1000; /* the counters are not needed for that */
	check_host(&e, true, "conntrack-full", SEVERITY_WARNING);
	h[1].tracked = 5000; /* the limit was lowered */
	check_host(&e, true, "conntrack-full", SEVERITY_WARNING);
	h[1].most_tracked = 0; /* there is none */
	check_host(&e, true, NULL, SEVERITY_NOTE);
	h[1].most_tracked = 1000;
	h[1].knows_tracked = false;
	check_host(&e, true, NULL, SEVERITY_NOTE);
}

static void files(void)
{
	struct evidence e = readings();
	int i;

	for (i = 0; i < 2; i++) {
		e.host[i].knows_files = true;
		e.host[i].files = 98999;
		e.host[i].most_files = 100000;
	}
	check_host(&e, true, NULL, SEVERITY_NOTE);
	e.host[0].files = 100000; /* and some were closed */
	check_host(&e, true, NULL, SEVERITY_NOTE);
	e.host[1].files = 99000;
	check_host(&e, true, "file-table-full", SEVERITY_WARNING);
	check_host(&e, false, NULL, SEVERITY_NOTE); /* something else was asked for */
	e.host[1].files = 100000;
	check_host(&e, true, "file-table-full", SEVERITY_CRITICAL);
	e.host[1].most_files = 50; /* it was lowered */
	check_host(&e, true, "file-table-full", SEVERITY_CRITICAL);
	e.host[1].most_files = INT64_MAX; /* of a systemd */
	check_host(&e, true, NULL, SEVERITY_NOTE);
	e.host[1].files = UINT64_MAX;
	check_host(&e, true, "file-table-full", SEVERITY_CRITICAL);
	e.host[1].knows_files = false;
	check_host(&e, true, NULL, SEVERITY_NOTE);
	e.interval_ms = 0; /* there was one reading */
	check_host(&e, true, "file-table-full", SEVERITY_CRITICAL);
}

int main(void)
{
	RUN(tcp_memory, "pressure on TCP's memory, now or between two readings");
	RUN(no_tcp_memory, "no more memory for TCP, where the limit is known");
	RUN(conntrack, "the table of connection tracking is full, or drops");
	RUN(files, "the host has no more open files");
	return unit_done();
}
