/*
 * Recorded dumps, as --from reads them: any bytes, through the netlink parser, the filter
 * and every view with all columns. A JSON answer must be lines that begin and end as
 * objects do, and no text may carry a control character.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "kernel/collect.h"
#include "model/field.h"
#include "view/view.h"

#include "fuzz.h"

static const struct field **all_columns(size_t *n)
{
	const struct field *table = field_table(n);
	const struct field **columns = xcalloc(*n, sizeof(*columns));
	size_t i;

	for (i = 0; i < *n; i++)
		columns[i] = &table[i];
	return columns;
}

struct sink {
	struct view *view;
	uint64_t rows;
};

static int take_row(void *ctx, struct sock *s)
{
	struct sink *sink = ctx;

	HOLDS(s->proto < PROTO_COUNT && s->state < STATE_COUNT);
	sink->rows++;
	sink->view->ops->row(sink->view, s);
	return 0;
}

static void check_text(const struct buf *b, bool json)
{
	bool start = true;
	size_t i;

	for (i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->data[i];

		HOLDS(c == '\n' || c == '\t' || (c >= 0x20 && c != 0x7f));
		HOLDS(!json || !start || c == '{');
		HOLDS(!json || c != '\n' || (i && b->data[i - 1] == '}'));
		start = c == '\n';
	}
	HOLDS(start);
}

static void replay(const char *path, enum view_format format,
		   const struct filter_node *filter)
{
	_cleanup_out_ struct out out = { 0 };
	_cleanup_reader_ struct reader reader = { .threads = 1 };
	struct collect_request req = {
		.protos = BIT(PROTO_COUNT) - 1,
		.v4 = true,
		.v6 = true,
		.states = STATES_ALL,
		.needs = ~0u & ~(uint32_t)(NEED_USER | NEED_DEVICE),
		.filter = filter,
		.from = path,
	};
	struct view_options opt = { .format = format, .headings = true };
	struct sink sink = { 0 };
	struct collect_sink to = { .row = take_row, .ctx = &sink };
	struct collect_result result = { 0 };
	struct view_end end = { 0 };
	struct fault f = FAULT_INIT;
	size_t n;
	const struct field **columns = all_columns(&n);

	out_init(&out, -1);
	opt.columns = columns;
	opt.n_columns = n;
	sink.view = view_new(&opt, &out);
	if (collect_run(&reader, &req, &to, &result, &f) < 0)
		HOLDS(f.err && f.what[0]);
	view_end_rows(sink.view);
	end.rows = sink.rows;
	end.complete = result.complete;
	sink.view->ops->end(sink.view, &end);
	check_text(&out.b, format == VIEW_JSON);
	view_free(sink.view);
	free(columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const filters[] = { NULL, "rtt > 1ms and src 10.0.0.0/8",
					       "local ~ *a* or state = close-wait",
					       "not autobound and inode != 3" };
	_cleanup_arena_ struct arena a = { 0 };
	const struct filter_node *filter = NULL;
	struct fault f = FAULT_INIT;
	char path[64];
	int fd;

	if (size < 1)
		return 0;
	if (filters[data[0] >> 2 & 3])
		HOLDS(filter_parse(&a, filters[data[0] >> 2 & 3], NULL, &filter, &f) ==
		      0);
	fd = memfd_create("dump", MFD_CLOEXEC);
	HOLDS(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	replay(path, (enum view_format)((data[0] & 3) % 3), filter);
	close_fd(fd);
	return 0;
}
