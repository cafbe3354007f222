#include "base/json.h"

#include "unit/unit.h"

static void members(void)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct json j = json_on(&b);

	json_begin_object(&j, "socket");
	json_member_u64(&j, "n", UINT64_MAX);
	json_member_str(&j, "s", "a\"b\\c");
	json_member_bool(&j, "yes", true);
	json_member_bool(&j, "no", false);
	json_member_null(&j, "none");
	json_member_cookie(&j, "cookie", 0xfedcba9876543210);
	json_key(&j, "i");
	json_i64(&j, INT64_MIN);
	json_key(&j, "list");
	json_open(&j, '[');
	json_u64(&j, 1);
	json_open(&j, '{');
	json_member_u64(&j, "a", 2);
	json_close(&j, '}');
	json_open(&j, '[');
	json_close(&j, ']');
	json_null(&j);
	json_close(&j, ']');
	json_end_object(&j);
	json_begin_object(&j, "end");
	json_end_object(&j);
	CHECK_STR(buf_cstr(&b),
		  "{\"v\":1,\"type\":\"socket\",\"n\":18446744073709551615,"
		  "\"s\":\"a\\\"b\\\\c\",\"yes\":true,\"no\":false,\"none\":null,"
		  "\"cookie\":\"0xfedcba9876543210\",\"i\":-9223372036854775808,"
		  "\"list\":[1,{\"a\":2},[],null]}\n"
		  "{\"v\":1,\"type\":\"end\"}\n");
}

static void fixed_point(void)
{
	static const struct {
		uint64_t value;
		unsigned decimals;
		const char *want;
	} rows[] = {
		{ 0, 3, "0" },	   { 1500, 3, "1.5" },
		{ 1, 3, "0.001" }, { 123456, 3, "123.456" },
		{ 7, 0, "7" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = { 0 };
		struct json j = json_on(&b);

		json_fixed(&j, rows[i].value, rows[i].decimals);
		CHECK(strtod(buf_cstr(&b), NULL) == strtod(rows[i].want, NULL));
	}
}

static void foreign_text(void)
{
	_cleanup_buf_ struct buf b = { 0 };
	struct json j = json_on(&b);

	json_begin_object(&j, "t");
	json_member_bytes(&j, "clean", "gr\xc3\xbc\xc3\x9f\n", 7);
	json_member_bytes(&j, "dirty", "a\xff\xc3", 3);
	json_member_bytes(&j, "control", "\033\x01\x7f\0\t\r", 6);
	json_member_bytes(&j, "empty", "", 0);
	json_end_object(&j);
	CHECK_STR(buf_cstr(&b),
		  "{\"v\":1,\"type\":\"t\",\"clean\":\"gr\xc3\xbc\xc3\x9f\\n\","
		  "\"dirty\":\"a\xef\xbf\xbd\xef\xbf\xbd\",\"dirty_hex\":\"61ffc3\","
		  "\"control\":\"\\u001b\\u0001\\u007f\\u0000\\t\\r\",\"empty\":\"\"}\n");
}

/* Said with \uXXXX is said the same. */
static void no_commands(void)
{
	static const char text[] =
		"\xc2\x9b\xe2\x80\xae\xc3\xbc\xf0\x9f\x98\x80\xf3\xa0\x80\xa1\xff";
	_cleanup_buf_ struct buf b = { 0 }, ascii = { .ascii = true };
	struct json j = json_on(&b), k = json_on(&ascii);

	json_bytes(&j, text, sizeof(text) - 1);
	CHECK_STR(buf_cstr(&b), "\"\\u009b\\u202e\xc3\xbc\xf0\x9f\x98\x80"
				"\\udb40\\udc21\xef\xbf\xbd\"");
	json_bytes(&k, text, sizeof(text) - 1);
	CHECK_STR(buf_cstr(&ascii),
		  "\"\\u009b\\u202e\\u00fc\\ud83d\\ude00\\udb40\\udc21\\ufffd\"");
}

struct thing {
	uint8_t u8;
	bool yes;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
};

static void put_sum(struct json *j, const struct json_row *row, const void *of)
{
	const struct thing *t = of;

	json_member_u64(j, row->name, t->u64 + row->at);
}

static void rows(void)
{
	static const struct json_row table[] = {
		{ "u8", JSON_UINT(struct thing, u8) },
		{ "u16", JSON_UINT(struct thing, u16), .unset = JSON_NULL },
		{ "u32", JSON_UINT(struct thing, u32), .unset = JSON_LEFT_OUT },
		{ "u64", JSON_UINT(struct thing, u64), .unset = JSON_NULL,
		  JSON_IF(struct thing, yes) },
		{ "yes", JSON_BOOL(struct thing, yes), .unset = JSON_LEFT_OUT },
		{ "sum", .put = put_sum, .at = 5 },
	};
	static const struct {
		struct thing of;
		const char *want;
	} cases[] = {
		{ { .u64 = 1 }, "\"u8\":0,\"u16\":null,\"u64\":null,\"sum\":6" },
		{ { .yes = true },
		  "\"u8\":0,\"u16\":null,\"u64\":0,\"yes\":true,\"sum\":5" },
		{ { 255, true, 256, UINT32_MAX, UINT64_C(1) << 40 },
		  "\"u8\":255,\"u16\":256,\"u32\":4294967295,\"u64\":1099511627776,"
		  "\"yes\":true,\"sum\":1099511627781" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf b = { 0 };
		struct json j = json_on(&b);

		json_members(&j, table, ARRAY_SIZE(table), &cases[i].of);
		CHECK_STR(buf_cstr(&b), cases[i].want);
	}
}

int main(void)
{
	rows();
	RUN(members, "members, lists and nesting have their commas and brackets");
	RUN(fixed_point, "fixed-point numbers keep their value");
	RUN(foreign_text, "what is not UTF-8 is replaced and stands beside in hex");
	RUN(no_commands,
	    "what a terminal obeys is written as \\uXXXX, on demand all foreign");
	return unit_done();
}
