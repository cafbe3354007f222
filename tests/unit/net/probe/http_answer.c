/* Answers of HTTP/1: where they end, by their own words, and what they say. */
#include "net/probe/http_answer.h"

#include <stdlib.h>

#include "base/mem.h"
#include "unit/unit.h"

/* In a block of exactly its size, so that a byte too far is found. */
static struct http_answer read_exact(const char *text, size_t len)
{
	struct buf in = { .len = len, .cap = len };
	struct http_answer h;

	in.data = len ? memcpy(xmalloc(len), text, len) : NULL;
	http_answer_read(&in, &h);
	free(in.data);
	return h;
}

#define OK	"HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

/* Where each is whole it is so with its last byte, and not before. */
static const struct {
	const char *text;
	int status;
	bool whole;
} answers[] = {
	{ OK "Content-Length: 2\r\n\r\nok", 200, true },
	{ OK "content-length:2\r\n\r\nok", 200, true },
	{ OK "Content-Length: \t2\r\n\r\nok", 200, true },
	{ "HTTP/1.1 503 Busy\nContent-Length: 4\n\nbusy", 503, true },
	{ OK "Content-Length: 0\r\n\r\n", 200, true },
	{ "HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", 204, true },
	{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 900\r\n\r\n", 304, true },
	{ CHUNKED "2\r\nok\r\n0\r\n\r\n", 200, true },
	{ CHUNKED "0\r\n\r\n", 200, true },
	{ CHUNKED "A;name=x\r\n0123456789\r\n1\r\n\n\r\n00\r\nTrailer: x\r\n\r\n", 200,
	  true },
	{ OK
	  "Transfer-Encoding: gzip, Chunked\r\nContent-Length: 1\r\n\r\n1\r\nx\r\n0\r\n\r\n",
	  200, true },
	{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" OK
	  "Content-Length: 1\r\n\r\nx",
	  200, true },
	/* The end of the connection is the end of these. */
	{ OK "Server: x\r\n\r\nok", 200, false },
	{ OK "Content-Length: 3\r\n\r\nok", 200, false },
	{ OK "Content-Length: -1\r\n\r\nok", 200, false },
	{ OK "Content-Length: 99999999999999999999\r\n\r\nok", 200, false },
	{ OK "X-Content-Length: 2\r\n\r\nok", 200, false },
	{ OK "Content-Length: 2\r\n", 200, false },
	{ OK "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 200, false },
	{ CHUNKED "2\r\nok\r\n0\r\nTrailer: x\r\n", 200, false },
	{ CHUNKED "4\r\nok\r\n0\r\n\r\n", 200, false },
	{ CHUNKED "1\r\nok\r\n0\r\n\r\n", 200, false },
	{ CHUNKED "z\r\nok\r\n0\r\n\r\n", 200, false },
	{ CHUNKED "ffffffffffffffffffffffff\r\nok\r\n0\r\n\r\n", 200, false },
	{ CHUNKED "-1\r\nok\r\n0\r\n\r\n", 200, false },
	{ "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n\x81\x05", 101, false },
	{ "HTTP/1.1 100 Continue\r\n\r\n", 0, false },
	{ "HTTP/1.1 100 Continue\r\n\r\nSSH-2.0", -1, false },
	{ "HTTP/1.1 200 OK", 0, false },
	{ "", 0, false },
	{ "HTTP/1.1 2\r\n\r\n", -1, false },
	{ "HTTP/1.1 0200 OK\r\n\r\n", -1, false },
	{ "HTTP/1.1 2000 OK\r\n\r\n", -1, false },
	{ "HTTP/1.1\r\n 200 OK\r\n\r\n", -1, false },
	{ "http/1.1 200 OK\r\n\r\n", -1, false },
	{ "\r\n" OK "\r\n", -1, false },
	{ "SSH-2.0-OpenSSH\r\n", -1, false },
};

static void ends(void)
{
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		size_t len = strlen(answers[i].text);
		struct http_answer h = read_exact(answers[i].text, len);

		CHECK_INT(h.status, answers[i].status);
		CHECK_INT(h.whole, answers[i].whole);
		for (n = 0; n < len; n++) {
			h = read_exact(answers[i].text, n);
			CHECK(!h.whole);
			/* Not known yet is not another. */
			CHECK(h.status == 0 || h.status == answers[i].status);
		}
		/* What stands behind it changes nothing. */
		if (answers[i].whole) {
			_cleanup_buf_ struct buf more = { 0 };

			buf_printf(&more, "%s%s", answers[i].text, answers[i].text);
			h = read_exact(more.data, more.len);
			CHECK_INT(h.status, answers[i].status);
			CHECK(h.whole);
		}
	}
}

static void nothing(void)
{
	struct buf none = { 0 }, to = { 0 };
	struct http_answer h;

	http_answer_read(&none, &h);
	CHECK_INT(h.status, 0);
	CHECK(!h.whole && !h.body && !http_answer_other(&none));
	http_answer_put_plain(&none, &h, &to);
	CHECK_INT(to.len, 0);
	buf_free(&to);
}

static void check_plain(const char *text, const char *want)
{
	struct buf in = { .data = (char *)(uintptr_t)text, .len = strlen(text) };
	_cleanup_buf_ struct buf to = { 0 };
	struct http_answer h;

	http_answer_read(&in, &h);
	http_answer_put_plain(&in, &h, &to);
	CHECK_STR(buf_cstr(&to), want);
}

static void plain(void)
{
	check_plain(OK "\r\n2\r\nok\r\n", OK "\r\n2\r\nok\r\n");
	check_plain(CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
		    CHUNKED "hello world");
	check_plain(CHUNKED "5\r\nhello\r\n6\r\n wo", CHUNKED "hello wo");
	check_plain(CHUNKED "5\r\nhello\r\nz\r\n wo", CHUNKED "hello");
	check_plain(CHUNKED, CHUNKED);
	check_plain("SSH-2.0", "SSH-2.0");
}

/* Longer than any buffer of an attempt. */
static void oversize(void)
{
	enum { BODY = 1 << 20 };
	_cleanup_buf_ struct buf in = { 0 }, to = { 0 };
	struct http_answer h;

	buf_printf(&in, OK "X: ");
	buf_pad(&in, 'x', BODY);
	http_answer_read(&in, &h);
	CHECK_INT(h.status, 200);
	CHECK(!h.whole && !h.body);
	buf_reset(&in);
	buf_printf(&in, CHUNKED "%x\r\n", BODY);
	buf_pad(&in, 'x', BODY);
	http_answer_read(&in, &h);
	CHECK(!h.whole);
	http_answer_put_plain(&in, &h, &to);
	CHECK_INT(to.len, strlen(CHUNKED) + BODY);
	buf_puts(&in, "\r\n0\r\n\r\n");
	http_answer_read(&in, &h);
	CHECK(h.whole);
}

static bool is_other(const char *bytes, size_t len, const char *name)
{
	char *exact = memcpy(xmalloc(MAX(len, (size_t)1)), bytes, len);
	struct buf in = { .data = exact, .len = len };
	const char *other = http_answer_other(&in);
	bool r = name ? other && strstr(other, name) : !other;

	free(exact);
	return r;
}

#define IS(bytes, name) is_other(bytes, sizeof(bytes) - 1, name)

static void others(void)
{
	CHECK(IS("\x15\x03\x01\x00\x02\x02\x46", "speaks TLS"));
	CHECK(IS("\x16\x03", "speaks TLS"));
	CHECK(IS("\x15", NULL));
	CHECK(IS("\x15\x02\x01", NULL));
	CHECK(IS("\x17\x03\x03", NULL));
	/* SETTINGS with two of them, and GOAWAY. */
	CHECK(IS("\x00\x00\x0c\x04\x00\x00\x00\x00\x00\x00\x03", "HTTP/2 without TLS"));
	CHECK(IS("\x00\x00\x08\x07\x00\x00\x00\x00\x00", "HTTP/2 without TLS"));
	CHECK(IS("\x00\x00\x0c\x04\x00\x00\x00\x00", NULL));
	CHECK(IS("\x00\x00\x0c\x04\x00\x00\x00\x00\x01", NULL));
	CHECK(IS("\x00\x00\x0c\x00\x00\x00\x00\x00\x00", NULL));
	CHECK(IS("HTTP/1.1 200 OK\r\n", NULL));
}

int main(void)
{
	RUN(ends, "each ends with its last byte, at no other, whatever stands behind");
	RUN(nothing, "nothing is no answer");
	RUN(plain, "what chunks carry, without their marks");
	RUN(oversize, "answers that are longer than anybody reads");
	RUN(others, "TLS and HTTP/2 by their first bytes");
	return unit_done();
}
