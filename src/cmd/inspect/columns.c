#include "cmd/inspect/columns.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

static void append_field(struct columns *c, const struct field *f)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->v[i] == f)
			return;
	c->v = array_grow(c->v, c->n, &c->cap, sizeof(*c->v));
	c->v[c->n++] = f;
	c->needs |= f->needs;
}

static void add_groups(struct columns *c, uint32_t groups)
{
	const struct field *table;
	size_t n, i;

	table = field_table(&n);
	for (i = 0; i < n; i++)
		if (groups & BIT(table[i].group))
			append_field(c, &table[i]);
}

void columns_add(struct columns *c, const char *name)
{
	append_field(c, field_find(name, strlen(name)));
}

void columns_unknown(const char *name, size_t len, struct fault *f)
{
	const char *nearest = field_nearest(name, len);
	char shown[80];

	fault_say(f, EINVAL, "there is no column '%s'",
		  escape_text(shown, sizeof(shown), name, len));
	if (nearest)
		fault_hint(f, "did you mean '%s'? '-o help' lists them all", nearest);
	else
		fault_hint(f, "'-o help' lists them all");
}

static int add_word(struct columns *c, const char *text, size_t at, size_t len,
		    struct fault *f)
{
	const struct field *field = field_find(text + at, len);
	uint32_t groups = field ? 0 : field_group_parse(text + at, len);

	if (field) {
		append_field(c, field);
		return 0;
	}
	if (groups) {
		add_groups(c, groups);
		return 0;
	}
	columns_unknown(text + at, len, f);
	fault_mark(f, text, at);
	return -EINVAL;
}

int columns_parse(struct columns *c, const char *text, struct fault *f)
{
	size_t at = 0;
	int r = 0;

	if (text[0] == '+') {
		at = 1;
	} else {
		c->n = 0;
		c->needs = 0;
	}
	while (r == 0) {
		size_t len = strcspn(text + at, ",");

		r = add_word(c, text, at + (text[at] == '+'), len - (text[at] == '+'), f);
		at += len;
		if (!text[at])
			break;
		at++;
	}
	return r;
}

void columns_free(struct columns *c)
{
	free(c->v);
	*c = (struct columns){ 0 };
}

void columns_help(struct buf *b)
{
	const struct field *table;
	size_t n, i;
	int group = -1;

	buf_puts(
		b,
		"Columns for -o, --sort, --group and expressions; a group's name stands for all of it,\n"
		"'detail' for tcp and memory.\n");
	table = field_table(&n);
	for (i = 0; i < n; i++) {
		if (table[i].group != group)
			buf_printf(b, "\n%s:\n", field_group_title(table[i].group));
		group = table[i].group;
		buf_printf(b, "  %-22s %s\n", table[i].name, table[i].help);
	}
}
