#include "view/table_row.h"

#include "base/term.h"
#include "model/names.h"
#include "view/format.h"

/*
 * A plain row is kept from one socket to the next, which differs little from it: only
 * cells that changed are written again, then all of it is copied to the output. A text
 * that is too long for its cell runs into its neighbour's; then the columns get new
 * places and the row is written anew. SLACK is room for that before the first cell and
 * behind the last.
 */
enum { SLACK = 128 };

/* Of column.shown, beside numbers. */
#define NOTHING (UINT64_MAX - 1) /* no number: the cell must be written */
#define ABSENT	UINT64_MAX

static inline void grow_to_text(struct table *t, struct column *c)
{
	if (UNLIKELY(c->len > c->room)) {
		c->width = c->len - c->extra;
		t->outgrown = true;
	}
}

/* Text at the left has been written over what stood there. */
static inline void end_text(struct table *t, struct column *c, char *text, char *end)
{
	char *old_end = text + c->len;

	c->len = (uint32_t)(end - text);
	grow_to_text(t, c);
	/* addr_write_ip() and addr_write_port() leave a byte more than they say. */
	memcpy(end, "  ", TABLE_GAP);
	for (end += TABLE_GAP; end < old_end; end++)
		*end = ' ';
}

static inline void put_text(struct table *t, struct column *c, const char *text,
			    size_t len)
{
	char *cell = t->row.data + c->at;

	memcpy(cell, text, len);
	end_text(t, c, cell, cell + len);
}

/* At the right, backwards from its end. */
static inline void put_at_right(struct table *t, struct column *c, uint64_t v)
{
	char *end = t->row.data + c->at + c->width, *text = end - 1, *p;

	if (UNLIKELY(v == ABSENT))
		*text = '-';
	else
		text = format_number(end, (enum unit)c->field->unit, v);
	for (p = end - c->len; p < text; p++)
		*p = ' ';
	c->len = (uint32_t)(end - text);
	grow_to_text(t, c);
}

static bool put_number(struct table *t, struct column *c, uint64_t v)
{
	char tmp[FORMAT_NUMBER_MAX], *end = tmp + sizeof(tmp), *text = end - 1;

	if (v == NOTHING)
		return false;
	c->shown = v;
	if (c->right) {
		put_at_right(t, c, v);
		return true;
	}
	*text = '-';
	if (v != ABSENT)
		text = format_number(end, (enum unit)c->field->unit, v);
	put_text(t, c, text, (size_t)(end - text));
	return true;
}

static inline const char *attribute_of(const struct column *c, const struct sock *s)
{
	const struct blob *b = (const void *)((const char *)s + c->blob);

	return LIKELY(b->len >= c->until) ? (const char *)b->data + c->from : NULL;
}

static inline uint64_t word_of(const struct column *c, const struct sock *s)
{
	const char *p = attribute_of(c, s);
	uint32_t word;

	if (UNLIKELY(!p))
		return ABSENT;
	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint64_t long_of(const struct column *c, const struct sock *s)
{
	const char *p = attribute_of(c, s);
	uint64_t word;

	if (UNLIKELY(!p))
		return ABSENT;
	memcpy(&word, p, sizeof(word));
	return MIN(word, NOTHING);
}

static inline uint64_t number_of(const struct field *f, const struct sock *s)
{
	struct value v;

	if (f->source != FROM_GETTER)
		return field_number(f, s, &v.u) ? MIN(v.u, NOTHING) : ABSENT;
	return f->get(s, 0, &v) ? MIN(v.u, NOTHING) : ABSENT;
}

static inline bool has_bytes_queued(const struct sock *s)
{
	return (s->has & SOCK_HAS_QUEUES) && !sock_is_listener(s);
}

void table_put_cell(const struct table *t, const struct column *c, const struct sock *s,
		    struct buf *b)
{
	if (UNLIKELY(c->cell == CELL_LOCAL && !sock_is_unix(s) && format_is_marked(s)))
		format_marked(b, s);
	else
		format_cell(b, c->field, s, t->view.opt.ascii);
}

/* What format_cell() says, if all of it is ASCII: it has escaped the rest. */
static bool put_ascii(struct table *t, struct column *c, const struct sock *s)
{
	size_t len;

	buf_reset(&t->cell);
	table_put_cell(t, c, s, &t->cell);
	len = t->cell.len;
	if (len > SLACK / 2 || text_width(t->cell.data, len) != len)
		return false;
	put_text(t, c, t->cell.data, len);
	return true;
}

/* Most sockets of a machine share its few addresses: this is for the others. */
static __attribute__((noinline)) void put_ip(struct column *c, char *cell,
					     const struct addr *a)
{
	c->ip = *a;
	c->ip_len = (uint32_t)(addr_write_ip(cell, a) - cell);
}

/* An end of an IP socket whose text needs no escaping. */
static inline bool put_end(struct table *t, struct column *c, const struct sock *s,
			   const struct addr *a)
{
	char *cell = t->row.data + c->at, *end = cell;

	if (UNLIKELY(a->scope || !a->family)) {
		c->ip_len = 0;
		return sock_is_unix(s) && put_ascii(t, c, s);
	}
	if (UNLIKELY(!a->port && a == &s->peer && addr_is_any(a))) {
		c->ip_len = 0;
		*end++ = '*';
	} else {
		if (!c->ip_len || !addr_same_ip(&c->ip, a))
			put_ip(c, cell, a);
		end = addr_write_port(cell + c->ip_len, a->port);
	}
	end_text(t, c, cell, end);
	return true;
}

/* The local end of a listener of IPv6, or of a socket that is bound to an interface. */
static __attribute__((noinline)) bool put_server_end(struct table *t, struct column *c,
						     const struct sock *s)
{
	c->ip_len = 0;
	return put_ascii(t, c, s);
}

static inline bool put_state(struct table *t, struct column *c, const struct sock *s)
{
	static const struct state_word unconnected = { "UNCONN", 6 };
	bool datagrams = s->proto != PROTO_TCP;
	uint64_t shown = (uint64_t)s->state << 1 | datagrams;
	const struct state_word *w;

	if (LIKELY(c->shown == shown))
		return true;
	c->shown = shown;
	w = datagrams && s->state == STATE_CLOSE
		    ? &unconnected
		    : &state_words_padded[s->state < STATE_COUNT ? s->state : 0];
	put_text(t, c, w->text, w->len);
	return true;
}

/* Rows of one protocol follow each other. */
static inline bool put_proto(struct table *t, struct column *c, const struct sock *s)
{
	const char *name;

	if (LIKELY(c->shown == s->proto))
		return true;
	c->shown = s->proto;
	name = proto_name(s->proto);
	put_text(t, c, name, strlen(name));
	return true;
}

/* Text that needs no escaping. */
static inline bool put_plain(struct table *t, struct column *c, const struct sock *s)
{
	const char least = t->view.opt.words ? '!' : ' ';
	struct value v;
	size_t i;

	if (!c->field->get(s, 0, &v))
		return c->shown == ABSENT || put_number(t, c, ABSENT);
	if (v.len == c->len && memcmp(v.text, t->row.data + c->at, v.len) == 0)
		return true;
	if (v.len > SLACK / 2)
		return false;
	for (i = 0; i < v.len; i++)
		if (v.text[i] < least || v.text[i] > '~' || v.text[i] == '\\')
			return false;
	put_text(t, c, v.text, v.len);
	c->shown = NOTHING;
	return true;
}

/*
 * The queue of a listener. Its bar has more bytes than columns; the cell has room for
 * them, and the row another layout, as long as listeners follow each other.
 */
static bool put_listener_queue(struct table *t, struct column *c, const struct sock *s)
{
	uint64_t shown = (uint64_t)s->recv_queue << 32 | s->send_queue;
	const uint32_t has = SOCK_HAS_QUEUES | SOCK_HAS_LIMIT;
	uint32_t width, extra;

	if (c->shown == shown)
		return true;
	if ((s->has & has) != has || shown >= NOTHING ||
	    (t->view.opt.colour && *table_cell_style(t, c->field, s)))
		return false;
	buf_reset(&t->cell);
	table_put_cell(t, c, s, &t->cell);
	width = (uint32_t)table_cell_width(c, t->cell.data, t->cell.len);
	extra = (uint32_t)t->cell.len - width;
	if (extra != c->extra || width > c->width) {
		c->extra = extra;
		c->width = MAX(c->width, width);
		t->outgrown = true;
		return true;
	}
	put_text(t, c, t->cell.data, t->cell.len);
	c->shown = shown;
	return true;
}

static inline bool put_queue(struct table *t, struct column *c, const struct sock *s)
{
	if (sock_is_listener(s))
		return put_listener_queue(t, c, s);
	if (sock_is_unaccepted(s))
		return false;
	if (LIKELY(c->shown == ABSENT))
		return true;
	if (c->extra) {
		c->extra = 0;
		t->outgrown = true;
		return true;
	}
	return put_number(t, c, ABSENT);
}

/* Brings one cell of the row up to date; false if it is not plain, or the end. */
static inline bool put_cell(struct table *t, struct column *c, const struct sock *s)
{
	uint64_t v = ABSENT;

	switch ((enum cell)c->cell) {
	case CELL_WORD: /* of which put_row() takes care */
		break;
	case CELL_LONG:
		v = long_of(c, s);
		break;
	case CELL_NUMBER:
		v = number_of(c->field, s);
		break;
	case CELL_SPOKEN:
		if (BIT(s->state) & (1 << STATE_SYN_SENT | 1 << STATE_SYN_RECV))
			return false;
		v = word_of(c, s);
		break;
	case CELL_SIGNED: /* a negative one is not plain */
		v = word_of(c, s);
		if (UNLIKELY((int32_t)v < 0 && v != ABSENT))
			return false;
		break;
	case CELL_RECV_QUEUE:
		if (has_bytes_queued(s))
			v = sock_recv_bytes(s);
		break;
	case CELL_SEND_QUEUE:
		if (has_bytes_queued(s))
			v = sock_send_bytes(s);
		break;
	case CELL_LOCAL:
		if (UNLIKELY(s->ifindex | (s->has & SOCK_HAS_V6ONLY)))
			return put_server_end(t, c, s);
		return put_end(t, c, s, &s->local);
	case CELL_PEER:
		return put_end(t, c, s, &s->peer);
	case CELL_PROTO:
		return put_proto(t, c, s);
	case CELL_STATE:
		return put_state(t, c, s);
	case CELL_QUEUE:
		return put_queue(t, c, s);
	case CELL_TEXT:
		return put_plain(t, c, s);
	case CELL_OTHER:
	case CELL_END:
		return false;
	}
	return LIKELY(v == c->shown) || put_number(t, c, v);
}

static bool put_row(struct table *t, const struct sock *s)
{
	struct column *c;
	uint64_t v;

	for (c = t->columns;; c++) {
		/* Apart, because a row with every detail has sixty of them. */
		if (c->cell == CELL_WORD) {
			v = word_of(c, s);
			if (UNLIKELY(v != c->shown))
				put_number(t, c, v);
			continue;
		}
		if (UNLIKELY(!put_cell(t, c, s)))
			return c->cell == CELL_END;
	}
}

void table_lay_out(struct table *t)
{
	size_t len = SLACK, i;

	for (i = 0; i < t->n; i++) {
		struct column *c = &t->columns[i];

		c->at = (uint32_t)len;
		c->len = 0;
		c->ip_len = 0;
		c->shown = NOTHING;
		c->room = c->width + c->extra;
		len += c->room + TABLE_GAP;
	}
	buf_reset(&t->row);
	buf_pad(&t->row, ' ', len + SLACK);
	t->row.len = len;
	t->outgrown = false;
}

size_t table_cell_width(const struct column *c, const char *text, size_t len)
{
	return c->wide ? text_width(text, len) : len;
}

const char *table_cell_style(const struct table *t, const struct field *f,
			     const struct sock *s)
{
	if (f->unit == UNIT_QUEUE && sock_is_queue_full(s))
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

void table_put_padded(struct table *t, const struct column *c, const char *text,
		      size_t len, size_t width, const char *style)
{
	struct buf *b = &t->view.out->b;
	size_t pad = c->width > width ? c->width - width : 0;
	bool last = c[1].cell == CELL_END;

	if (c->right)
		buf_pad(b, ' ', pad);
	if (*style)
		buf_puts(b, style);
	buf_put(b, text, len);
	if (*style)
		buf_puts(b, t->style->reset);
	if (!last)
		buf_pad(b, ' ', (c->right ? 0 : pad) + TABLE_GAP);
}

/* A row with a cell that is not plain, by way of its units' formatting. */
static void put_other_row(struct table *t, const struct sock *s)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		struct column *c = &t->columns[i];
		size_t width;

		buf_reset(&t->cell);
		table_put_cell(t, c, s, &t->cell);
		width = table_cell_width(c, t->cell.data, t->cell.len);
		if (width > c->width) {
			c->width = (uint32_t)width;
			t->outgrown = true;
		}
		table_put_padded(t, c, t->cell.data, t->cell.len, width,
				 t->view.opt.colour ? table_cell_style(t, c->field, s)
						    : "");
	}
	buf_putc(&t->view.out->b, '\n');
}

void table_stream_row(struct table *t, const struct sock *s)
{
	struct buf *b = &t->view.out->b;
	const char *row;
	size_t len;

	while (LIKELY(put_row(t, s))) {
		if (UNLIKELY(t->outgrown)) {
			table_lay_out(t);
			continue;
		}
		row = t->row.data + SLACK;
		/* The last column's padding and gap have no use. */
		for (len = t->row.len - SLACK - TABLE_GAP; len && row[len - 1] == ' ';
		     len--)
			;
		buf_reserve(b, len + 1);
		memcpy(b->data + b->len, row, len);
		b->data[b->len + len] = '\n';
		b->len += len + 1;
		return;
	}
	put_other_row(t, s);
}

/* Four or eight bytes of an attribute, no value of which means that there is none. */
static bool is_whole(const struct field *f)
{
	return f->source >= FROM_INFO && (f->size == 4 || f->size == 8) &&
	       !(f->flags & (FIELD_ZERO_ABSENT | FIELD_ONES_ABSENT));
}

static enum cell cell_of(const struct field *f)
{
	if (streq(f->name, "proto"))
		return CELL_PROTO;
	if (streq(f->name, "recv_queue"))
		return CELL_RECV_QUEUE;
	if (streq(f->name, "send_queue"))
		return CELL_SEND_QUEUE;
	if (streq(f->name, "local"))
		return CELL_LOCAL;
	if (streq(f->name, "peer"))
		return CELL_PEER;
	if (f->flags & (FIELD_MULTI | FIELD_SAYS_UNKNOWN))
		return CELL_OTHER;
	if (f->flags & FIELD_SIGNED)
		return CELL_SIGNED;
	if (format_is_number((enum unit)f->unit))
		return !is_whole(f) ? CELL_NUMBER : f->size == 4 ? CELL_WORD : CELL_LONG;
	if (f->unit == UNIT_STATE)
		return CELL_STATE;
	if (f->unit == UNIT_QUEUE)
		return CELL_QUEUE;
	return f->unit == UNIT_TEXT && f->get && f->group != GROUP_UNIX ? CELL_TEXT
									: CELL_OTHER;
}

struct column table_column(const struct field *f, bool colour)
{
	struct column c = {
		.field = f,
		.width = (uint32_t)strlen(f->heading),
		.cell = colour && f->unit == UNIT_STATE ? CELL_OTHER : cell_of(f),
		.right = f->flags & FIELD_RIGHT,
		.wide = f->unit == UNIT_QUEUE || f->unit == UNIT_TIME ||
			f->unit == UNIT_TEXT || f->unit == UNIT_ENDPOINT ||
			f->unit == UNIT_IP || f->unit == UNIT_PROCESS,
	};

	if (is_whole(f)) {
		c.blob = field_blob_offsets[f->source];
		c.from = f->offset;
		c.until = c.from + f->size;
	}
	return c;
}
