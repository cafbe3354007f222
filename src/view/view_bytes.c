#include "view/view_bytes.h"

enum { A_LINE = 16 };

void view_bytes_text(struct buf *b, const void *data, size_t len)
{
	const char *at = data, *end = at + len;

	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((lf ? lf + 1 : end) - at);

		buf_puts(b, "  ");
		buf_put_escaped(b, at, n);
		buf_putc(b, '\n');
		at += n;
	}
}

static void put_line(struct buf *b, uint64_t offset, const unsigned char *s, size_t n)
{
	size_t i;

	buf_printf(b, "  %08llx ", (unsigned long long)offset);
	for (i = 0; i < A_LINE; i++) {
		buf_pad(b, ' ', i == A_LINE / 2 ? 2 : 1);
		if (i < n)
			buf_put_hex_bytes(b, s + i, 1);
		else
			buf_puts(b, "  ");
	}
	buf_puts(b, "  |");
	for (i = 0; i < n; i++)
		buf_putc(b, s[i] >= ' ' && s[i] <= '~' ? (char)s[i] : '.');
	buf_puts(b, "|\n");
}

void view_bytes_hex(struct buf *b, uint64_t offset, const void *data, size_t len)
{
	const unsigned char *s = data;
	size_t at;

	for (at = 0; at < len; at += A_LINE)
		put_line(b, offset + at, s + at, MIN(len - at, (size_t)A_LINE));
}
