/* Tab-separated, one header line, plain numbers in each field's own unit, \xNN escapes.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "view/format.h"
#include "view/view.h"

static void raw_heading(struct view *v)
{
	struct buf *b = &v->out->b;
	size_t i;

	for (i = 0; i < v->opt.n_columns; i++) {
		const struct field *f = v->opt.columns[i];

		if (i)
			buf_putc(b, '\t');
		/* A list is one word here, and not named as the list of JSON. */
		if (f->json && !(f->flags & FIELD_MULTI)) {
			buf_puts(b, f->json);
			continue;
		}
		buf_puts(b, f->name);
		buf_puts(b, unit_suffix(f->unit));
	}
	buf_putc(b, '\n');
}

static void raw_row(struct view *v, const struct sock *s)
{
	struct buf *b = &v->out->b;
	size_t i;

	for (i = 0; i < v->opt.n_columns; i++) {
		if (i)
			buf_putc(b, '\t');
		format_raw(b, v->opt.columns[i], s);
	}
	buf_putc(b, '\n');
}

static void raw_end_rows(struct view *v)
{
	(void)v;
}

static void raw_end(struct view *v, const struct view_end *end)
{
	(void)v;
	(void)end;
}

static void raw_free(struct view *v)
{
	free(v);
}

struct view *view_raw_new(const struct view_options *opt, struct out *out)
{
	static const struct view_ops ops = { raw_row, raw_end_rows, raw_end, raw_free };
	struct view *v = xcalloc(1, sizeof(*v));

	*v = (struct view){ &ops, *opt, out };
	if (opt->headings)
		raw_heading(v);
	return v;
}
