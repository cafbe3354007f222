/*
 * A row of the table. With kernel/netlink/diag_inet.c and kernel/read/row.c this is the
 * path of every row: message, struct sock, bytes.
 */
#pragma once

#include "view/view.h"

/* Blanks between two columns. */
enum { TABLE_GAP = 2 };

/* What a cell shows, and how it is known that it did not change. */
enum cell {
	CELL_END,    /* behind the last column */
	CELL_WORD,   /* four bytes of an attribute, all values of which are meant */
	CELL_LONG,   /* eight */
	CELL_NUMBER, /* any other number */
	CELL_SPOKEN, /* the first of those that a SYN alone does not give: its row is
			not plain, so that the others need not look */
	CELL_SIGNED, /* a number that may be negative */
	CELL_RECV_QUEUE,
	CELL_SEND_QUEUE,
	CELL_LOCAL,
	CELL_PEER,
	CELL_PROTO,
	CELL_STATE,
	CELL_QUEUE,
	CELL_TEXT,
	CELL_OTHER,
};

struct column {
	const struct field *field;
	uint8_t cell; /* enum cell */
	bool right;
	bool wide; /* may hold characters of more than one byte */
	uint32_t blob, from,
		until;	 /* CELL_WORD, CELL_LONG: bytes of the blob at `blob` of a sock */
	uint32_t width;	 /* grows when a cell needs more */
	uint32_t at;	 /* of the cell in table.row */
	uint32_t len;	 /* of the text that stands there */
	uint32_t extra;	 /* bytes that the text has more than columns */
	uint32_t room;	 /* bytes of the cell in table.row: width and extra */
	uint64_t shown;	 /* the number it stands for */
	struct addr ip;	 /* CELL_LOCAL, CELL_PEER: whose text begins the cell ... */
	uint32_t ip_len; /* ... in so many bytes; 0 = none */
};

struct table {
	struct view view;
	size_t n;
	bool streaming;
	struct buf held; /* cells of the sample, each with a two-word head before it */
	size_t held_rows;
	struct buf cell;
	struct buf row; /* the last row that was plain, padding included */
	bool outgrown;	/* a column became wider than its place in it */
	const struct term_style *style;
	struct column columns[]; /* n, and one more that is CELL_END */
};

struct column table_column(const struct field *f, bool colour);

/* The text of a cell of t->columns, whatever it is. */
void table_put_cell(const struct table *t, const struct column *c, const struct sock *s,
		    struct buf *b);

/* Columns that text takes on the terminal. */
size_t table_cell_width(const struct column *c, const char *text, size_t len);

/* The escape sequence before a cell, "" for none. */
const char *table_cell_style(const struct table *t, const struct field *f,
			     const struct sock *s);

/* Padding, style and text of one cell of t->columns, which takes `width` columns; no
 * blanks behind the last. */
void table_put_padded(struct table *t, const struct column *c, const char *text,
		      size_t len, size_t width, const char *style);

/* Gives every column its place in the row. */
void table_lay_out(struct table *t);

/* A whole row, widening columns as it must. */
void table_stream_row(struct table *t, const struct sock *s);
