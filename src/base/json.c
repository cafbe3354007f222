#include "base/json.h"

static void separate(struct json *j)
{
	if (j->comma)
		buf_putc(j->b, ',');
	j->comma = true;
}

void json_open(struct json *j, char bracket)
{
	separate(j);
	buf_putc(j->b, bracket);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	buf_putc(j->b, bracket);
	j->comma = true;
}

void json_u64(struct json *j, uint64_t v)
{
	separate(j);
	buf_put_u64(j->b, v);
}

void json_i64(struct json *j, int64_t v)
{
	separate(j);
	buf_put_i64(j->b, v);
}

void json_fixed(struct json *j, uint64_t value, unsigned decimals)
{
	uint64_t unit = 1;
	unsigned i;

	separate(j);
	for (i = 0; i < decimals; i++)
		unit *= 10;
	buf_put_u64(j->b, value / unit);
	if (!decimals)
		return;
	buf_putc(j->b, '.');
	for (value %= unit, unit /= 10; unit; unit /= 10)
		buf_putc(j->b, (char)('0' + value / unit % 10));
}

void json_bool(struct json *j, bool v)
{
	separate(j);
	buf_puts(j->b, v ? "true" : "false");
}

void json_null(struct json *j)
{
	separate(j);
	buf_put(j->b, "null", 4);
}

void json_str(struct json *j, const char *s)
{
	json_bytes(j, s, strlen(s));
}

static void put_unit(struct buf *b, uint32_t unit)
{
	buf_printf(b, "\\u%04x", unit);
}

/* As \uXXXX; what is above FFFF is a pair of surrogates. */
static void put_code(struct buf *b, uint32_t code)
{
	if (code <= 0xffff) {
		put_unit(b, code);
		return;
	}
	put_unit(b, 0xd800 + ((code - 0x10000) >> 10));
	put_unit(b, 0xdc00 + ((code - 0x10000) & 0x3ff));
}

static void put_char(struct buf *b, const unsigned char *s, size_t n, uint32_t code)
{
	switch (code) {
	case '"':
	case '\\':
		buf_putc(b, '\\');
		buf_putc(b, (char)code);
		return;
	case '\n':
		buf_puts(b, "\\n");
		return;
	case '\t':
		buf_puts(b, "\\t");
		return;
	case '\r':
		buf_puts(b, "\\r");
		return;
	default:
		if (LIKELY(code >= 0x20 && code < 0x7f))
			buf_putc(b, (char)code);
		else if (text_is_deceptive(code) || b->ascii)
			put_code(b, code);
		else
			buf_put(b, s, n);
	}
}

/* How many of the first bytes stand in JSON as they are. */
static inline size_t plain_run(const unsigned char *s, size_t len)
{
	size_t i = 0;

	while (i < len && s[i] >= 0x20 && s[i] < 0x7f && s[i] != '"' && s[i] != '\\')
		i++;
	return i;
}

/* Writes the quoted text; returns false if some of it was not UTF-8. */
static bool put_quoted(struct buf *b, const unsigned char *s, size_t len)
{
	size_t i = plain_run(s, len);
	bool clean = true;

	buf_reserve(b, len + 2);
	buf_putc(b, '"');
	buf_put(b, s, i);
	while (i < len) {
		uint32_t code = 0;
		size_t n = utf8_decode(s + i, len - i, &code);

		if (n) {
			put_char(b, s + i, n, code);
		} else {
			buf_puts(b, b->ascii ? "\\ufffd" : "\xef\xbf\xbd");
			clean = false;
			n = 1;
		}
		i += n;
	}
	buf_putc(b, '"');
	return clean;
}

void json_bytes(struct json *j, const void *s, size_t len)
{
	separate(j);
	put_quoted(j->b, s, len);
}

void json_member_bytes(struct json *j, const char *key, const void *s, size_t len)
{
	json_key(j, key);
	separate(j);
	if (put_quoted(j->b, s, len))
		return;
	buf_puts(j->b, ",\"");
	buf_puts(j->b, key);
	buf_puts(j->b, "_hex\":\"");
	buf_put_hex_bytes(j->b, s, len);
	buf_putc(j->b, '"');
}

void json_member_text(struct json *j, const char *key, const char *s)
{
	if (s)
		json_member_bytes(j, key, s, strlen(s));
	else
		json_member_null(j, key);
}

void json_cookie(struct json *j, uint64_t v)
{
	separate(j);
	buf_put(j->b, "\"0x", 3);
	buf_put_hex(j->b, v);
	buf_putc(j->b, '"');
}

void json_member_cookie(struct json *j, const char *key, uint64_t v)
{
	json_key(j, key);
	json_cookie(j, v);
}

void json_put_uint(struct json *j, const struct json_row *row, const void *of)
{
	const void *at = (const char *)of + row->at;
	uint64_t v = row->size == 1   ? *(const uint8_t *)at
		     : row->size == 2 ? *(const uint16_t *)at
		     : row->size == 4 ? *(const uint32_t *)at
				      : *(const uint64_t *)at;

	json_member_u64(j, row->name, v);
}

void json_put_bool(struct json *j, const struct json_row *row, const void *of)
{
	json_member_bool(j, row->name, *(const bool *)((const char *)of + row->at));
}

static bool row_is_set(const struct json_row *row, const void *of)
{
	size_t size = row->if_size ? row->if_size : row->size, i;
	const char *p = (const char *)of + (row->if_size ? row->if_at : row->at);

	for (i = 0; i < size && !p[i];)
		i++;
	return i < size;
}

void json_members(struct json *j, const struct json_row *rows, size_t n, const void *of)
{
	const struct json_row *row;

	for (row = rows; row < rows + n; row++)
		if (row->unset == JSON_AS_IT_IS || row_is_set(row, of))
			row->put(j, row, of);
		else if (row->unset == JSON_NULL)
			json_member_null(j, row->name);
}

void json_begin_object(struct json *j, const char *type)
{
	buf_puts(j->b, "{\"v\":1,\"type\":\"");
	buf_puts(j->b, type);
	buf_putc(j->b, '"');
	j->comma = true;
}

void json_end_object(struct json *j)
{
	buf_put(j->b, "}\n", 2);
	j->comma = false;
}
