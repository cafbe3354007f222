#include "view/view_bytes.h"

#include "unit/unit.h"

#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *bytes;
	size_t len;
	const char *want;
} texts[] = {
	{ BYTES(""), "" },
	{ BYTES("a"), "  a\n" },
	{ BYTES("a\n"), "  a\\n\n" },
	{ BYTES("\n\nb"), "  \\n\n  \\n\n  b\n" },
	{ BYTES("\r\n> not a line of ours\n"), "  \\r\\n\n  > not a line of ours\\n\n" },
	{ BYTES("\0\x7f\xc3\xa4\xc3\\"), "  \\x00\\x7f\xc3\xa4\\xc3\\\\\n" },
};

static void as_text(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_buf_ struct buf b = { 0 };

		view_bytes_text(&b, texts[i].bytes, texts[i].len);
		CHECK_STR(buf_cstr(&b), texts[i].want);
	}
}

static const struct {
	uint64_t offset;
	const char *bytes;
	size_t len;
	const char *want;
} dumps[] = {
	{ 0, BYTES(""), "" },
	{ 5, BYTES("\n~\x80"),
	  "  00000005  0a 7e 80                                          |.~.|\n" },
	{ 0x1fffffff0, BYTES("0123456789abcdef!"),
	  "  1fffffff0  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  "
	  "|0123456789abcdef|\n"
	  "  200000000  21                                                |!|\n" },
};

static void as_hex(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(dumps); i++) {
		_cleanup_buf_ struct buf b = { 0 };

		view_bytes_hex(&b, dumps[i].offset, dumps[i].bytes, dumps[i].len);
		CHECK_STR(buf_cstr(&b), dumps[i].want);
	}
}

int main(void)
{
	RUN(as_text, "bytes as text: a line of theirs a line, none of which is ours");
	RUN(as_hex, "bytes as hexdump -C writes them, behind their offset");
	return unit_done();
}
