/* Which connections to this host are judged to be without another end. */
#include "unit/model/rule/rows.h"

#define ID "rewritten-connection"

static void begin_with_notes(struct detect *d, bool notes)
{
	*d = (struct detect){ .notes = notes, .draw = { .lo = 32768, .hi = 60999 } };
	rules_begin(d);
}

static void add(struct detect *d, enum sock_state state, struct addr local,
		struct addr peer)
{
	struct sock s = row(state, local, peer);

	detect_row(d, &s);
}

static void candidates(void)
{
	struct detect d;

	begin_with_notes(&d, true);
	add(&d, STATE_ESTABLISHED, ip4(1, 40000), ip4(1, 80));
	add(&d, STATE_ESTABLISHED, mapped(ip4(1, 40001)), mapped(ip4(1, 80)));
	CHECK_INT(suspects(&d, ID)->n, 2);
	add(&d, STATE_ESTABLISHED, ip4(1, 40000), ip4(2, 80));
	add(&d, STATE_CLOSE_WAIT, ip4(1, 40002), ip4(1, 80));
	add(&d, STATE_TIME_WAIT, ip4(1, 40003), ip4(1, 80));
	CHECK_INT(suspects(&d, ID)->n, 2);
	detect_free(&d);
	begin_with_notes(&d, false);
	add(&d, STATE_ESTABLISHED, ip4(1, 40000), ip4(1, 80));
	CHECK_INT(suspects(&d, ID)->count, 0);
	detect_free(&d);
}

static void readings(void)
{
	const struct {
		bool alone[2], read[2];
		uint64_t acked;
		uint32_t interval_ms;
		bool found;
	} rows[] = {
		{ { true, true }, { true, true }, 2, 200, true },
		{ { true, true }, { true, true }, 1000, 200, true },
		{ { true, true }, { true, true }, 1, 200, false },
		{ { true, true }, { true, true }, 0, 200, false },
		{ { true, false }, { true, true }, 1000, 200, false },
		{ { false, true }, { true, true }, 1000, 200, false },
		{ { true, true }, { true, false }, 1000, 200, false },
		{ { true, true }, { true, true }, 1000, 0, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct connection_facts c = { .suspect = true, .has_info = true };
		struct evidence e = { .interval_ms = rows[i].interval_ms };
		struct detect d;

		begin_with_notes(&d, true);
		add(&d, STATE_ESTABLISHED, ip4(1, 40000), ip4(1, 80));
		c.row = suspects(&d, ID)->v[0];
		memcpy(c.alone, rows[i].alone, sizeof(c.alone));
		memcpy(c.read, rows[i].read, sizeof(c.read));
		c.acked[0] = c.acked[1] = rows[i].acked;
		e.connections[place_of(ID)] = &c;
		check_found(&d, &e, rows[i].found ? ID : NULL, SEVERITY_NOTE);
		if (rows[i].found)
			CHECK_INT(figure(&d, &e, "bytes_acked"),
				  (int64_t)rows[i].acked - 1);
		detect_free(&d);
	}
}

/* That the other end is gone is excluded by traffic only. */
static void traffic(void)
{
	struct connection_facts c = { .suspect = true,
				      .has_info = true,
				      .alone = { true, true },
				      .read = { true, true },
				      .acked = { 10, 10 } };
	struct evidence e = { .interval_ms = 200 };
	struct findings fs = { 0 };
	struct detect d;
	size_t i;

	begin_with_notes(&d, true);
	add(&d, STATE_ESTABLISHED, ip4(1, 40000), ip4(1, 80));
	c.row = suspects(&d, ID)->v[0];
	e.connections[place_of(ID)] = &c;
	for (i = 0; i < 2; i++) {
		c.received[1] = i;
		e.netns_hidden = i;
		rules_judge(&d, &e, &fs);
		CHECK_INT(fs.n, 1);
		CHECK(!strstr(fs.v[0]->summary, "could not be read") == (i == 0));
		CHECK(!strstr(fs.v[0]->summary, "may also be gone") == (i == 1));
		findings_free(&fs);
		fs = (struct findings){ 0 };
	}
	detect_free(&d);
}

int main(void)
{
	RUN(candidates, "connections from an address of this host to the same");
	RUN(readings, "alone in two readings, with data acknowledged");
	RUN(traffic, "that the other end is gone is excluded by traffic only");
	return unit_done();
}
