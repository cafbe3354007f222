/*
 * The table for people. Widths are taken from the first rows, which are held back; after
 * that rows stream (table_row.c), and a column that turns out too narrow grows from there
 * on.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/term.h"
#include "view/format.h"
#include "view/table_row.h"

/* Rows that are measured before the first is shown. */
enum { SAMPLE_ROWS = 400, SAMPLE_BYTES = 64 * 1024 };

static void hold_row(struct table *t, const struct sock *s)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		struct column *c = &t->columns[i];
		size_t at = t->held.len, width;
		const char *style = t->view.opt.colour ? table_cell_style(t, c->field, s)
						       : "";
		uint32_t head[2];

		buf_pad(&t->held, '\0', sizeof(head));
		format_cell(&t->held, c->field, s, t->view.opt.ascii);
		head[0] = (uint32_t)(t->held.len - at - sizeof(head));
		head[1] = *style ? (style == t->style->bad    ? 1
				    : style == t->style->good ? 2
				    : style == t->style->warn ? 3
							      : 4)
				 : 0;
		memcpy(t->held.data + at, head, sizeof(head));
		width = table_cell_width(c, t->held.data + at + sizeof(head), head[0]);
		c->width = MAX(c->width, (uint32_t)width);
	}
	t->held_rows++;
}

static void put_headings(struct table *t)
{
	struct buf *b = &t->view.out->b;
	size_t i;

	for (i = 0; i < t->n; i++) {
		const char *h = t->columns[i].field->heading;

		table_put_padded(t, &t->columns[i], h, strlen(h), i + 1 == t->n,
				 t->style->bold);
	}
	buf_putc(b, '\n');
}

/* Shows the sample; from here on rows stream. */
static void release(struct table *t)
{
	const char *styles[] = { "", t->style->bad, t->style->good, t->style->warn,
				 t->style->dim };
	struct buf *b = &t->view.out->b;
	const char *p = t->held.data;
	size_t row, i;

	if (t->view.opt.headings)
		put_headings(t);
	for (row = 0; row < t->held_rows; row++) {
		for (i = 0; i < t->n; i++) {
			uint32_t head[2];

			memcpy(head, p, sizeof(head));
			p += sizeof(head);
			table_put_padded(t, &t->columns[i], p, head[0], i + 1 == t->n,
					 styles[head[1]]);
			p += head[0];
		}
		buf_putc(b, '\n');
		out_maybe_flush(t->view.out);
	}
	buf_free(&t->held);
	t->held_rows = 0;
	table_lay_out(t);
	t->streaming = true;
}

static void table_row(struct view *v, const struct sock *s)
{
	struct table *t = (struct table *)v;

	if (LIKELY(t->streaming)) {
		table_stream_row(t, s);
		return;
	}
	hold_row(t, s);
	if (t->held_rows >= SAMPLE_ROWS || t->held.len >= SAMPLE_BYTES)
		release(t);
}

static void table_end_rows(struct view *v)
{
	struct table *t = (struct table *)v;

	if (!t->streaming && t->held_rows)
		release(t);
}

static void table_end(struct view *v, const struct view_end *end)
{
	(void)v;
	(void)end;
}

static void table_free(struct view *v)
{
	struct table *t = (struct table *)v;

	buf_free(&t->held);
	buf_free(&t->cell);
	buf_free(&t->row);
	free(t);
}

struct view *view_table_new(const struct view_options *opt, struct out *out)
{
	static const struct view_ops ops = { table_row, table_end_rows, table_end,
					     table_free };
	struct table *t = xcalloc(1, sizeof(*t) + (opt->n_columns + 1) *
							  sizeof(t->columns[0]));
	size_t i;

	t->view = (struct view){ &ops, *opt, out };
	t->n = opt->n_columns;
	t->style = term_style(opt->colour);
	buf_reserve(&t->cell, 64);
	for (i = 0; i < t->n; i++)
		t->columns[i] = table_column(opt->columns[i], opt->colour);
	return &t->view;
}
