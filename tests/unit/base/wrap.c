#include "base/wrap.h"

#include "unit/unit.h"

static const struct {
	const char *text;
	size_t column, indent, width;
	const char *want;
} rows[] = {
	{ "", 0, 0, 80, "" },
	{ "one two", 0, 0, 0, "one two" },
	{ "one two", 0, 0, 7, "one two" },
	{ "one two", 0, 0, 6, "one\ntwo" },
	{ "one two three", 2, 4, 9, "one two\n    three" },
	/* What does not fit anywhere stands by itself. */
	{ "a verylongword b", 0, 1, 6, "a\n verylongword\n b" },
	{ "verylongword", 5, 0, 6, "verylongword" },
	/* Lines of the text stay lines, with and without a width. */
	{ "a\nb c", 0, 2, 0, "a\n  b c" },
	{ "a b\nc", 0, 2, 3, "a b\n  c" },
	/* Columns, not bytes. */
	{ "\xc3\xa4\xc3\xb6\xc3\xbc x", 0, 0, 5, "\xc3\xa4\xc3\xb6\xc3\xbc x" },
	{ "\xc3\xa4\xc3\xb6\xc3\xbc x", 0, 0, 4, "\xc3\xa4\xc3\xb6\xc3\xbc\nx" },
};

static void paragraphs(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = { 0 };

		wrap_put(&b, rows[i].text, rows[i].column, rows[i].indent, rows[i].width);
		CHECK_STR(buf_cstr(&b), rows[i].want);
	}
}

int main(void)
{
	RUN(paragraphs, "a paragraph is broken at blanks, by columns");
	return unit_done();
}
