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

/* What stands before each cell that is held back; small, so that the sample is. */
struct head {
	uint32_t len;
	uint32_t width : 29, style : 3;
};

static const char *style_of(const struct table *t, unsigned n)
{
	const char *const styles[] = { "", t->style->bad, t->style->good, t->style->warn,
				       t->style->dim };

	return styles[n];
}

static unsigned style_number(const struct table *t, const char *style)
{
	unsigned n = *style ? 4 : 0;

	while (n && style_of(t, n) != style)
		n--;
	return n;
}

static void hold_row(struct table *t, const struct sock *s)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		struct column *c = &t->columns[i];
		size_t at = t->held.len;
		const char *text;
		struct head head = {
			.style = t->view.opt.colour
					 ? style_number(t,
							table_cell_style(t, c->field, s))
					 : 0,
		};

		buf_pad(&t->held, '\0', sizeof(head));
		table_put_cell(t, c, s, &t->held);
		text = t->held.data + at + sizeof(head);
		head.len = (uint32_t)(t->held.len - at - sizeof(head));
		head.width = table_cell_width(c, text, head.len) & 0x1fffffff;
		memcpy(t->held.data + at, &head, sizeof(head));
		c->width = MAX(c->width, head.width);
	}
	t->held_rows++;
}

static void put_headings(struct table *t)
{
	struct buf *b = &t->view.out->b;
	size_t i;

	for (i = 0; i < t->n; i++) {
		const char *h = t->columns[i].field->heading;
		size_t len = strlen(h);

		table_put_padded(t, &t->columns[i], h, len, len, t->style->bold);
	}
	buf_putc(b, '\n');
}

/* Shows the sample; from here on rows stream. */
static void release(struct table *t)
{
	struct buf *b = &t->view.out->b;
	const char *p = t->held.data;
	size_t row, i;

	if (t->view.opt.headings)
		put_headings(t);
	for (row = 0; row < t->held_rows; row++) {
		for (i = 0; i < t->n; i++) {
			struct head head;

			memcpy(&head, p, sizeof(head));
			p += sizeof(head);
			table_put_padded(t, &t->columns[i], p, head.len, head.width,
					 style_of(t, head.style));
			p += head.len;
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
	bool guarded = false;
	size_t i;

	t->view = (struct view){ &ops, *opt, out };
	t->n = opt->n_columns;
	t->style = term_style(opt->colour);
	t->cell.ascii = t->held.ascii = opt->ascii;
	t->cell.words = t->held.words = opt->words;
	buf_reserve(&t->cell, 64);
	for (i = 0; i < t->n; i++) {
		t->columns[i] = table_column(opt->columns[i], opt->colour);
		if (t->columns[i].cell == CELL_WORD && !guarded &&
		    (opt->columns[i]->flags & FIELD_PEER_SPOKE)) {
			t->columns[i].cell = CELL_SPOKEN;
			guarded = true;
		}
	}
	return &t->view;
}
