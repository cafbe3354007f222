#include "model/counter/counter_row.h"

#include <ctype.h>
#include <string.h>

#include "model/counter/counter_rows_private.h"

static const struct counter_rows *const tables[] = {
	&counter_rows_ip,  &counter_rows_icmp,	  &counter_rows_udp,
	&counter_rows_tcp, &counter_rows_tcp_ext, &counter_rows_mptcp,
};

const struct counter_row *counter_row_at(size_t i)
{
	size_t k;

	for (k = 0; k < ARRAY_SIZE(tables); k++) {
		if (i < tables[k]->n)
			return &tables[k]->v[i];
		i -= tables[k]->n;
	}
	return NULL;
}

const struct counter_row *counter_row_of(const char *table, const char *name)
{
	const struct counter_row *row;
	size_t i;

	for (i = 0; (row = counter_row_at(i)); i++)
		if (streq(row->table, table) && streq(row->name, name))
			return row;
	return NULL;
}

const char *counter_file(const struct counter_row *row)
{
	if (streq(row->table, "snmp6"))
		return "snmp6";
	return strstr(row->table, "Ext") ? "netstat" : "snmp";
}

static bool is_like(const char *name, const char *pattern, size_t len)
{
	if (len && pattern[len - 1] == '*')
		return !strncmp(pattern, name, len - 1);
	return strlen(name) == len && !memcmp(pattern, name, len);
}

bool counter_has_word(const char *words, const char *word)
{
	while (words && *words) {
		size_t len = strcspn(words, " ");

		if (is_like(word, words, len))
			return true;
		words += len + strspn(words + len, " ");
	}
	return false;
}

bool counter_is_harmless(const char *table, const char *name)
{
	const struct counter_harmless *h;
	size_t i;

	for (i = 0; (h = counter_harmless_at(i)); i++)
		if (streq(h->table, table) && counter_has_word(h->names, name))
			return true;
	return false;
}

void counter_put_clause(struct buf *b, const struct counter_row *row, uint64_t n)
{
	const char *p;

	for (p = row->clause; *p; p++)
		if (*p == '#')
			buf_put_u64(b, n);
		else if (*p != '*')
			buf_putc(b, *p);
		else if (n != 1)
			buf_putc(b, 's');
}

void counter_put_meaning(struct buf *b, const struct counter_row *row)
{
	static const char times[] = ", # time*";
	const char *p = row->clause;

	/* A number, and the space behind it, has no place in what is said in general. */
	if (*p == '#')
		p += 2;
	buf_putc(b, (char)toupper((unsigned char)*p));
	for (p++; *p; p++)
		if (has_prefix(p, times))
			p += strlen(times) - 1;
		else if (*p == '#')
			p++;
		else
			buf_putc(b, *p == '*' ? 's' : *p);
	buf_putc(b, '.');
}

void counter_put_healthy(struct buf *b, const struct counter_row *row)
{
	const struct counter_healthy *h = &row->healthy;

	switch (h->kind) {
	case HEALTHY_NONE:
		buf_puts(b, "none");
		break;
	case HEALTHY_PER_SECOND:
		buf_printf(b, "up to %u a second", h->most);
		break;
	case HEALTHY_PERCENT:
		buf_printf(b, "up to %u %% of %s%s", h->most,
			   streq(h->of_table, "snmp6") ? "" : h->of_table, h->of_name);
		break;
	}
}
