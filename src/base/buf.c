#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/mem.h"

static const char hex_digits[] = "0123456789abcdef";

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

void buf_grow(struct buf *b, size_t need)
{
	size_t cap = b->cap ? b->cap : 256;

	while (cap - b->len < need)
		cap *= 2;
	b->data = xrealloc(b->data, cap);
	b->cap = cap;
}

void buf_pad(struct buf *b, char c, size_t count)
{
	buf_reserve(b, count);
	if (count)
		memset(b->data + b->len, c, count);
	b->len += count;
}

void buf_put_u64(struct buf *b, uint64_t v)
{
	char tmp[20], *end = tmp + sizeof(tmp), *p;

	if (v < 10) {
		buf_putc(b, (char)('0' + v));
		return;
	}
	p = digits_before(end, v);
	buf_put(b, p, (size_t)(end - p));
}

void buf_put_i64(struct buf *b, int64_t v)
{
	if (v < 0) {
		buf_putc(b, '-');
		buf_put_u64(b, (uint64_t)0 - (uint64_t)v);
	} else {
		buf_put_u64(b, (uint64_t)v);
	}
}

void buf_put_hex(struct buf *b, uint64_t v)
{
	char tmp[16];
	char *p = tmp + sizeof(tmp);

	do {
		*--p = hex_digits[v & 15];
		v >>= 4;
	} while (v);
	buf_put(b, p, (size_t)(tmp + sizeof(tmp) - p));
}

void buf_put_hex_bytes(struct buf *b, const void *data, size_t len)
{
	const unsigned char *bytes = data;
	size_t i;

	for (i = 0; i < len; i++) {
		buf_putc(b, hex_digits[bytes[i] >> 4]);
		buf_putc(b, hex_digits[bytes[i] & 15]);
	}
}

void buf_put_shell_word(struct buf *b, const char *escaped)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._/@:+-,=%";
	bool ansi;

	/* At the beginning zsh looks '=' up as a command, and shells a job as '%'. */
	if (*escaped && *escaped != '=' && *escaped != '%' &&
	    !escaped[strspn(escaped, plain)]) {
		buf_puts(b, escaped);
		return;
	}
	/* bash and zsh read the same escapes between $' and '. */
	ansi = strchr(escaped, '\\');
	buf_puts(b, ansi ? "$'" : "'");
	for (; *escaped; escaped++) {
		if (*escaped != '\'')
			buf_putc(b, *escaped);
		else
			buf_puts(b, ansi ? "\\'" : "'\\''");
	}
	buf_putc(b, '\'');
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n <= 0)
		return;
	buf_reserve(b, (size_t)n + 1);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_put_duration(struct buf *b, uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s < 10)
		buf_printf(b, "%u.%us", (unsigned)s, (unsigned)(ms % 1000 / 100));
	else if (s < 100)
		buf_printf(b, "%us", (unsigned)s);
	else if (s < 3600)
		buf_printf(b, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 86400)
		buf_printf(b, "%uh%02um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else
		buf_printf(b, "%llud%02uh", (unsigned long long)(s / 86400),
			   (unsigned)(s / 3600 % 24));
}

void buf_put_time(struct buf *b, uint64_t us)
{
	double v = (double)us;

	if (us < 1000000)
		buf_printf(b,
			   us < 100	 ? "%.3f ms"
			   : us < 10000	 ? "%.2f ms"
			   : us < 100000 ? "%.1f ms"
					 : "%.0f ms",
			   v / 1e3);
	else
		buf_printf(b, us < 10000000 ? "%.3g s" : "%.1f s", v / 1e6);
}

const char *buf_cstr(struct buf *b)
{
	buf_reserve(b, 1);
	b->data[b->len] = '\0';
	return b->data;
}

size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;
	uint32_t c;

	if (!len)
		return 0;
	if (s[0] < 0x80) {
		*code = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] < 0xe0)
		n = 2, c = s[0] & 0x1f;
	else if ((s[0] & 0xf0) == 0xe0)
		n = 3, c = s[0] & 0x0f;
	else if (s[0] >= 0xf0 && s[0] < 0xf5)
		n = 4, c = s[0] & 0x07;
	else
		return 0;
	if (len < n)
		return 0;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*code = c;
	return n;
}

bool text_is_deceptive(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x0000, 0x001f },   /* C0 */
		{ 0x007f, 0x009f },   /* DEL, C1 */
		{ 0x00ad, 0x00ad },   /* soft hyphen */
		{ 0x034f, 0x034f },   /* grapheme joiner */
		{ 0x061c, 0x061c },   /* Arabic letter mark */
		{ 0x115f, 0x1160 },   /* Hangul fillers */
		{ 0x17b4, 0x17b5 },   /* Khmer vowels without ink */
		{ 0x180b, 0x180f },   /* Mongolian selectors */
		{ 0x200b, 0x200f },   /* zero width, direction marks */
		{ 0x2028, 0x202e },   /* line separators, direction overrides */
		{ 0x2060, 0x206f },   /* word joiner, isolates */
		{ 0x3164, 0x3164 },   /* Hangul filler */
		{ 0xfeff, 0xfeff },   /* byte order mark */
		{ 0xffa0, 0xffa0 },   /* Hangul filler */
		{ 0xfff0, 0xfffb },   /* annotations */
		{ 0xfffe, 0xffff },   /* no characters */
		{ 0x1d173, 0x1d17a }, /* musical controls */
		{ 0xe0000, 0xe0fff }, /* tags */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ranges) && code >= ranges[i].first; i++)
		if (code <= ranges[i].last)
			return true;
	return false;
}

static void buf_put_byte_escape(struct buf *b, unsigned char c)
{
	switch (c) {
	case '\n':
		buf_puts(b, "\\n");
		return;
	case '\t':
		buf_puts(b, "\\t");
		return;
	case '\r':
		buf_puts(b, "\\r");
		return;
	case '\\':
		buf_puts(b, "\\\\");
		return;
	default:
		buf_puts(b, "\\x");
		buf_putc(b, hex_digits[c >> 4]);
		buf_putc(b, hex_digits[c & 15]);
	}
}

/* One character that is no plain ASCII, or a byte that is none. Returns its length. */
static size_t put_foreign(struct buf *b, const unsigned char *s, size_t left)
{
	uint32_t code;
	size_t n = utf8_decode(s, left, &code), i;

	if (n > 1 && !b->ascii && !text_is_deceptive(code)) {
		buf_put(b, s, n);
		return n;
	}
	n = MAX(n, (size_t)1);
	for (i = 0; i < n; i++)
		buf_put_byte_escape(b, s[i]);
	return n;
}

void buf_put_escaped(struct buf *b, const void *text, size_t len)
{
	const unsigned char *s = text;
	size_t i = 0;

	while (i < len)
		if (LIKELY(s[i] > 0x20 && s[i] < 0x7f && s[i] != '\\')) {
			buf_putc(b, (char)s[i++]);
		} else if (s[i] == ' ') {
			buf_puts(b, b->words ? "\\x20" : " ");
			i++;
		} else
			i += put_foreign(b, s + i, len - i);
}

void buf_put_harmless(struct buf *b, const void *text, size_t len)
{
	const unsigned char *s = text;
	size_t i = 0;

	while (i < len)
		if (LIKELY(s[i] >= 0x20 && s[i] < 0x7f))
			buf_putc(b, (char)s[i++]);
		else
			i += put_foreign(b, s + i, len - i);
}

char *escape_text(char *dst, size_t size, const void *text, size_t len)
{
	struct buf b = { 0 };

	buf_put_escaped(&b, text, len);
	if (size) {
		size_t n = MIN(b.len, size - 1);

		if (n)
			memcpy(dst, b.data, n);
		dst[n] = '\0';
	}
	buf_free(&b);
	return dst;
}

/* U+0300..U+036F, the combining diacritics (0xcc, or 0xcd and less than 0xb0), stand on
 * the character before them. */
static bool is_diacritic(const unsigned char *s, size_t left)
{
	return s[0] == 0xcc || (s[0] == 0xcd && left > 1 && s[1] < 0xb0);
}

/* The width of eight bytes of UTF-8: those that begin a character. False if a diacritic
 * may be among them. */
static inline bool word_width(const char *s, size_t *width)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t word, lead, marks;

	memcpy(&word, s, sizeof(word));
	marks = (word ^ 0xcc * ones) & 0xfe * ones;
	if ((marks - ones) & ~marks & 0x80 * ones)
		return false;
	lead = ~((word >> 7) & ~(word >> 6)) & ones;
	*width += lead * ones >> 56;
	return true;
}

size_t text_width(const char *s, size_t len)
{
	size_t width = 0, i = 0;

	while (i + 8 <= len && word_width(s + i, &width))
		i += 8;
	for (; i < len; i++) {
		const unsigned char *c = (const unsigned char *)s + i;

		width += (*c & 0xc0) != 0x80;
		width -= is_diacritic(c, len - i);
	}
	return width;
}
