/*
 * Recorded dumps, as --from reads them: any bytes, through the netlink parser, the filter
 * and every view of rows with all columns. JSON is that to the letter, and nothing that
 * is printed moves a terminal. data[0]: the view, the filter.
 */
#include "fuzz/lib/rows.h"
#include "view/tally.h"

#include "fuzz.h"

struct dump {
	const uint8_t *data;
	size_t size;
	const struct filter_node *filter;
};

static struct collect_request request(const struct dump *d)
{
	return (struct collect_request){
		.states = STATES_ALL,
		.needs = ~0u,
		.filter = d->filter,
	};
}

static void begin(struct rows_show *show, const struct collect_sink *sink,
		  struct collect_result *result)
{
	const struct dump *d = show->ctx;
	struct collect_request req = request(d);

	rows_collect(d->data, d->size, &req, sink, result);
}

static int count_row(void *ctx, struct sock *s)
{
	rows_check(s);
	tally_add(ctx, s);
	return 0;
}

/* --summary, --group */
static void count(const struct dump *d, const struct field *by, enum view_format format)
{
	_cleanup_out_ struct out out = { 0 };
	struct view_options opt = { .format = format };
	struct tally tally = { .field = by, .limit = 7 };
	struct collect_sink sink = { .row = count_row, .ctx = &tally };
	struct collect_result result = { 0 };
	struct collect_request req = request(d);

	out_init(&out, -1);
	rows_collect(d->data, d->size, &req, &sink, &result);
	tally_show(&tally, &opt, &out);
	if (format == VIEW_JSON)
		check_json_lines(&out.b);
	else
		check_harmless(&out.b);
	tally_free(&tally);
}

/* All columns in turn: which one, the bytes say. */
static void count_by(const struct dump *d, enum view_format format)
{
	size_t n;
	const struct field *table = field_table(&n);
	size_t i = d->size ? d->data[d->size - 1] : 0;

	count(d, i < n ? &table[i] : NULL, format);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const filters[] = { NULL, "rtt > 1ms and src 10.0.0.0/8",
					       "local ~ *a* or state = close-wait",
					       "not autobound and inode != 3 or "
					       "process = a* or user = root" };
	_cleanup_arena_ struct arena a = { 0 };
	struct dump d = { .data = data + 1, .size = size - 1 };
	struct rows_show show = { .begin = begin, .ctx = &d };
	struct fault f = FAULT_INIT;
	unsigned how;

	if (size < 1)
		return 0;
	how = data[0] & 3;
	if (filters[data[0] >> 2 & 3])
		HOLDS(filter_parse(&a, filters[data[0] >> 2 & 3], NULL, &d.filter, &f) ==
		      0);
	show.format = how < 3 ? (enum view_format)how
			      : (enum view_format)((data[0] >> 4 & 3) % 3);
	show.ascii = data[0] >> 6 & 1;
	if (how < 3)
		rows_show(&show);
	else
		count_by(&d, show.format);
	return 0;
}
