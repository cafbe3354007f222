/* One fact of a socket, on its way from a field to a filter, a sort or a rendering. */
#pragma once

#include "model/addr.h"

enum value_kind {
	VALUE_ABSENT, /* not known: "-" in text, null in JSON, false in a filter; never 0
		       */
	VALUE_UINT,
	VALUE_INT,  /* may be negative */
	VALUE_TEXT, /* raw foreign bytes */
	VALUE_ADDR,
};

struct value {
	enum value_kind kind;
	uint32_t len; /* of text */
	union {
		uint64_t u;
		int64_t i;
		const char *text;
		const struct addr *addr;
	};
	char room[64]; /* for a text that a getter makes: such a value is not copied */
};

static inline bool value_set_uint(struct value *v, uint64_t u)
{
	v->kind = VALUE_UINT;
	v->u = u;
	return true;
}

static inline bool value_set_text(struct value *v, const void *text, size_t len)
{
	v->kind = VALUE_TEXT;
	v->text = text;
	v->len = (uint32_t)len;
	return true;
}

static inline bool value_set_addr(struct value *v, const struct addr *a)
{
	v->kind = VALUE_ADDR;
	v->addr = a;
	return true;
}

/* Total order for sorting; absent comes last. */
int value_compare(const struct value *a, const struct value *b);
