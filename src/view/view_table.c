/*
 * The table for people. Widths are taken from the first rows, which are held back; after
 * that rows stream, and a column that turns out too narrow grows from there on. With the
 * parser in kernel/diag_inet.c this file is the path of every row: message, cells, bytes.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/term.h"
#include "model/names.h"
#include "view/format.h"
#include "view/view.h"

/* Rows that are measured before the first is shown. */
enum { SAMPLE_ROWS = 1000, SAMPLE_BYTES = 128 * 1024 };

enum { GAP = 2, ROOM = 128 };

/* How a streamed cell is written; all but the last kind without a detour. */
enum cell { CELL_NUMBER, CELL_LOCAL, CELL_PEER, CELL_STATE, CELL_QUEUE, CELL_OTHER };

struct column {
	const struct field *field;
	size_t width;
	bool right;
	bool getter; /* a number that is computed */
	enum cell cell;
	bool wide; /* may hold characters of more than one byte */
};

struct table {
	struct view view;
	size_t n;
	bool streaming;
	struct buf held; /* cells of the sample, each with a two-byte length before it */
	size_t held_rows;
	struct buf cell;
	const struct term_style *style;
	struct column columns[];
};

static const char *cell_style(const struct table *t, const struct field *f,
			      const struct sock *s)
{
	if (f->unit == UNIT_QUEUE && s->state == STATE_LISTEN &&
	    s->recv_queue > s->send_queue)
		return t->style->bad;
	if (f->unit != UNIT_STATE)
		return "";
	switch (s->state) {
	case STATE_LISTEN:
		return t->style->good;
	case STATE_CLOSE_WAIT:
		return t->style->warn;
	case STATE_TIME_WAIT:
		return t->style->dim;
	default:
		return "";
	}
}

static size_t cell_width(const struct column *c, const char *text, size_t len)
{
	return c->wide ? text_width(text, len) : len;
}

static void put_padded(struct buf *b, const struct column *c, const char *text,
		       size_t len, bool last, const char *style, const char *reset)
{
	size_t width = cell_width(c, text, len),
	       pad = c->width > width ? c->width - width : 0;

	if (c->right)
		buf_pad(b, ' ', pad);
	if (*style)
		buf_puts(b, style);
	buf_put(b, text, len);
	if (*style)
		buf_puts(b, reset);
	if (!last)
		buf_pad(b, ' ', (c->right ? 0 : pad) + GAP);
}

/* Blanks to copy cells' padding from. */
static const char blanks[16] = "                ";

/* n blanks at p, in steps of 16: p has room for 16 more. */
static inline char *put_blanks(char *p, size_t n)
{
	char *end = p + n;

	do {
		memcpy(p, blanks, sizeof(blanks));
		p += sizeof(blanks);
	} while (p < end);
	return end;
}

/*
 * A number into its place. It is written backwards into a field of blanks, of which the
 * part that is as wide as the column is copied; the blanks behind it are the gap.
 */
static inline void put_number(struct buf *b, struct column *c, const struct sock *s)
{
	char tmp[FORMAT_NUMBER_MAX + 2 * sizeof(blanks)];
	char *end = tmp + FORMAT_NUMBER_MAX, *p = end - 1, *at;
	struct value v;
	size_t len;

	memcpy(tmp, blanks, sizeof(blanks));
	memcpy(tmp + 16, blanks, sizeof(blanks));
	memcpy(tmp + 32, blanks, sizeof(blanks));
	memcpy(tmp + 48, blanks, sizeof(blanks));
	if (c->getter ? c->field->get(s, 0, &v) : field_number(c->field, s, &v.u))
		p = format_number(end, c->field->unit, v.u);
	else
		*p = '-';
	len = (size_t)(end - p);
	if (UNLIKELY(len > c->width))
		c->width = len;
	at = b->data + b->len;
	if (c->right)
		p = end - MIN(c->width, (size_t)FORMAT_NUMBER_MAX);
	memcpy(at, p, sizeof(blanks));
	if (c->width + GAP > sizeof(blanks)) {
		memcpy(at + 16, p + 16, sizeof(blanks));
		memcpy(at + 32, blanks, sizeof(blanks));
	}
	b->len += c->width + GAP;
}

/* Local or peer of an IP socket whose text needs no escaping; false if this is another.
 */
static inline bool put_address(struct buf *b, struct column *c, const struct sock *s)
{
	const struct addr *a = c->cell == CELL_LOCAL ? &s->local : &s->peer;
	char *at = b->data + b->len, *end = at;
	size_t len;

	if (UNLIKELY(sock_is_unix(s) || a->scope || !a->family))
		return false;
	if (UNLIKELY(!a->port && c->cell == CELL_PEER && addr_is_any(a)))
		*end++ = '*';
	else
		end = addr_write(at, a);
	len = (size_t)(end - at);
	if (UNLIKELY(len > c->width))
		c->width = len;
	b->len = (size_t)(put_blanks(end, c->width - len + GAP) - b->data);
	return true;
}

/* Any other cell, by way of its unit's formatting. */
static void put_cell(struct table *t, struct column *c, const struct sock *s)
{
	const char *style = t->view.opt.colour ? cell_style(t, c->field, s) : "";
	size_t width;

	buf_reset(&t->cell);
	format_cell(&t->cell, c->field, s, t->view.opt.ascii);
	width = cell_width(c, t->cell.data, t->cell.len);
	c->width = MAX(c->width, width);
	put_padded(&t->view.out->b, c, t->cell.data, t->cell.len, false, style,
		   t->style->reset);
}

/* text has 16 bytes to copy, len of which count. */
static inline void put_word(struct buf *b, struct column *c, const char *text, size_t len)
{
	char *at = b->data + b->len;

	memcpy(at, text, 16);
	if (UNLIKELY(len > c->width))
		c->width = len;
	b->len = (size_t)(put_blanks(at + len, c->width - len + GAP) - b->data);
}

static inline void put_state(struct buf *b, struct column *c, const struct sock *s)
{
	static const char unconnected[16] = "UNCONN";
	const struct state_word *w =
		&state_words_padded[s->state < STATE_COUNT ? s->state : 0];

	if (s->state == STATE_CLOSE && s->proto != PROTO_TCP)
		put_word(b, c, unconnected, 6);
	else
		put_word(b, c, w->text, w->len);
}

static const char absent[16] = "-               ";

static void stream_row(struct table *t, const struct sock *s)
{
	struct buf *b = &t->view.out->b;
	size_t i;

	for (i = 0; i < t->n; i++) {
		struct column *c = &t->columns[i];

		buf_reserve(b, c->width + ROOM);
		switch (c->cell) {
		case CELL_NUMBER:
			put_number(b, c, s);
			continue;
		case CELL_LOCAL:
		case CELL_PEER:
			if (LIKELY(put_address(b, c, s)))
				continue;
			break;
		case CELL_STATE:
			if (t->view.opt.colour)
				break;
			put_state(b, c, s);
			continue;
		case CELL_QUEUE:
			if (sock_is_listener(s) || sock_is_unaccepted(s))
				break;
			put_word(b, c, absent, 1);
			continue;
		case CELL_OTHER:
			break;
		}
		put_cell(t, c, s);
	}
	/* The last column's padding and gap have no use. */
	while (b->data[b->len - 1] == ' ')
		b->len--;
	buf_putc(b, '\n');
}

static void hold_row(struct table *t, const struct sock *s)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		struct column *c = &t->columns[i];
		size_t at = t->held.len, width;
		const char *style = t->view.opt.colour ? cell_style(t, c->field, s) : "";
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
		width = cell_width(c, t->held.data + at + sizeof(head), head[0]);
		c->width = MAX(c->width, width);
	}
	t->held_rows++;
}

static void put_headings(struct table *t)
{
	struct buf *b = &t->view.out->b;
	size_t i;

	for (i = 0; i < t->n; i++) {
		const char *h = t->columns[i].field->heading;

		put_padded(b, &t->columns[i], h, strlen(h), i + 1 == t->n, t->style->bold,
			   t->style->reset);
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
			put_padded(b, &t->columns[i], p, head[0], i + 1 == t->n,
				   styles[head[1]], t->style->reset);
			p += head[0];
		}
		buf_putc(b, '\n');
		out_maybe_flush(t->view.out);
	}
	buf_free(&t->held);
	t->held_rows = 0;
	t->streaming = true;
}

static void table_row(struct view *v, const struct sock *s)
{
	struct table *t = (struct table *)v;

	if (LIKELY(t->streaming)) {
		stream_row(t, s);
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
	free(t);
}

static enum cell cell_of(const struct field *f)
{
	if (f->flags & FIELD_MULTI)
		return CELL_OTHER;
	if (format_is_number((enum unit)f->unit))
		return CELL_NUMBER;
	if (f->unit == UNIT_STATE)
		return CELL_STATE;
	if (f->unit == UNIT_QUEUE)
		return CELL_QUEUE;
	if (streq(f->name, "local"))
		return CELL_LOCAL;
	return streq(f->name, "peer") ? CELL_PEER : CELL_OTHER;
}

struct view *view_table_new(const struct view_options *opt, struct out *out)
{
	static const struct view_ops ops = { table_row, table_end_rows, table_end,
					     table_free };
	struct table *t = xcalloc(1, sizeof(*t) + opt->n_columns * sizeof(t->columns[0]));
	size_t i;

	t->view = (struct view){ &ops, *opt, out };
	t->n = opt->n_columns;
	t->style = term_style(opt->colour);
	buf_reserve(&t->cell, 64);
	for (i = 0; i < t->n; i++) {
		const struct field *f = opt->columns[i];

		t->columns[i] = (struct column){
			.field = f,
			.width = strlen(f->heading),
			.right = f->flags & FIELD_RIGHT,
			.getter = f->source == FROM_GETTER,
			.cell = cell_of(f),
			.wide = f->unit == UNIT_QUEUE || f->unit == UNIT_TIME ||
				f->unit == UNIT_TEXT || f->unit == UNIT_ENDPOINT ||
				f->unit == UNIT_IP || f->unit == UNIT_PROCESS,
		};
	}
	return &t->view;
}
