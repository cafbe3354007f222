/*
 * The model made visible. A view is fed one row after the other and writes to an out; it
 * keeps no row, so memory does not grow with the machine.
 */
#pragma once

#include "base/out.h"
#include "model/field/field.h"

enum view_format { VIEW_TABLE, VIEW_RAW, VIEW_JSON };

struct view_options {
	enum view_format format;
	const struct field *const *columns;
	size_t n_columns;
	bool headings; /* table, raw: the line of column names */
	bool ascii;    /* no bars, arrows and signs outside ASCII */
	bool words;    /* table: each column is one word, for programs */
	bool colour;
	size_t width; /* columns of the terminal, for paragraphs; 0 = it is none */
	bool eager;   /* the reader is a person: show each chunk of rows as it comes */
};

/* What the reader must know beside the rows: partial truth is data. */
struct view_end {
	uint64_t rows;
	bool complete;		     /* these are all */
	bool limited;		     /* there are more, which --limit left out */
	const struct origin *origin; /* of recorded ones; NULL = not known, or of now */
};

struct view;

struct view_ops {
	void (*row)(struct view *v, const struct sock *s);
	void (*end_rows)(struct view *v);
	void (*end)(struct view *v, const struct view_end *end);
	void (*free)(struct view *v);
};

struct view {
	const struct view_ops *ops;
	struct view_options opt;
	struct out *out;
};

struct view *view_new(const struct view_options *opt, struct out *out);
void view_free(struct view *v);

/* Shows a row. Returns 0, or -errno when the output cannot be written. */
static inline int view_row(struct view *v, const struct sock *s)
{
	v->ops->row(v, s);
	return out_maybe_flush(v->out);
}

/* Shows rows that were held back; none may follow. Called by view_finish() if not before.
 */
void view_end_rows(struct view *v);

/* Shows what was held back, and for JSON the end object. Returns 0 or -errno. */
int view_finish(struct view *v, const struct view_end *end);

/* The end as a JSON object, of a view or of an answer that needs none. */
void view_end_json(struct buf *b, const struct view_end *end);

/* A note as a JSON object; the text formats leave notes to stderr. */
void view_note_json(struct out *out, const char *id, const char *text);

/* The three kinds; used by view_new() only. */
struct view *view_table_new(const struct view_options *opt, struct out *out);
struct view *view_raw_new(const struct view_options *opt, struct out *out);
struct view *view_json_new(const struct view_options *opt, struct out *out);
