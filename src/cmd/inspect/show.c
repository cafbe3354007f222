#include "cmd/inspect/show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "kernel/evidence/gather.h"
#include "kernel/proc/procfile.h"
#include "model/origin.h"
#include "model/owner_status.h"
#include "model/rule/rules.h"
#include "view/tally.h"
#include "view/view_findings.h"

struct show {
	const struct command *cmd;
	const struct inspect_plan *plan;
	struct reader *reader;
	struct detect *detect; /* NULL = no findings are made */
	struct threshold_counts thresholds;
	struct view *view;
	struct out *out;
	struct tally tally;
	struct arena arena; /* rows that wait to be sorted */
	struct sock **rows;
	size_t n_rows, cap_rows;
	uint64_t seen, limit;
	bool limited;
	bool rows_missing;  /* of what there is */
	uint64_t unlimited; /* listeners whose backlog is not known */
	bool undecided;	    /* a threshold, by what is not known */
	int enough; /* after the last row shown: STOP, or 0 where all are wanted */
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

static int show_row(void *ctx, struct sock *s)
{
	struct show *show = ctx;

	if (UNLIKELY(show->seen == show->limit)) {
		show->limited = true;
		return show->enough;
	}
	show->seen++;
	if (UNLIKELY(view_row(show->view, s) < 0))
		return show->plan->args->record ? 0 : STOP;
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

static int (*const row_fns[])(void *ctx, struct sock *s) = {
	[ROWS_SHOWN] = show_row,
	[ROWS_SORTED] = keep_row,
	[ROWS_COUNTED] = count_row,
	[ROWS_NOTED] = note_row,
};

static int judge_and_go_on(void *ctx, struct sock *s)
{
	struct show *show = ctx;

	if (show->detect) {
		detect_row(show->detect, s);
		show->unlimited += sock_is_listener(s) && !(s->has & SOCK_HAS_LIMIT);
	}
	if (!(show->plan->shown_protos & BIT(s->proto)))
		return 0;
	threshold_row(&show->thresholds, show->cmd, show->reader, s);
	return row_fns[show->plan->rows](show, s);
}

static void show_note(void *ctx, const char *id, const char *text)
{
	struct show *show = ctx;

	if (show->plan->args->format == VIEW_JSON)
		view_note_json(show->out, id, text);
	cmd_say(show->cmd, "%s", text);
}

/* qsort has no context argument that is portable; glibc's has. */
static int by_field(const void *a, const void *b, void *ctx)
{
	const struct inspect_plan *plan = ctx;
	struct value x, y;
	int d;

	field_value(plan->sort, *(struct sock *const *)a, &x);
	field_value(plan->sort, *(struct sock *const *)b, &y);
	/* What is not known comes last either way. */
	if (x.kind == VALUE_ABSENT || y.kind == VALUE_ABSENT)
		return (x.kind == VALUE_ABSENT) - (y.kind == VALUE_ABSENT);
	d = value_compare(&x, &y);
	return plan->descending ? -d : d;
}

static bool is_value_unknown(const struct field *f, const struct sock *s)
{
	struct value v;

	return !field_value(f, s, &v) &&
	       (field_is_lacking(f, s) ||
		((f->needs & NEED_OWNERS) && owner_is_unknown(s->owner_status)));
}

static void show_sorted(struct show *show)
{
	size_t i;

	if (show->n_rows)
		qsort_r(show->rows, show->n_rows, sizeof(*show->rows), by_field,
			(void *)(uintptr_t)show->plan);
	for (i = 0; i < show->n_rows && i < show->limit; i++)
		if (view_row(show->view, show->rows[i]) < 0)
			break; /* a reader that had enough is no limit of ours */
	show->seen = i;
	show->limited = i == show->limit && i < show->n_rows;
}

static void show_tally(struct show *show, const struct view_options *opt)
{
	if (!show->plan->args->count) {
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
	const struct inspect_args *args = show->plan->args;

	if (args->common.quiet || args->format != VIEW_TABLE)
		return;
	cmd_say(show->cmd, "no %s",
		args->what & WHAT_PROTOS
			? "socket matches"
			: "TCP socket matches (-u: UDP, -x: unix sockets)");
}

static int code_of_rows(const struct show *show, const struct collect_result *result)
{
	if (!result->complete)
		return EXIT_CANNOT;
	if (threshold_failed(&show->thresholds, show->cmd))
		return EXIT_NO;
	if (threshold_unsure(&show->thresholds, NULL))
		return EXIT_CANNOT;
	if (!show->seen && !show->limited && show->plan->needs_one) {
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
	show_note(show, result->hidden_field ? "column-missing" : "owner-hidden", f.what);
	result->complete = false;
}

static void tell_limited(struct show *show)
{
	bool values = show->plan->group;
	uint64_t n = values ? show->limit : show->seen;

	/* On a terminal it stands below them. */
	view_end_rows(show->view);
	out_flush(show->out);
	cmd_say(show->cmd, "stopped after %llu %s%s (--limit); there are more",
		(unsigned long long)n, values ? "value" : "row", n == 1 ? "" : "s");
}

static void tell_missing(struct show *show, const char *text,
			 struct collect_result *result)
{
	show_note(show, "evidence-missing", text);
	result->complete = false;
}

/* What was not read may be what is wrong. */
static void tell_unread(struct show *show, int err, struct collect_result *result)
{
	char text[160];

	if (err == 0)
		return;
	snprintf(text, sizeof(text),
		 "not all evidence could be read: findings may be missing: %s",
		 strerror(err));
	tell_missing(show, text, result);
}

/* Who asks for findings takes none for an answer: a full queue is none where its limit is
 * not known. */
static void tell_gaps(struct show *show, const struct evidence *e, uint32_t gaps,
		      struct collect_result *result)
{
	char text[256];
	unsigned gap;

	if (show->plan->args->findings == FINDINGS_AUTO)
		return;
	if (show->unlimited) {
		snprintf(text, sizeof(text),
			 "the backlog limits of %llu listener%s are not known: whether "
			 "their queues are full cannot be told",
			 (unsigned long long)show->unlimited,
			 show->unlimited == 1 ? "" : "s");
		tell_missing(show, text, result);
	}
	for (gap = 0; gap < GAPS; gap++)
		if (gaps & BIT(gap))
			tell_missing(show,
				     evidence_gap(e, (enum gap)gap, text, sizeof(text)),
				     result);
}

/* stdout belongs to the rows: findings stand among them where a person reads them, or
 * where each line says what it is. */
static void put_findings(const struct show *show, const struct findings *findings,
			 const struct view_options *opt, enum severity least)
{
	struct view_options beside = *opt;
	struct out err;

	if (opt->format == VIEW_JSON || (opt->format == VIEW_TABLE && !opt->words)) {
		view_findings(findings, least, opt, show->out);
		return;
	}
	out_init(&err, STDERR_FILENO);
	err.b.ascii = opt->ascii;
	beside.width = term_width(STDERR_FILENO);
	beside.colour = term_use_colour((enum term_when)show->plan->args->common.color,
					STDERR_FILENO);
	view_findings(findings, least, &beside, &err);
	out_flush(&err);
	out_discard(&err);
}

/* A record does not say which tables its host had. */
static void name_legacy(struct findings *findings, bool recorded, uint32_t asker)
{
	struct legacy_rules l = { LEGACY_UNKNOWN, LEGACY_UNKNOWN };

	if (!recorded)
		procfile_legacy_rules(&l);
	findings_name_legacy(findings, &l, asker);
}

/* Reads the evidence for what was seen and shows the findings, and what may be missing.
 */
static void show_findings(struct show *show, const struct view_options *opt,
			  struct collect_result *result)
{
	const struct inspect_plan *plan = show->plan;
	bool all = plan->findings == FINDINGS_ALL;
	struct detect *seen = show->detect;
	struct evidence evidence = { .asked = plan->args->findings != FINDINGS_AUTO };
	struct findings findings = { 0 };

	seen->whole_tcp = plan->whole_tcp;
	seen->whole_ports = plan->whole_ports;
	evidence_read(show->reader, seen, &evidence, all, seen->whole_tcp);
	if (show->reader->no_diag && (plan->request.protos & BIT(PROTO_UNIX_STREAM)))
		evidence.gaps |= BIT(GAP_UNIX);
	rules_judge(seen, &evidence, &findings);
	if (findings_name_rules(&findings))
		name_legacy(&findings, plan->args->from, evidence.asker);
	findings_act_in(&findings, plan->args->netns, evidence.asker);
	put_findings(show, &findings, opt, all ? SEVERITY_NOTE : SEVERITY_WARNING);
	tell_unread(show, evidence.unread, result);
	tell_gaps(show, &evidence, evidence.gaps | findings.gaps, result);
	findings_free(&findings);
	evidence_free(&evidence);
}

/* Which rows are the first ones is not known where some have an unknown place. */
static void tell_unordered(struct show *show, struct collect_result *result)
{
	const struct field *f = show->plan->sort;
	char text[128];
	size_t i = 0;

	if (show->plan->rows != ROWS_SORTED || show->n_rows <= show->limit || !f)
		return;
	while (i < show->n_rows && !is_value_unknown(f, show->rows[i]))
		i++;
	if (i == show->n_rows)
		return;
	snprintf(text, sizeof(text),
		 "%s of some sockets is not known: others may be the first", f->name);
	show_note(show, "column-missing", text);
	result->complete = false;
}

static void tell_unknown_group(struct show *show)
{
	char text[128];

	snprintf(text, sizeof(text), "%s of %llu socket%s is not known",
		 show->plan->group->name, (unsigned long long)show->tally.unknown,
		 show->tally.unknown == 1 ? "" : "s");
	show_note(show, "column-missing", text);
}

static void tell_shortcomings(struct show *show, struct collect_result *result)
{
	const struct inspect_args *args = show->plan->args;
	struct fault f = FAULT_INIT;

	/* A number is wrong by one row that it lacks. */
	if (result->hidden[0] &&
	    ((!show->seen && !show->n_rows) || args->count || args->summary))
		tell_hidden(show, result);
	/* A threshold that what may not be read could turn round is no answer either. */
	show->undecided = threshold_unsure(&show->thresholds, &f);
	if (show->undecided)
		show_note(show, f.err == ENODATA ? "column-missing" : "owner-hidden",
			  f.what);
	tell_unordered(show, result);
	if (show->tally.unknown)
		tell_unknown_group(show);
}

static void tell_origin(const struct show *show, const struct origin *origin)
{
	_cleanup_buf_ struct buf b = { 0 };

	origin_put(&b, origin);
	cmd_say(show->cmd, "%s", buf_cstr(&b));
}

/* Runs the collection and says how it ended. Returns an exit code. */
static int collect_and_show(struct show *show, const struct collect_request *request,
			    const struct view_options *opt)
{
	const struct inspect_plan *plan = show->plan;
	bool judges = show->detect || thresholds_any(&plan->thresholds);
	struct collect_sink sink = {
		.row = judges ? judge_and_go_on : row_fns[plan->rows],
		.note = show_note,
		.ctx = show,
	};
	struct collect_result result = { false };
	struct view_end end = { 0 };
	struct fault f = FAULT_INIT;
	int r;

	if (show->detect)
		evidence_begin(show->detect);
	r = collect_run(show->reader, request, &sink, &result, &f);

	if (r < 0 && r != STOP) {
		if (f.err)
			cmd_error(show->cmd, &f);
		result.complete = false;
		result.rows_missing = true;
	}
	show->rows_missing = result.rows_missing;
	tell_shortcomings(show, &result);
	if (plan->rows == ROWS_NOTED)
		return code_of_rows(show, &result);
	if (plan->rows == ROWS_SORTED)
		show_sorted(show);
	if (plan->rows == ROWS_COUNTED)
		show_tally(show, opt);
	if (show->limited)
		tell_limited(show);
	if (show->detect && r != STOP && !show->out->err) {
		/* What was read so far is shown before the second look takes its time. */
		view_end_rows(show->view);
		out_flush(show->out);
		show_findings(show, opt, &result);
	}
	end.rows = show->seen;
	end.complete = result.complete && !show->limited && !show->undecided;
	end.limited = show->limited;
	end.origin = result.origin;
	if (result.origin && plan->args->common.verbose)
		tell_origin(show, result.origin);
	if (plan->rows != ROWS_COUNTED || opt->format == VIEW_JSON)
		view_finish(show->view, &end);
	return code_of_rows(show, &result);
}

int inspect_open_files(const struct inspect_args *args, struct inspect_files *files,
		       struct fault *f)
{
	int r = 0;

	out_init(&files->out, STDOUT_FILENO);
	out_init(&files->record, -1);
	if (args->output)
		r = out_open(&files->out, args->output, f);
	if (r == 0 && args->record)
		r = out_open(&files->record, args->record, f);
	/* The second would take the place of the first. */
	if (r == 0 && args->record && out_same_file(&files->out, &files->record)) {
		r = fault_say(f, EEXIST, "--record %s and -O %s are the same file",
			      args->record, args->output);
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
	const struct inspect_args *args = show->plan->args;
	int r = 0;

	keep_old(show, &files->record);
	keep_old(show, &files->out);
	if (files->record.fd >= 0)
		r = cmd_close_output(show->cmd, &files->record, args->record);
	if (r == 0 && files->out.fd >= 0)
		r = cmd_close_output(show->cmd, &files->out, args->output);
	return r;
}

int inspect_show(const struct command *cmd, const struct inspect_plan *plan,
		 struct reader *reader, struct inspect_files *files)
{
	const struct inspect_args *args = plan->args;
	struct collect_request request = plan->request;
	struct view_options opt = plan->view, rows;
	struct out *out = &files->out;
	struct detect detect = { 0 };
	struct show show = {
		.cmd = cmd,
		.plan = plan,
		.reader = reader,
		.out = out,
		.limit = args->limit,
		.enough = plan->reads_all ? 0 : STOP,
	};
	int code;

	if (args->record)
		request.record = &files->record;
	/* What a program reads is not made for the terminal that it was started on. */
	out->b.ascii = opt.format == VIEW_TABLE ? opt.ascii : args->ascii;
	opt.width = term_width(out->fd);
	opt.colour = opt.format == VIEW_TABLE &&
		     term_use_colour((enum term_when)args->common.color, out->fd);
	show.tally.field = plan->group;
	show.tally.ascii = out->b.ascii && opt.format != VIEW_JSON;
	show.tally.limit = args->limit;
	show.tally.protos = plan->shown_protos;
	show.tally.words = opt.words;
	if (plan->findings != FINDINGS_OFF) {
		show.detect = &detect;
		detect.notes = plan->findings == FINDINGS_ALL;
		rules_begin(&detect);
		detect.bound_files_too = !args->from && (args->what & WHAT_UNIX);
	}
	threshold_begin(&show.thresholds, &plan->thresholds);
	/* No names of columns where their rows are counted. */
	rows = opt;
	rows.headings = opt.headings && plan->rows != ROWS_COUNTED;
	show.view = view_new(&rows, out);
	code = collect_and_show(&show, &request, &opt);
	view_free(show.view);
	tally_free(&show.tally);
	threshold_end(&show.thresholds);
	if (show.detect)
		detect_free(show.detect);
	arena_free(&show.arena);
	free(show.rows);
	return close_files(&show, files) < 0 ? EXIT_CANNOT : code;
}
