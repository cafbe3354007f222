/*
 * inspect --wait: until something matches, or nothing does any more. The kernel tells of
 * sockets that end, not of those that begin, so this looks again and again: cheaply,
 * because a look asks only for the states and ports in question and ends at the first
 * row.
 */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "cmd/inspect.h"
#include "model/names.h"
#include "view/format.h"

enum { FIRST_PAUSE_US = 2000, LONGEST_PAUSE_US = 50000, STOP = -ECANCELED };

static int first_row(void *ctx, struct sock *s)
{
	(void)s;
	*(bool *)ctx = true;
	return STOP;
}

/* One look. Returns 0 or -errno; *matched says whether there was a row. */
static int look(struct inspect_config *c, struct reader *reader, bool *matched,
		struct fault *f)
{
	struct collect_request request = c->request;
	struct collect_sink sink = { first_row, NULL, matched };
	struct collect_result result = { false };
	int r;

	*matched = false;
	request.record = NULL;
	/* Nothing is shown: only what the filter itself needs is looked up. */
	request.needs = 0;
	r = collect_run(reader, &request, &sink, &result, f);
	if (r == STOP)
		return 0;
	if (r == 0 && !result.complete)
		return fault_say(f, EIO, "the sockets could not be read completely");
	return r;
}

enum { SHOWN = 3 };

struct nearest {
	struct buf text;
	unsigned rows;
};

static int near_row(void *ctx, struct sock *s)
{
	struct nearest *n = ctx;

	if (n->rows++ >= SHOWN)
		return STOP;
	buf_printf(&n->text, "%s%s ", n->rows > 1 ? "; " : "", state_name(s->state));
	format_cell(&n->text, field_find("local", 5), s, true);
	buf_puts(&n->text, " ");
	format_cell(&n->text, field_find("peer", 4), s, true);
	return 0;
}

/* What has not gone: the rows that match. */
static void tell_left(const struct command *cmd, struct inspect_config *c,
		      struct reader *reader)
{
	struct nearest n = { 0 };
	struct collect_sink sink = { near_row, NULL, &n };
	struct collect_request request = c->request;
	struct collect_result result;

	request.record = NULL;
	request.needs = 0;
	collect_run(reader, &request, &sink, &result, NULL);
	if (n.rows)
		fprintf(stderr, "sockctl %s: still there: %s%s\n", cmd->name,
			buf_cstr(&n.text), n.rows > SHOWN ? "; and more" : "");
	buf_free(&n.text);
}

/* What is on these ports instead: other states, other addresses. */
static void tell_nearest(const struct command *cmd, struct inspect_config *c,
			 struct reader *reader)
{
	struct nearest n = { 0 };
	struct collect_sink sink = { near_row, NULL, &n };
	struct collect_request request = { .protos = c->request.protos,
					   .states = STATES_ALL,
					   .filter = c->ports_only };
	struct collect_result result;

	if (c->ports_only)
		collect_run(reader, &request, &sink, &result, NULL);
	if (n.rows)
		fprintf(stderr, "sockctl %s: nearest: %s%s\n", cmd->name,
			buf_cstr(&n.text), n.rows > SHOWN ? "; and more" : "");
	else if (c->ports_only)
		fprintf(stderr, "sockctl %s: no socket at all uses these ports\n",
			cmd->name);
	buf_free(&n.text);
}

int inspect_wait(const struct command *cmd, struct inspect_config *c,
		 struct reader *reader)
{
	uint64_t deadline = clock_us() + c->wait_us, pause = FIRST_PAUSE_US;
	_cleanup_buf_ struct buf waited = { 0 };
	struct fault f = FAULT_INIT;
	bool matched;

	for (;;) {
		uint64_t now;

		if (look(c, reader, &matched, &f) < 0) {
			cmd_error(cmd, &f);
			return EXIT_CANNOT;
		}
		if (matched != c->until_gone)
			return EXIT_YES;
		now = clock_us();
		if (now >= deadline)
			break;
		clock_sleep_until(MIN(now + pause, deadline));
		pause = MIN(pause * 2, (uint64_t)LONGEST_PAUSE_US);
	}
	if (c->wait_us < 1000000)
		buf_printf(&waited, "%llu ms", (unsigned long long)c->wait_us / 1000);
	else
		buf_put_duration(&waited, c->wait_us / 1000);
	fprintf(stderr, "sockctl %s: %s within %s\n", cmd->name,
		c->until_gone ? "what matches did not go away" : "nothing matched",
		buf_cstr(&waited));
	if (c->until_gone)
		tell_left(cmd, c, reader);
	else
		tell_nearest(cmd, c, reader);
	return EXIT_DEADLINE;
}
