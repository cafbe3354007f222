/* The -o language: which columns are shown. */
#pragma once

#include "base/buf.h"
#include "base/fault.h"
#include "model/field/field.h"

struct columns {
	const struct field **v;
	size_t n, cap;
	uint32_t needs; /* union over the columns */
};

/*
 * Adds the columns of "a,b,c" (names or groups). A leading '+' keeps what is there;
 * otherwise the list is started anew. 0 or -EINVAL.
 */
int columns_parse(struct columns *c, const char *text, struct fault *f);
/* There is no column of this name; the nearest is offered. */
void columns_unknown(const char *name, size_t len, struct fault *f);
void columns_add(struct columns *c, const char *name);
void columns_free(struct columns *c);

/* -o help: every column with its group and help. */
void columns_help(struct buf *b);
