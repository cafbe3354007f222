#include "base/buf.h"

#include <limits.h>

#include "unit/unit.h"

static void numbers(void)
{
	static const uint64_t values[] = { 0,	       9,	  10,	     99,
					   100,	       12345,	  65535,     65536,
					   UINT32_MAX, INT64_MAX, UINT64_MAX };
	char want[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		_cleanup_buf_ struct buf b = { 0 };

		buf_put_u64(&b, values[i]);
		snprintf(want, sizeof(want), "%llu", (unsigned long long)values[i]);
		CHECK_STR(buf_cstr(&b), want);
		buf_reset(&b);
		buf_put_i64(&b, (int64_t)values[i]);
		snprintf(want, sizeof(want), "%lld", (long long)values[i]);
		CHECK_STR(buf_cstr(&b), want);
		buf_reset(&b);
		buf_put_hex(&b, values[i]);
		snprintf(want, sizeof(want), "%llx", (unsigned long long)values[i]);
		CHECK_STR(buf_cstr(&b), want);
	}
}

static void negative(void)
{
	_cleanup_buf_ struct buf b = { 0 };

	buf_put_i64(&b, -1);
	buf_putc(&b, ' ');
	buf_put_i64(&b, INT64_MIN);
	CHECK_STR(buf_cstr(&b), "-1 -9223372036854775808");
}

static void grows(void)
{
	_cleanup_buf_ struct buf b = { 0 };
	size_t i;

	for (i = 0; i < 100000; i++)
		buf_putc(&b, (char)('a' + i % 26));
	buf_pad(&b, '.', 0);
	buf_pad(&b, '.', 70000);
	CHECK_INT(b.len, 170000);
	CHECK(b.data[0] == 'a' && b.data[99999] == (char)('a' + 99999 % 26));
	CHECK(b.data[100000] == '.' && b.data[169999] == '.');
	buf_reset(&b);
	buf_printf(&b, "%s-%d", "x", 7);
	buf_put(&b, NULL, 0);
	CHECK_STR(buf_cstr(&b), "x-7");
}

struct text_row {
	const char *bytes;
	size_t len;
	const char *want;
};

#define ROW(bytes, want)                       \
	{                                      \
		bytes, sizeof(bytes) - 1, want \
	}

static const struct text_row texts[] = {
	ROW("plain text", "plain text"),
	ROW("a\nb\tc\rd", "a\\nb\\tc\\rd"),
	ROW("back\\slash", "back\\\\slash"),
	ROW("\033[31mred", "\\x1b[31mred"),
	ROW("nul\0inside", "nul\\x00inside"),
	ROW("\x7f", "\\x7f"),
	ROW("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"),
	ROW("\xe2\x82\xac", "\xe2\x82\xac"),
	ROW("\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"),
	ROW("\xff\xfe", "\\xff\\xfe"),
	ROW("\xc3", "\\xc3"), /* cut short */
	ROW("\xe2\x82", "\\xe2\\x82"),
	ROW("\xc0\xaf", "\\xc0\\xaf"), /* overlong slash */
	ROW("\xe0\x80\xaf", "\\xe0\\x80\\xaf"),
	ROW("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"),
	ROW("\xed\xa0\x80", "\\xed\\xa0\\x80"),		 /* surrogate */
	ROW("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"), /* above 10FFFF */
	ROW("\xc2\x9b", "\\xc2\\x9b"),			 /* C1: CSI in one character */
	ROW("\xe2\x80\xae"
	    "abc",
	    "\\xe2\\x80\\xae"
	    "abc"),				/* right-to-left override */
	ROW("\xe2\x80\x8b", "\\xe2\\x80\\x8b"), /* zero-width space */
	ROW("\xe2\x81\xa6", "\\xe2\\x81\\xa6"), /* isolate */
	ROW("\xef\xbb\xbf", "\\xef\\xbb\\xbf"), /* byte order mark */
	ROW("\xe2\x80\xa8", "\\xe2\\x80\\xa8"), /* line separator */
	ROW("", ""),
};

static void escapes(void)
{
	char small[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_buf_ struct buf b = { 0 };
		char copy[128];

		buf_put_escaped(&b, texts[i].bytes, texts[i].len);
		CHECK_STR(buf_cstr(&b), texts[i].want);
		CHECK_STR(escape_text(copy, sizeof(copy), texts[i].bytes, texts[i].len),
			  texts[i].want);
	}
	CHECK_STR(escape_text(small, sizeof(small), "0123456789", 10), "0123456");
	CHECK_STR(escape_text(small, 1, "0123456789", 10), "");
}

/* Whatever the bytes: one line of valid UTF-8 without control characters. */
static void escapes_are_safe(void)
{
	unsigned a, b;

	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++) {
			_cleanup_buf_ struct buf out = { 0 };
			const char pair[3] = { (char)a, (char)b, 'z' };
			size_t i = 0;

			buf_put_escaped(&out, pair, 3);
			while (i < out.len) {
				uint32_t c = 0;
				size_t n = utf8_decode((unsigned char *)out.data + i,
						       out.len - i, &c);

				if (!n || c < 0x20 || (c >= 0x7f && c < 0xa0)) {
					printf("# bytes %02x %02x\n", a, b);
					CHECK(false);
					break;
				}
				i += n;
			}
		}
}

/* A sentence with foreign bytes in it: what is harmless stays, so that twice is once. */
static void harmless(void)
{
	static const struct {
		const char *raw, *plain, *ascii;
	} rows[] = {
		{ "plain", "plain", "plain" },
		{ "C:\\x1b", "C:\\x1b", "C:\\x1b" },
		{ "a\nb\t\x1b[2J\x7f", "a\\nb\\t\\x1b[2J\\x7f", "a\\nb\\t\\x1b[2J\\x7f" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr\\xc3\\xbc\\xc3\\x9f" },
		{ "\xc2\x9b\xe2\x80\xae\xff", "\\xc2\\x9b\\xe2\\x80\\xae\\xff",
		  "\\xc2\\x9b\\xe2\\x80\\xae\\xff" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf once = { 0 }, twice = { 0 };
		_cleanup_buf_ struct buf ascii = { .ascii = true };

		buf_put_harmless(&once, rows[i].raw, strlen(rows[i].raw));
		CHECK_STR(buf_cstr(&once), rows[i].plain);
		buf_put_harmless(&twice, once.data, once.len);
		CHECK_STR(buf_cstr(&twice), rows[i].plain);
		buf_put_harmless(&ascii, rows[i].raw, strlen(rows[i].raw));
		CHECK_STR(buf_cstr(&ascii), rows[i].ascii);
	}
}

static void deceptive(void)
{
	static const uint32_t bad[] = {
		0,	0x1f,	0x7f,	0x80,	0x9f,	0xad,	0x61c,	 0x200b,  0x200f,
		0x202e, 0x2066, 0x2069, 0x3164, 0xfeff, 0xffff, 0xe0001, 0xe01ef, 0xe0fff
	};
	static const uint32_t good[] = { 0x20,	 0x7e,	 0xa0,	 0xac,	 0xae,
					 0xfc,	 0x301,	 0x200a, 0x2010, 0x202f,
					 0x20ac, 0x4e2d, 0xfffd, 0x1f600 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(text_is_deceptive(bad[i]));
	for (i = 0; i < ARRAY_SIZE(good); i++)
		CHECK(!text_is_deceptive(good[i]));
}

static void shell_words(void)
{
	static const struct {
		const char *raw, *word;
	} rows[] = {
		{ "/run/x.sock", "/run/x.sock" },
		{ "127.0.0.1%lo:80,8000-8010", "127.0.0.1%lo:80,8000-8010" },
		{ "[::1]:80", "'[::1]:80'" },
		{ "*:80", "'*:80'" },
		{ "~root", "'~root'" },
		{ "=cat", "'=cat'" },
		{ "%1", "'%1'" },
		{ "a=b", "a=b" },
		{ "a!b?", "'a!b?'" },
		{ "", "''" },
		{ "/tmp/a b", "'/tmp/a b'" },
		{ "/tmp/$(reboot)", "'/tmp/$(reboot)'" },
		{ "it's", "'it'\\''s'" },
		{ "a\nb'c\\", "$'a\\nb\\'c\\\\'" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf shown = { 0 }, word = { 0 };

		buf_put_escaped(&shown, rows[i].raw, strlen(rows[i].raw));
		buf_put_shell_word(&word, buf_cstr(&shown));
		CHECK_STR(buf_cstr(&word), rows[i].word);
		buf_free(&shown);
		buf_free(&word);
	}
}

static void widths(void)
{
	CHECK_INT(text_width("abc", 3), 3);
	CHECK_INT(text_width("gr\xc3\xbc\xc3\x9f", 6), 4);
	CHECK_INT(text_width("\xe2\x82\xac", 3), 1);
	CHECK_INT(text_width("e\xcc\x81", 3), 1); /* combining acute */
	CHECK_INT(text_width("\xcd\xb0", 2), 1);  /* U+0370 is a letter */
	CHECK_INT(text_width("", 0), 0);
	/* Words of eight bytes, with and without something in them to look at. */
	CHECK_INT(text_width("0.0.0.0:8080", 12), 12);
	CHECK_INT(
		text_width("\xe2\x96\x91\xe2\x96\x91\xe2\x96\x91\xe2\x96\x91  0/128", 19),
		11);
	CHECK_INT(text_width("caf\x65\xcc\x81 au lait", 14), 12);
	CHECK_INT(text_width("letters\xcd\xb0 and more", 18), 17);
	CHECK_INT(text_width("letters\xcd\x80 and more", 18), 16);
}

static void times(void)
{
	static const struct {
		uint64_t us;
		const char *text;
	} cases[] = {
		{ 0, "0.000 ms" },   { 12, "0.012 ms" },    { 100, "0.10 ms" },
		{ 3412, "3.41 ms" }, { 12345, "12.3 ms" },  { 123456, "123 ms" },
		{ 1004994, "1 s" },  { 1020000, "1.02 s" }, { 12345678, "12.3 s" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf b = { 0 };

		buf_put_time(&b, cases[i].us);
		CHECK_STR(buf_cstr(&b), cases[i].text);
	}
}

int main(void)
{
	RUN(numbers, "numbers are written as printf writes them");
	RUN(negative, "negative numbers too, to the smallest");
	RUN(grows, "a buffer grows and keeps what it has");
	RUN(times, "a time that was measured has three digits that count");
	RUN(escapes, "foreign text is escaped, printable UTF-8 passes");
	RUN(escapes_are_safe, "no pair of bytes yields a control character");
	RUN(harmless, "a sentence is made harmless once, however often it is done");
	RUN(deceptive, "what hides or reorders others is known, what has ink passes");
	RUN(shell_words,
	    "a text that was escaped is one word of bash, and the raw text again");
	RUN(widths, "the width of a text is its characters");
	return unit_done();
}
