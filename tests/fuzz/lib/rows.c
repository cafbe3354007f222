#include "fuzz/lib/rows.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "fuzz/fuzz.h"
#include "model/field/field.h"

void rows_collect(const void *dump, size_t size, struct collect_request *req,
		  const struct collect_sink *sink, struct collect_result *result)
{
	_cleanup_reader_ struct reader reader = { .threads = 1 };
	int fd = memfd_create("dump", MFD_CLOEXEC);
	struct fault f = FAULT_INIT;
	char path[64];

	HOLDS(fd >= 0 && write(fd, dump, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	req->from = path;
	req->protos = BIT(PROTO_COUNT) - 1;
	req->v4 = req->v6 = true;
	if (collect_run(&reader, req, sink, result, &f) < 0)
		HOLDS(f.err && f.what[0]);
	close_fd(fd);
}

const struct field **rows_columns(size_t *n)
{
	const struct field *table = field_table(n);
	const struct field **columns = xcalloc(*n, sizeof(*columns));
	size_t i;

	for (i = 0; i < *n; i++)
		columns[i] = &table[i];
	return columns;
}

void rows_check(const struct sock *s)
{
	bool inet = s->proto == PROTO_TCP || s->proto == PROTO_UDP;

	HOLDS(s->proto < PROTO_COUNT && s->state < STATE_COUNT);
	HOLDS(inet ? s->family == AF_INET || s->family == AF_INET6
		   : s->family == AF_UNIX);
	HOLDS(!inet || (s->local.family == s->family && s->peer.family == s->family));
}

struct shown {
	struct view *view;
	struct out *out;
	bool json;
	uint64_t rows;
};

static int show_row(void *ctx, struct sock *s)
{
	struct shown *x = ctx;

	rows_check(s);
	x->rows++;
	x->view->ops->row(x->view, s);
	return 0;
}

static void show_note(void *ctx, const char *id, const char *text)
{
	struct shown *x = ctx;

	if (x->json)
		view_note_json(x->out, id, text);
}

void rows_show(struct rows_show *show)
{
	_cleanup_out_ struct out out = { 0 };
	struct view_options opt = { .format = show->format,
				    .headings = true,
				    .ascii = show->ascii };
	struct shown shown = { .out = &out, .json = show->format == VIEW_JSON };
	struct collect_sink sink = { .row = show_row, .note = show_note, .ctx = &shown };
	struct collect_result result = { 0 };
	struct view_end end = { 0 };
	const struct field **columns = rows_columns(&opt.n_columns);

	out_init(&out, -1);
	opt.columns = columns;
	shown.view = view_new(&opt, &out);
	show->begin(show, &sink, &result);
	view_end_rows(shown.view);
	end.rows = shown.rows;
	end.complete = result.complete;
	shown.view->ops->end(shown.view, &end);
	if (shown.json)
		check_json_lines(&out.b);
	else
		check_harmless(&out.b);
	HOLDS(!out.b.len || out.b.data[out.b.len - 1] == '\n');
	view_free(shown.view);
	free(columns);
}
