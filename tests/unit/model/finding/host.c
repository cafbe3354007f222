/* What the host runs out of, from synthetic readings: no test may take it there. */
#include "unit/model/finding/rows.h"

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

int main(void)
{
	RUN(tcp_memory, "pressure on TCP's memory, now or between two readings");
	RUN(no_tcp_memory, "no more memory for TCP, where the limit is known");
	return unit_done();
}
