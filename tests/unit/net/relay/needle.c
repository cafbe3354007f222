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

int main(void)
{
	RUN(needles, "an expected text is found, however the stream is cut");
	return unit_done();
}
