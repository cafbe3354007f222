#include "cmd/inspect/wait.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "kernel/watch/gone.h"
#include "model/names.h"
#include "view/format.h"

enum {
	FIRST_PAUSE_US = 2000,
	LONGEST_PAUSE_US = 50000,
	TOLD_PAUSE_US = 500000, /* the end of what matches will be told */
	STOP = -ECANCELED,
};

/* What a look saw. */
struct sight {
	bool matched;
	/* of the first row that matched */
	uint8_t state, timer;
	uint32_t expires_ms;
	char lacking[256]; /* the last note: why it did not see all; "" = it did */
	char hidden[160];  /* as in struct collect_result */
	bool column;	   /* ... and it is one that is missing */
};

static int first_row(void *ctx, struct sock *s)
{
	struct sight *sight = ctx;

	sight->matched = true;
	sight->state = s->state;
	sight->timer = s->timer;
	sight->expires_ms = s->expires_ms;
	return STOP;
}

/* What makes a look incomplete is the last that is noted. */
static void keep_note(void *ctx, const char *id, const char *text)
{
	struct sight *sight = ctx;

	(void)id;
	snprintf(sight->lacking, sizeof(sight->lacking), "%s", text);
}

/* One look. Returns 0 or -errno. */
static int take_look(const struct inspect_plan *plan, struct reader *reader,
		     struct sight *sight, struct fault *f)
{
	struct collect_request request = plan->request;
	struct collect_sink sink = { first_row, keep_note, sight };
	struct collect_result result = { false };
	int r;

	*sight = (struct sight){ .matched = false };
	if (plan->files)
		filter_files_look(plan->files);
	request.protos = plan->shown_protos;
	/* Nothing is shown: only what the filter itself needs is looked up. */
	request.needs = 0;
	r = collect_run(reader, &request, &sink, &result, f);
	if (r == STOP)
		return 0;
	if (r == 0 && !result.complete)
		return fault_say(f, EIO, "the sockets could not be read completely: %s",
				 sight->lacking);
	memcpy(sight->hidden, result.hidden, sizeof(sight->hidden));
	sight->column = result.hidden_field;
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
static void tell_left(const struct command *cmd, const struct inspect_plan *plan,
		      struct reader *reader)
{
	struct nearest n = { 0 };
	struct collect_sink sink = { near_row, NULL, &n };
	struct collect_request request = plan->request;
	struct collect_result result;

	request.protos = plan->shown_protos;
	request.needs = 0;
	collect_run(reader, &request, &sink, &result, NULL);
	if (n.rows)
		cmd_say(cmd, "still there: %s%s", buf_cstr(&n.text),
			n.rows > SHOWN ? "; and more" : "");
	buf_free(&n.text);
}

/* What is on these ports instead: other states, other addresses. */
static void tell_nearest(const struct command *cmd, const struct inspect_plan *plan,
			 struct reader *reader)
{
	struct nearest n = { 0 };
	struct collect_sink sink = { near_row, NULL, &n };
	struct collect_request request = { .protos = plan->shown_protos,
					   .states = STATES_ALL,
					   .filter = plan->ports_only };
	struct collect_result result;

	if (plan->ports_only)
		collect_run(reader, &request, &sink, &result, NULL);
	if (n.rows)
		cmd_say(cmd, "nearest: %s%s", buf_cstr(&n.text),
			n.rows > SHOWN ? "; and more" : "");
	else if (plan->ports_only)
		cmd_say(cmd, "no socket at all uses these ports");
	buf_free(&n.text);
}

/*
 * How long the row that was seen may be left alone, *told if its end will be: a remnant's
 * clock runs to zero; another socket is freed, if it matches whatever its state is, or as
 * a listener, which has no other. 0 = unknown.
 */
static uint64_t rest_us(const struct inspect_plan *plan, const struct sight *sight,
			bool told)
{
	uint32_t states = plan->request.states & STATES_DEFAULT, life = STATES_CONNECTED;

	if (plan->shown_protos & BIT(PROTO_UDP))
		life |= 1 << STATE_CLOSE;
	if (sight->timer == TIMER_REMNANT)
		return MIN(sight->expires_ms * 1000ull + 1000, (uint64_t)TOLD_PAUSE_US);
	if (told && filter_is_fixed(plan->request.filter) &&
	    sight->state != STATE_SYN_RECV &&
	    ((states & life) == life || states == 1 << STATE_LISTEN))
		return TOLD_PAUSE_US;
	return 0;
}

/* Nothing matched for certain: that is no answer where what may not be read could. */
static int tell_hidden(const struct command *cmd, const struct inspect_plan *plan,
		       const struct sight *sight)
{
	_cleanup_out_ struct out out = { 0 };
	char text[192];

	snprintf(text, sizeof(text), INSPECT_HIDDEN, sight->hidden);
	cmd_say(cmd, "%s", text);
	if (plan->args->format == VIEW_JSON && !plan->args->output &&
	    !plan->args->common.quiet) {
		struct view_options opt = { .format = VIEW_JSON };
		struct view_end end = { 0 };
		struct view *view;

		out_init(&out, STDOUT_FILENO);
		view = view_new(&opt, &out);
		view_note_json(&out, sight->column ? "column-missing" : "owner-hidden",
			       text);
		view_finish(view, &end);
		view_free(view);
		out_flush(&out);
	}
	return EXIT_CANNOT;
}

/* Looks until it is time to show, EXIT_YES, or to give up, EXIT_DEADLINE. */
static int look_until(const struct command *cmd, const struct inspect_plan *plan,
		      struct reader *reader, uint64_t deadline, struct sight *sight)
{
	_cleanup_close_ int news = plan->args->until_gone ? gone_open(plan->shown_protos)
							  : -1;
	uint64_t pause = FIRST_PAUSE_US, now;
	struct fault f = FAULT_INIT;

	for (;;) {
		uint64_t began = clock_us(), rest;

		if (take_look(plan, reader, sight, &f) < 0) {
			cmd_error(cmd, &f);
			return EXIT_CANNOT;
		}
		if (!sight->matched && plan->args->until_gone && sight->hidden[0])
			return tell_hidden(cmd, plan, sight);
		if (sight->matched != plan->args->until_gone)
			return EXIT_YES;
		now = clock_us();
		if (now >= deadline)
			return EXIT_DEADLINE;
		rest = plan->args->until_gone ? rest_us(plan, sight, news >= 0) : 0;
		rest = rest ? rest : pause;
		pause = MIN(pause * 2, (uint64_t)LONGEST_PAUSE_US);
		/* Where sockets end all the time, looking is not all that is done. */
		if (gone_wait(news, MIN(now + rest, deadline)))
			clock_sleep_until(MIN(now + 4 * (now - began), deadline));
	}
}

int inspect_wait(const struct command *cmd, const struct inspect_plan *plan,
		 struct reader *reader, uint64_t deadline_us)
{
	_cleanup_buf_ struct buf waited = { 0 };
	struct sight sight = { .matched = false };
	int code = look_until(cmd, plan, reader, deadline_us, &sight);

	if (code != EXIT_DEADLINE)
		return code;
	if (plan->args->wait_us < 1000000)
		buf_printf(&waited, "%llu ms",
			   (unsigned long long)plan->args->wait_us / 1000);
	else
		buf_put_duration(&waited, plan->args->wait_us / 1000);
	cmd_say(cmd, "%s within %s",
		plan->args->until_gone ? "what matches did not go away"
		: sight.hidden[0]      ? "nothing matched for certain"
				       : "nothing matched",
		buf_cstr(&waited));
	if (!plan->args->until_gone && sight.hidden[0])
		return tell_hidden(cmd, plan, &sight);
	if (plan->args->until_gone)
		tell_left(cmd, plan, reader);
	else
		tell_nearest(cmd, plan, reader);
	return EXIT_DEADLINE;
}
