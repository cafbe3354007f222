/* What a stream is watched for is found wherever it is cut. */
#include "net/relay/needle.h"

#include "base/mem.h"
#include "unit/unit.h"

static struct buf text_of(const char *s)
{
	struct buf b = { 0 };

	buf_puts(&b, s);
	return b;
}

/* Found when all comes at once, in two parts, and byte by byte. */
static bool found(const char *needle, const char *stream)
{
	_cleanup_buf_ struct buf text = text_of(needle);
	_cleanup_free_ uint32_t *table = needle_table(&text);
	size_t len = strlen(stream), cut, i;
	uint32_t k = 0;
	bool whole = needle_found(&text, table, &k, stream, len), r = false;

	for (cut = 0; cut <= len; cut++) {
		k = 0;
		r = needle_found(&text, table, &k, stream, cut) ||
		    needle_found(&text, table, &k, stream + cut, len - cut);
		CHECK(r == whole);
	}
	for (k = 0, i = 0, r = false; i < len && !r; i++)
		r = needle_found(&text, table, &k, stream + i, 1);
	CHECK(r == whole);
	/* What was found stays so, and no byte behind it is compared with anything. */
	CHECK(!r || needle_found(&text, table, &k, "z", 1));
	return whole;
}

static void needles(void)
{
	CHECK(found("abab", "aabababb"));
	CHECK(found("aab", "aaaab"));
	CHECK(found("a", "a"));
	CHECK(found("abcabd", "abcabcabd"));
	CHECK(!found("abab", "abaab"));
	CHECK(!found("ab", "a"));
	CHECK(!found("a", ""));
}

/* How many bytes the head has; 0 if it does not end. */
static size_t head(const char *s, bool *is_head)
{
	struct http_head h = { 0 };
	size_t i;

	for (i = 0; s[i]; i++)
		if (http_head_take(&h, s[i])) {
			*is_head = http_head_is_head(&h);
			return i + 1;
		}
	*is_head = false;
	return 0;
}

static void heads(void)
{
	static const struct {
		const char *text;
		size_t len;
		bool is_head;
	} rows[] = {
		{ "GET / HTTP/1.0\r\n\r\nx", 18, false },
		{ "GET / HTTP/1.0\n\nx", 16, false },
		{ "GET / HTTP/1.0\r\n\nx", 17, false },
		{ "GET / HTTP/1.0\n\r\nx", 17, false },
		{ "HEAD / HTTP/1.0\r\n\r\n", 19, true },
		{ "\r\nHEAD / HTTP/1.0\r\n\r\n", 21, true },
		{ "HEADER / HTTP/1.0\r\n\r\n", 21, false },
		{ "HEAD\r\n\r\n", 8, false },
		{ "H\n\n", 3, false },
		{ "\n\n", 2, false },
		{ "a\r\n\r\r\nb", 0, false },
		{ "a\r\r\n\r\nb", 6, false },
		{ "a\r\n b\r\n", 0, false },
		{ "", 0, false },
	};
	bool is_head;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_INT(head(rows[i].text, &is_head), rows[i].len);
		CHECK_INT(is_head, rows[i].is_head);
	}
}

/* Every text of so many bytes of these ends where it does when no byte is left out. */
static void skips(void)
{
	enum { LEN = 9 };
	static const char bytes[] = "\r\na";
	unsigned n, total = 1, wrong = 0, i;

	for (i = 0; i < LEN; i++)
		total *= 3;
	for (n = 0; n < total; n++) {
		struct http_head each = { .n = sizeof(each.method) }, some = each;
		char s[LEN];
		unsigned v = n;
		size_t at[2] = { LEN, LEN };

		for (i = 0; i < LEN; i++, v /= 3)
			s[i] = bytes[v % 3];
		for (i = 0; i < LEN && at[0] == LEN; i++)
			if (http_head_take(&each, s[i]))
				at[0] = i;
		for (i = 0; i < LEN && at[1] == LEN; i++) {
			i += (unsigned)http_head_skip(&some, s + i, LEN - i);
			if (http_head_take(&some, s[i]))
				at[1] = i;
		}
		wrong += at[0] != at[1] || each.matched != some.matched;
	}
	CHECK_INT(wrong, 0);
	CHECK_INT(http_head_skip(&(struct http_head){ .n = 5 }, "x\n", 0), 0);
}

int main(void)
{
	RUN(needles, "an expected text is found, however the stream is cut");
	RUN(heads, "the head of a request ends at its blank line");
	RUN(skips, "what says nothing about the end of a head is left out, and no more");
	return unit_done();
}
