/* Rows out of the bytes of a recorded dump, as --from reads them. */
#pragma once

#include "kernel/read/collect.h"
#include "view/view.h"

/* Runs a collection over these bytes. The request's from, protos and families are set
 * here; needs, filter and states are the caller's. */
void rows_collect(const void *dump, size_t size, struct collect_request *req,
		  const struct collect_sink *sink, struct collect_result *result);

/* All columns of the field table. Free it. */
const struct field **rows_columns(size_t *n);

/* What holds of any row, wherever it comes from. */
void rows_check(const struct sock *s);

/* Shows a collection in a format with all columns and checks what is printed; begin
 * starts it. */
struct rows_show {
	enum view_format format;
	bool ascii;
	void (*begin)(struct rows_show *show, const struct collect_sink *sink,
		      struct collect_result *result);
	void *ctx;
};
void rows_show(struct rows_show *show);
