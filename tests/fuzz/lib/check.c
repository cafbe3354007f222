/* Referees of what the program prints. They share no code with it. */
#include <string.h>

#include "fuzz/fuzz.h"

void *exact_copy(const void *data, size_t size)
{
	void *copy = malloc(size ? size : 1);

	HOLDS(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

char *exact_text(const void *data, size_t size)
{
	char *copy = malloc(size + 1);

	HOLDS(copy);
	if (size)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

static void fail(const struct buf *b, size_t at, const char *why)
{
	size_t from = at > 60 ? at - 60 : 0, i;

	fprintf(stderr, "byte %zu of %zu, %s: ", at, b->len, why);
	for (i = from; i < b->len && i < at + 20; i++)
		fprintf(stderr,
			b->data[i] >= 0x20 && b->data[i] < 0x7f ? "%c" : "\\x%02x",
			(unsigned char)b->data[i]);
	fputc('\n', stderr);
	abort();
}

/* Length of the character at s, by the table of RFC 3629, 4; 0 if it is none. */
static size_t character(const unsigned char *s, size_t len, uint32_t *code)
{
	static const struct {
		unsigned char lo, hi, second_lo, second_hi;
		size_t n;
	} forms[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t i, k;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t n = forms[i].n;

		if (s[0] < forms[i].lo || s[0] > forms[i].hi)
			continue;
		if (n > len ||
		    (n > 1 && (s[1] < forms[i].second_lo || s[1] > forms[i].second_hi)))
			return 0;
		*code = n == 1 ? s[0] : s[0] & (0x7fu >> n);
		for (k = 1; k < n; k++) {
			if (k > 1 && (s[k] & 0xc0) != 0x80)
				return 0;
			*code = *code << 6 | (s[k] & 0x3f);
		}
		return n;
	}
	return 0;
}

/* C0, DEL, C1; marks and overrides of direction; line and paragraph separators. */
static int obeyed(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e ||
	       c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

void check_harmless(const struct buf *b)
{
	const unsigned char *s = (const unsigned char *)b->data;
	size_t at, n;
	uint32_t code;

	for (at = 0; at < b->len; at += n) {
		n = character(s + at, b->len - at, &code);
		if (!n)
			fail(b, at, "no UTF-8");
		if (code != '\n' && code != '\t' && obeyed(code))
			fail(b, at, "a terminal obeys it");
	}
}

/* --- RFC 8259 --- */

struct reader {
	const struct buf *b;
	size_t at;
};

enum { DEEPEST = 16 };

static char peek(const struct reader *r)
{
	return r->at < r->b->len ? r->b->data[r->at] : '\0';
}

static void expect(struct reader *r, char c)
{
	if (peek(r) != c)
		fail(r->b, r->at, "no JSON");
	r->at++;
}

static int digits(struct reader *r)
{
	size_t from = r->at;

	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
	return (int)(r->at - from);
}

static void number(struct reader *r)
{
	if (peek(r) == '-')
		r->at++;
	if (peek(r) == '0')
		r->at++;
	else if (!digits(r))
		fail(r->b, r->at, "no number");
	if (peek(r) == '.') {
		r->at++;
		if (!digits(r))
			fail(r->b, r->at, "no fraction");
	}
	if (peek(r) == 'e' || peek(r) == 'E') {
		r->at++;
		if (peek(r) == '-' || peek(r) == '+')
			r->at++;
		if (!digits(r))
			fail(r->b, r->at, "no exponent");
	}
}

static unsigned hex4(struct reader *r)
{
	unsigned v = 0, i;

	for (i = 0; i < 4; i++, r->at++) {
		char c = peek(r);

		if (c >= '0' && c <= '9')
			v = v * 16 + (unsigned)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v * 16 + (unsigned)((c | 32) - 'a' + 10);
		else
			fail(r->b, r->at, "no \\u escape");
	}
	return v;
}

static void escape(struct reader *r)
{
	unsigned unit;

	r->at++;
	if (peek(r) != 'u') {
		if (!peek(r) || !strchr("\"\\/bfnrt", peek(r)))
			fail(r->b, r->at, "no escape");
		r->at++;
		return;
	}
	r->at++;
	unit = hex4(r);
	if (unit >= 0xdc00 && unit < 0xe000)
		fail(r->b, r->at, "half a character");
	if (unit >= 0xd800 && unit < 0xdc00) {
		expect(r, '\\');
		expect(r, 'u');
		unit = hex4(r);
		if (unit < 0xdc00 || unit >= 0xe000)
			fail(r->b, r->at, "half a character");
	}
}

static void string(struct reader *r)
{
	expect(r, '"');
	while (peek(r) != '"') {
		if ((unsigned char)peek(r) < 0x20)
			fail(r->b, r->at, "a string does not end");
		if (peek(r) == '\\')
			escape(r);
		else
			r->at++;
	}
	r->at++;
}

static void word(struct reader *r, const char *w)
{
	for (; *w; w++)
		expect(r, *w);
}

static void value(struct reader *r, int depth);

static void members(struct reader *r, int depth, char open, char end)
{
	expect(r, open);
	if (depth == DEEPEST)
		fail(r->b, r->at, "too deep");
	if (peek(r) == end) {
		r->at++;
		return;
	}
	for (;;) {
		if (open == '{') {
			string(r);
			expect(r, ':');
		}
		value(r, depth + 1);
		if (peek(r) == end)
			break;
		expect(r, ',');
	}
	r->at++;
}

static void value(struct reader *r, int depth)
{
	switch (peek(r)) {
	case '{':
		members(r, depth, '{', '}');
		break;
	case '[':
		members(r, depth, '[', ']');
		break;
	case '"':
		string(r);
		break;
	case 't':
		word(r, "true");
		break;
	case 'f':
		word(r, "false");
		break;
	case 'n':
		word(r, "null");
		break;
	default:
		number(r);
	}
}

void check_json_lines(const struct buf *b)
{
	struct reader r = { .b = b };

	check_harmless(b);
	while (r.at < b->len) {
		members(&r, 0, '{', '}');
		expect(&r, '\n');
	}
}
