/* Rows to the reader: streamed, sorted, grouped or counted; then what must be said about
 * them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cmd/inspect/inspect.h"
#include "kernel/evidence/gather.h"
#include "view/tally.h"

struct show {
	const struct command *cmd;
	struct inspect_config *c;
	struct reader *reader;
	bool failed; /* a --fail-... was hit */
	struct view *view;
	struct out *out;
	struct tally tally;
	struct arena arena; /* rows that wait to be sorted */
	struct sock **rows;
	size_t n_rows, cap_rows;
	uint64_t seen;
	bool limited;
	bool rows_missing; /* of what there is */
	int enough;	   /* after the last row shown: STOP, or 0 where all are wanted */
};

enum { STOP = -ECANCELED };

/* What happens to a row, chosen once: counted, kept until all are there, or shown. */
static int count_row(void *ctx, struct sock *s)
{
	struct show *show = ctx;

	tally_add(&show->tally, s);
	show->seen++;
	return 0;
}

static int keep_row(void *ctx, struct sock *s)
{
	struct show *show = ctx;

	show->rows = array_grow(show->rows, show->n_rows, &show->cap_rows,
				sizeof(*show->rows));
	show->rows[show->n_rows++] = sock_dup(&show->arena, s);
	return 0;
}

/* Whether findings and thresholds are asked for: they are about all rows. */
static bool judges(const struct inspect_config *c)
{
	return c->detect || c->n_fail_rules || c->fail_drops ||
	       c->fail_fill != UINT64_MAX;
}

static int show_row(void *ctx, struct sock *s)
{
	struct show *show = ctx;

	if (UNLIKELY(show->seen == show->c->limit)) {
		show->limited = true;
		return show->enough;
	}
	show->seen++;
	if (UNLIKELY(view_row(show->view, s) < 0))
		return show->c->record ? 0 : STOP;
	return 0;
}

/* -q: only whether there is a row. */
static int note_row(void *ctx, struct sock *s)
{
	struct show *show = ctx;

	(void)s;
	show->seen++;
	return show->enough;
}

static int (*what_happens(const struct inspect_config *c))(void *ctx, struct sock *s)
{
	if (c->common.quiet)
		return note_row;
	if (c->count || c->summary || c->group)
		return count_row;
	return c->sort_field ? keep_row : show_row;
}

static int judge_and_go_on(void *ctx, struct sock *s)
{
	struct show *show = ctx;
	struct inspect_config *c = show->c;

	if (c->detect)
		detect_row(c->detect, s);
	if (!(c->shown_protos & BIT(s->proto)))
		return 0;
	threshold_row(c, show->cmd, show->reader, s, &show->failed);
	return what_happens(c)(show, s);
}

static void show_note(void *ctx, const char *id, const char *text)
{
	struct show *show = ctx;

	if (show->c->format == VIEW_JSON)
		view_note_json(show->out, id, text);
	cmd_say(show->cmd, "%s", text);
}

/* qsort has no context argument that is portable; glibc's has. */
static int by_field(const void *a, const void *b, void *ctx)
{
	const struct inspect_config *c = ctx;
	struct value x, y;
	int d;

	field_value(c->sort_field, *(struct sock *const *)a, &x);
	field_value(c->sort_field, *(struct sock *const *)b, &y);
	/* What is not known comes last either way. */
	if (x.kind == VALUE_ABSENT || y.kind == VALUE_ABSENT)
		return (x.kind == VALUE_ABSENT) - (y.kind == VALUE_ABSENT);
	d = value_compare(&x, &y);
	return c->sort_descending ? -d : d;
}

static void show_sorted(struct show *show)
{
	size_t i;

	if (show->n_rows)
		qsort_r(show->rows, show->n_rows, sizeof(*show->rows), by_field,
			(void *)(uintptr_t)show->c);
	for (i = 0; i < show->n_rows && i < show->c->limit; i++)
		if (view_row(show->view, show->rows[i]) < 0)
			break; /* a reader that had enough is no limit of ours */
	show->seen = i;
	show->limited = i == show->c->limit && i < show->n_rows;
}

static void show_tally(struct show *show, const struct view_options *opt)
{
	if (!show->c->count) {
		show->limited = tally_show(&show->tally, opt, show->out);
	} else if (opt->format == VIEW_JSON) {
		struct json j = json_on(&show->out->b);

		json_begin_object(&j, "summary");
		json_member_u64(&j, "count", show->tally.rows);
		json_end_object(&j);
	} else {
		buf_put_u64(&show->out->b, show->tally.rows);
		buf_putc(&show->out->b, '\n');
	}
}

/* An empty screen leaves people wondering whether the program worked at all. */
static void say_nothing_matched(const struct show *show)
{
	const struct inspect_config *c = show->c;

	if (c->common.quiet || c->format != VIEW_TABLE)
		return;
	cmd_say(show->cmd, "no %s",
		c->what & WHAT_PROTOS ? "socket matches"
				      : "TCP socket matches (-u: UDP, -x: unix sockets)");
}

static int exit_code(const struct show *show, const struct collect_result *result)
{
	const struct inspect_config *c = show->c;

	if (!result->complete)
		return EXIT_CANNOT;
	if (threshold_failed(c, show->cmd, show->failed))
		return EXIT_NO;
	if (threshold_unsure(c))
		return EXIT_CANNOT;
	if (!show->seen && !show->limited && !c->count && !c->summary &&
	    !c->allow_empty && !c->until_gone && !c->n_fail_rules && !c->fail_drops &&
	    c->fail_fill == UINT64_MAX) {
		say_nothing_matched(show);
		return EXIT_NO;
	}
	return EXIT_YES;
}

/* Nothing matched, but that is no answer: what may not be read could have. */
static void tell_hidden(struct show *show, struct collect_result *result)
{
	struct fault f = FAULT_INIT;

	fault_say(&f, EACCES, INSPECT_HIDDEN, result->hidden);
	show_note(show, "owner-hidden", f.what);
	result->complete = false;
}

static void tell_limited(struct show *show)
{
	uint64_t n = show->c->group ? show->c->limit : show->seen;

	/* On a terminal it stands below them. */
	view_end_rows(show->view);
	out_flush(show->out);
	cmd_say(show->cmd, "stopped after %llu %s%s (--limit); there are more",
		(unsigned long long)n, show->c->group ? "value" : "row",
		n == 1 ? "" : "s");
}

/* A threshold that what may not be read could turn round is no answer either. */
static void tell_unsure(struct show *show, const struct fail_rule *rule)
{
	struct fault f = FAULT_INIT;
	char shown[160];

	fault_say(
		&f, EACCES,
		"--fail-if %s: %llu socket%s, and %llu that processes may hold which may "
		"not be read",
		escape_text(shown, sizeof(shown), rule->text, strlen(rule->text)),
		(unsigned long long)rule->count, rule->count == 1 ? "" : "s",
		(unsigned long long)rule->unsure);
	show_note(show, "owner-hidden", f.what);
}

/* What was not read may be what is wrong. */
static void tell_unread(struct show *show, int err, struct collect_result *result)
{
	char text[160];

	if (err == 0)
		return;
	snprintf(text, sizeof(text),
		 "not all evidence could be read: findings may be missing: %s",
		 strerror(-err));
	show_note(show, "evidence-missing", text);
	result->complete = false;
}

/* Runs the collection and says how it ended. Returns an exit code. */
static int collect_and_show(struct show *show, struct reader *reader,
			    const struct view_options *opt)
{
	struct inspect_config *c = show->c;
	struct collect_sink sink = {
		.row = judges(c) ? judge_and_go_on : what_happens(c),
		.note = show_note,
		.ctx = show,
	};
	struct collect_result result = { false };
	struct view_end end = { 0 };
	struct fault f = FAULT_INIT;
	bool counts = c->count || c->summary || c->group;
	int r;

	if (c->detect)
		evidence_begin(c->detect);
	r = collect_run(reader, &c->request, &sink, &result, &f);

	if (r < 0 && r != STOP) {
		if (f.err)
			cmd_error(show->cmd, &f);
		result.complete = false;
		result.rows_missing = true;
	}
	show->rows_missing = result.rows_missing;
	/* A number is wrong by one row that it lacks. */
	if (result.hidden[0] &&
	    ((!show->seen && !show->n_rows) || c->count || c->summary))
		tell_hidden(show, &result);
	if (threshold_unsure(c))
		tell_unsure(show, threshold_unsure(c));
	if (c->common.quiet)
		return exit_code(show, &result);
	if (c->sort_field)
		show_sorted(show);
	if (counts)
		show_tally(show, opt);
	if (show->limited)
		tell_limited(show);
	if (c->detect && r != STOP && !show->out->err) {
		/* What was read so far is shown before the second look takes its time. */
		view_end_rows(show->view);
		out_flush(show->out);
		tell_unread(show, inspect_findings_show(c, reader, opt, show->out),
			    &result);
	}
	end.rows = show->seen;
	end.complete = result.complete;
	if (!counts || opt->format == VIEW_JSON)
		view_finish(show->view, &end);
	return exit_code(show, &result);
}

int inspect_open_files(const struct inspect_config *c, struct inspect_files *files,
		       struct fault *f)
{
	int r = 0;

	out_init(&files->out, STDOUT_FILENO);
	out_init(&files->record, -1);
	if (c->output)
		r = out_open(&files->out, c->output, f);
	if (r == 0 && c->record)
		r = out_open(&files->record, c->record, f);
	/* The second would take the place of the first. */
	if (r == 0 && c->record && out_same_file(&files->out, &files->record)) {
		r = fault_say(f, EEXIST, "--record %s and -O %s are the same file",
			      c->record, c->output);
		fault_hint(f, "give one of them another name");
	}
	return r;
}

void inspect_files_free(struct inspect_files *files)
{
	out_discard(&files->out);
	out_discard(&files->record);
}

/* A part of the rows is not what a file is replaced for. */
static void keep_old(const struct show *show, struct out *o)
{
	if (!o->path || !show->rows_missing)
		return;
	fprintf(stderr, "sockctl %s: %s %s: rows are missing\n", show->cmd->name, o->path,
		o->at.fd >= 0 ? "stays as it was" : "is not written");
	out_discard(o);
	out_init(o, -1);
}

static int close_files(const struct show *show, struct inspect_files *files)
{
	const struct inspect_config *c = show->c;
	int r = 0;

	keep_old(show, &files->record);
	keep_old(show, &files->out);
	if (files->record.fd >= 0)
		r = cmd_close_output(show->cmd, &files->record, c->record);
	if (r == 0 && files->out.fd >= 0)
		r = cmd_close_output(show->cmd, &files->out, c->output);
	return r;
}

int inspect_show(const struct command *cmd, struct inspect_config *c,
		 struct reader *reader, struct inspect_files *files)
{
	struct out *out = &files->out;
	struct show show = { .cmd = cmd,
			     .c = c,
			     .reader = reader,
			     .out = out,
			     /* a record, too, is of all of them */
			     .enough = judges(c) || c->record ? 0 : STOP };
	struct view_options opt = {
		.format = (enum view_format)c->format,
		.columns = c->shown.v,
		.n_columns = c->shown.n,
		.headings = !c->no_headings && !c->common.quiet,
		.ascii = c->ascii || !term_utf8(),
	}, rows;
	int code;

	if (c->record)
		c->request.record = &files->record;
	/* What a program reads is not made for the terminal that it was started on. */
	out->b.ascii = opt.format == VIEW_TABLE ? opt.ascii : c->ascii;
	opt.width = term_width(out->fd);
	opt.colour = opt.format == VIEW_TABLE &&
		     term_use_colour((enum term_when)c->common.color, out->fd);
	show.tally.field = c->group_field;
	show.tally.ascii = out->b.ascii && opt.format != VIEW_JSON;
	show.tally.limit = c->limit;
	/* No names of columns where their rows are counted. */
	rows = opt;
	rows.headings = opt.headings && !c->count && !c->summary && !c->group;
	show.view = view_new(&rows, out);
	code = collect_and_show(&show, reader, &opt);
	view_free(show.view);
	tally_free(&show.tally);
	arena_free(&show.arena);
	free(show.rows);
	return close_files(&show, files) < 0 ? EXIT_CANNOT : code;
}
