/* Requests of HTTP/1 end where they end, and what could be framed in two ways is refused.
 */
#include "model/http/http_request.h"

#include "base/mem.h"
#include "unit/unit.h"

#define HOST "Host: a\r\n"
#define POST "POST /p HTTP/1.1\r\n" HOST

struct result {
	struct http_request r;
	size_t header, whole; /* where they end; 0 = not */
};

static void read_piece(struct result *x, uint64_t most, const char *s, size_t from,
		       size_t to)
{
	enum http_event event = HTTP_HEADER;

	while (event == HTTP_HEADER) {
		from += http_request_take(&x->r, most, s + from, to - from, &event);
		if (event == HTTP_HEADER)
			x->header = from;
		if (event == HTTP_WHOLE && !x->whole)
			x->whole = from;
	}
}

static struct result read_all(const char *s, size_t len, uint64_t most)
{
	struct result at_once = { 0 }, each = { 0 };
	size_t i;

	read_piece(&at_once, most, s, 0, len);
	for (i = 0; i < len && !each.whole && !each.r.status; i++)
		read_piece(&each, most, s, i, i + 1);
	CHECK_INT(each.header, at_once.header);
	CHECK_INT(each.whole, at_once.whole);
	CHECK_INT(each.r.status, at_once.r.status);
	CHECK_INT(each.r.body_bytes, at_once.r.body_bytes);
	return at_once;
}

static struct result read_text(const char *s)
{
	return read_all(s, strlen(s), UINT64_MAX);
}

static void framing(void)
{
	static const struct {
		const char *request; /* the byte behind it is an x */
		uint64_t body;
	} rows[] = {
		{ "GET / HTTP/1.0\r\n\r\n", 0 },
		{ "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0 },
		{ POST "\r\n", 0 },
		{ POST "Content-Length: 0\r\n\r\n", 0 },
		{ POST "content-length:\t3 \r\n\r\nabc", 3 },
		{ POST "Content-Length: 0003\r\n\r\nabc", 3 },
		{ POST "Content-Length-X: 9\r\nX: Content-Length: 9\r\n\r\n", 0 },
		{ POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0 },
		{ POST "transfer-encoding: , Chunked,\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 3 },
		{ POST "Transfer-Encoding: chunked\r\n\r\n"
		       "1;a=\"b;c\"\r\nx\r\n00b \t;d\r\n0123456789\n\r\n0;e\r\nT: 1\r\n"
		       "Content-Length: 7\r\n\r\n",
		  12 },
		{ "POST /\xff HTTP/1.7\r\n" HOST
		  "Content-Length: 1\r\nX: \xc3\xa4\r\n\r\n\r",
		  1 },
	};
	struct result x;
	char text[512];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(text, sizeof(text), "%sx", rows[i].request);
		x = read_text(text);
		CHECK_INT(x.r.status, 0);
		CHECK_INT(x.whole, strlen(rows[i].request));
		CHECK_INT(x.r.body_bytes, rows[i].body);
	}
}

static void facts(void)
{
	struct result x = read_text("HEAD / HTTP/1.1\r\n" HOST "\r\n");

	CHECK(x.r.head && x.r.http11 && !x.r.close && !x.r.has_body);
	x = read_text("HEADER / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
	CHECK(!x.r.head && !x.r.http11 && x.r.close && x.r.expects_continue);
	x = read_text("head / HTTP/1.1\r\n" HOST "Connection: keep-alive, CLOSE\r\n\r\n");
	CHECK(!x.r.head && x.r.close);
	x = read_text(POST "Connection: closed, clo se\r\nExpect: 100-continued\r\n\r\n");
	CHECK(!x.r.close && !x.r.expects_continue);
	x = read_text("\r\n\r\n");
	CHECK(!x.whole && !http_request_begun(&x.r));
	x = read_text("G");
	CHECK(!x.whole && http_request_begun(&x.r) && !http_request_in_body(&x.r));
	x = read_text(POST "Content-Length: 9\r\n\r\nab");
	CHECK(x.header && !x.whole && http_request_in_body(&x.r));
	CHECK_INT(x.r.left, 7);
	x = read_text(POST "Transfer-Encoding: chunked\r\n\r\n0\r\nT:");
	CHECK(!x.whole && http_request_in_body(&x.r));
}

static void refusals(void)
{
	static const struct {
		int status;
		const char *request;
	} rows[] = {
		/* two lengths, or a length and a coding */
		{ 400, POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\n" },
		{ 400, POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\n" },
		{ 400, POST "Content-Length: 3, 3\r\n\r\n" },
		{ 400, POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n" },
		{ 400, POST "Transfer-Encoding:\r\nContent-Length: 3\r\n\r\n" },
		/* lengths that are none */
		{ 400, POST "Content-Length:\r\n\r\n" },
		{ 400, POST "Content-Length: +3\r\n\r\n" },
		{ 400, POST "Content-Length: -3\r\n\r\n" },
		{ 400, POST "Content-Length: 0x3\r\n\r\n" },
		{ 400, POST "Content-Length: 3 3\r\n\r\n" },
		{ 400, POST "Content-Length: 18446744073709551616\r\n\r\n" },
		{ 400, POST "Content-Length: 9223372036854775808\r\n\r\n" },
		/* codings */
		{ 400, POST "Transfer-Encoding: chunked, gzip\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: xchunked\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: chunked x\r\n\r\n" },
		{ 400, POST "Transfer-Encoding: identity\r\n\r\n" },
		{ 501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n" },
		{ 501, POST "Transfer-Encoding: chunked\r\n"
			    "Transfer-Encoding: chunked\r\n\r\n" },
		{ 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" },
		/* lines */
		{ 400, "GET / HTTP/1.1\n" HOST "\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\n\n" },
		{ 400, "\nGET / HTTP/1.1\r\n" HOST "\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\rX: y\r\n\r\n" },
		{ 400, POST "X: y\r\n z\r\n\r\n" },
		{ 400, POST "X: y\r\n\tz\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\n X: y\r\n" HOST "\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n" },
		{ 400, POST "Transfer-Encoding\t: chunked\r\n\r\n" },
		{ 400, POST ": y\r\n\r\n" },
		{ 400, POST "X\r\n\r\n" },
		{ 400, POST "X(: y\r\n\r\n" },
		{ 400, POST "X: \x01\r\n\r\n" },
		/* the request line */
		{ 400, "GET /\r\n\r\n" },
		{ 400, "GET  / HTTP/1.1\r\n\r\n" },
		{ 400, "GET /a b HTTP/1.1\r\n\r\n" },
		{ 400, "GET / HTTP/1.1 \r\n\r\n" },
		{ 400, "GET / HTTP/11\r\n\r\n" },
		{ 400, "GET / http/1.1\r\n\r\n" },
		{ 400, "GET\r\n" },
		{ 400, "\x16\x03\x01" },
		{ 400, "\x80" },
		{ 505, "PRI * HTTP/2.0\r\n" },
		/* the host */
		{ 400, "GET / HTTP/1.1\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n" },
	};
	struct result x;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		x = read_text(rows[i].request);
		CHECK_INT(x.r.status, rows[i].status);
		CHECK(x.r.status && x.r.why && x.r.why[0]);
		CHECK_INT(x.whole, 0);
		CHECK_INT(x.header, 0);
	}
}

static void chunks(void)
{
	static const char *const rows[] = {
		"\r\n",
		"x\r\n",
		"-1\r\n",
		"0x1\r\n",
		"1\n",
		"1 \r\n",
		"1 x\r\n",
		" 1\r\n",
		"1\r\nab",
		"1\r\na\n",
		"1\r\na\rx",
		"1;\x01",
		"1;a\n",
		"1;a\rb",
		"1\rx",
		"0\r\n x: y\r\n",
		"0\r\nx : y",
		"0\r\nx\r\n",
		"0\r\n\n",
		"0\r\nx: y\n",
		"8000000000000000\r\n",
		"ffffffffffffffff\r\n",
		"10000000000000000\r\n",
		"7fffffffffffffff1\r\n",
		"1\r\na\r\n7fffffffffffffff\r\n",
	};
	char text[256];
	struct result x;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(text, sizeof(text), POST "Transfer-Encoding: chunked\r\n\r\n%s",
			 rows[i]);
		x = read_text(text);
		CHECK_INT(x.r.status, 400);
		CHECK_INT(x.whole, 0);
	}
}

/* The bytes before `filler`, so many of them, and those behind. */
static int status_of(const char *before, size_t n, const char *behind)
{
	size_t len = strlen(before) + n + strlen(behind);
	char *s = xmalloc(len + 1);
	struct result x;

	memcpy(s, before, strlen(before));
	memset(s + strlen(before), 'a', n);
	memcpy(s + strlen(before) + n, behind, strlen(behind));
	x = read_all(s, len, UINT64_MAX);
	free(s);
	CHECK(x.r.status || x.whole == len);
	return x.r.status;
}

static void bounds(void)
{
	static const char before[] = "GET / HTTP/1.1\r\n" HOST "X: ", end[] = "\r\n\r\n";
	static const char trailer[] = POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: ";
	static const char extension[] = POST "Transfer-Encoding: chunked\r\n\r\n0;";
	size_t most = HTTP_HEADER_MOST - (sizeof(before) - 1) - (sizeof(end) - 1);
	size_t line = HTTP_CHUNK_LINE_MOST - sizeof("0;\r\n") + 1;

	CHECK_INT(status_of(before, most, end), 0);
	CHECK_INT(status_of(before, most + 1, end), 431);
	CHECK_INT(status_of(trailer, HTTP_HEADER_MOST - 7, end), 0);
	CHECK_INT(status_of(trailer, HTTP_HEADER_MOST - 6, end), 431);
	CHECK_INT(status_of(extension, line, "\r\n\r\n"), 0);
	CHECK_INT(status_of(extension, line + 1, "\r\n\r\n"), 400);
}

static void large_bodies(void)
{
	static const char length[] = POST "Content-Length: 5\r\n\r\nabcde";
	static const char chunked[] = POST
		"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";

	CHECK_INT(read_all(length, sizeof(length) - 1, 5).r.status, 0);
	CHECK_INT(read_all(length, sizeof(length) - 1, 4).r.status, 413);
	CHECK_INT(read_all(length, sizeof(length) - 1, 4).header, 0);
	CHECK_INT(read_all(chunked, sizeof(chunked) - 1, 5).r.status, 0);
	CHECK_INT(read_all(chunked, sizeof(chunked) - 1, 4).r.status, 413);
	CHECK_INT(read_all(chunked, sizeof(chunked) - 1, 4).r.body_bytes, 3);
	CHECK_INT(read_all(POST "\r\n", sizeof(POST "\r\n") - 1, 0).r.status, 0);
}

int main(void)
{
	RUN(framing, "a request ends where its length or its last chunk says");
	RUN(facts, "what an answer depends on is known when the header has ended");
	RUN(refusals, "what another reader could frame otherwise is refused");
	RUN(chunks, "chunks that are none are refused");
	RUN(bounds, "headers, trailers and lines of chunks have bounds");
	RUN(large_bodies,
	    "a body beyond the limit is refused, by its length or as it comes");
	return unit_done();
}
