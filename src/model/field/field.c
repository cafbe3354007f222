#include "model/field/field.h"

#include "base/opt.h"

static char fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == '-' ? '_' : c;
}

static bool same_name(const char *name, const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!name[i] || name[i] != fold(word[i]))
			return false;
	return name[len] == '\0';
}

const struct field *field_find(const char *name, size_t len)
{
	const struct field *table;
	size_t n, i;

	table = field_table(&n);
	for (i = 0; i < n; i++)
		if (same_name(table[i].name, name, len))
			return &table[i];
	return NULL;
}

const char *field_nearest(const char *name, size_t len)
{
	_cleanup_strv_ struct strv names = { 0 };
	_cleanup_free_ char *word = xstrndup(name, len);
	const struct field *table;
	size_t n, i;

	table = field_table(&n);
	for (i = 0; i < len; i++)
		word[i] = fold(word[i]);
	for (i = 0; i < n; i++)
		strv_add(&names, table[i].name);
	return opt_nearest(word, names.v, names.n);
}

static const char *const group_names[GROUP_GROUPS] = {
	[GROUP_SOCKET] = "socket",     [GROUP_QUEUES] = "queues",
	[GROUP_OWNER] = "owner",       [GROUP_TIMES] = "times",
	[GROUP_TCP] = "tcp",	       [GROUP_ATTACHED] = "attached",
	[GROUP_MEMORY] = "memory",     [GROUP_CONGESTION] = "congestion_details",
	[GROUP_OPTIONS] = "options",   [GROUP_UNIX] = "unix",
	[GROUP_SOCKOPTS] = "sockopts",
};

const char *field_group_title(enum field_group group)
{
	return group_names[group];
}

uint32_t field_group_parse(const char *name, size_t len)
{
	unsigned g;

	if (same_name("detail", name, len))
		return BIT(GROUP_TCP) | BIT(GROUP_MEMORY);
	for (g = 0; g < GROUP_GROUPS; g++)
		if (same_name(group_names[g], name, len))
			return BIT(g);
	return 0;
}

const char *unit_suffix(enum unit unit)
{
	static const char *const suffixes[UNIT_UNITS] = {
		[UNIT_BYTES] = "_bytes",
		[UNIT_US] = "_us",
		[UNIT_MS] = "_ms",
		[UNIT_RATE] = "_bytes_per_s",
	};

	return suffixes[unit] ? suffixes[unit] : "";
}

const uint16_t field_blob_offsets[] = {
	[FROM_INFO] = offsetof(struct sock, tcp_info),
	[FROM_SKMEM] = offsetof(struct sock, skmem),
	[FROM_MEMINFO] = offsetof(struct sock, meminfo),
	[FROM_BBR] = offsetof(struct sock, bbr),
	[FROM_DCTCP] = offsetof(struct sock, dctcp),
	[FROM_VEGAS] = offsetof(struct sock, vegas),
	[FROM_OPTIONS] = offsetof(struct sock, owner_options),
};

bool field_value(const struct field *f, const struct sock *s, struct value *v)
{
	v->kind = VALUE_ABSENT;
	if (f->source == FROM_GETTER)
		return f->get(s, 0, v);
	if (!field_number(f, s, &v->u))
		return false;
	v->kind = f->flags & FIELD_SIGNED ? VALUE_INT : VALUE_UINT;
	return true;
}

int value_compare(const struct value *a, const struct value *b)
{
	int d;

	if (a->kind == VALUE_ABSENT || b->kind == VALUE_ABSENT)
		return (a->kind == VALUE_ABSENT) - (b->kind == VALUE_ABSENT);
	if (a->kind != b->kind)
		return (int)a->kind - (int)b->kind;
	switch (a->kind) {
	case VALUE_UINT:
		return (a->u > b->u) - (a->u < b->u);
	case VALUE_INT:
		return (a->i > b->i) - (a->i < b->i);
	case VALUE_ADDR: {
		/* As they are shown: the IPv4 of a dual-stack socket is IPv4. */
		struct addr x = addr_unmapped(a->addr), y = addr_unmapped(b->addr);

		return addr_compare(&x, &y);
	}
	case VALUE_TEXT:
		d = memcmp(a->text, b->text, MIN(a->len, b->len));
		return d ? d : (a->len > b->len) - (a->len < b->len);
	case VALUE_ABSENT:
		break;
	}
	return 0;
}
