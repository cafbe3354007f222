/* The head of an answer, and what a file is. */
#include "model/http/http_reply.h"

#include "model/http/http_header.h"
#include "model/http/media_type.h"
#include "unit/unit.h"

static const char *head(const struct http_reply *r)
{
	static struct buf b;

	buf_reset(&b);
	http_reply_put_head(&b, r, 784111777); /* the example of RFC 9110 */
	return buf_cstr(&b);
}

static void heads(void)
{
	struct http_reply r = { .status = 200, .type = "text/plain", .length = 5 };

	CHECK_STR(head(&r), "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
			    "Server: sockctl\r\nContent-Type: text/plain\r\n"
			    "Content-Length: 5\r\n\r\n");
	r.close = true;
	r.status = 299; /* registered nowhere */
	CHECK_STR(head(&r), "HTTP/1.1 299 \r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
			    "Server: sockctl\r\nContent-Type: text/plain\r\n"
			    "Content-Length: 5\r\nConnection: close\r\n\r\n");
	r.status = 304;
	CHECK_STR(head(&r),
		  "HTTP/1.1 304 Not Modified\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		  "Server: sockctl\r\nConnection: close\r\n\r\n");
}

static void given(void)
{
	_cleanup_strv_ struct strv headers = { 0 };
	struct http_reply r = { .status = 200, .type = "a/b", .headers = &headers };

	strv_add(&headers, "SERVER: me");
	strv_add(&headers, "content-type:\t x/y \t");
	strv_add(&headers, "Date:");
	strv_add(&headers, "Set-Cookie: a");
	strv_add(&headers, "Set-Cookie: b");
	CHECK_STR(head(&r), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSERVER: me\r\n"
			    "content-type: x/y\r\nDate: \r\nSet-Cookie: a\r\n"
			    "Set-Cookie: b\r\n\r\n");
}

static void types(void)
{
	static const char unknown[] = "application/octet-stream";

	CHECK_STR(media_type_of("/a.b/index.HTML"), "text/html; charset=utf-8");
	CHECK_STR(media_type_of("x.tar.gz"), "application/gzip");
	CHECK_STR(media_type_of("x.json"), "application/json");
	CHECK_STR(media_type_of("a.html/file"), unknown);
	CHECK_STR(media_type_of(".html"), unknown);
	CHECK_STR(media_type_of("x."), unknown);
	CHECK_STR(media_type_of(""), unknown);
}

static void checks(void)
{
	struct fault f = FAULT_INIT;

	CHECK_INT(http_header_check("A: b", &f), 0);
	CHECK_INT(http_header_check("A:", &f), 0);
	CHECK(http_header_check("A b: c", &f) < 0);
	CHECK_INT(f.mark, 1);
	CHECK(http_header_check(": c", &f) < 0);
	CHECK(http_header_check("A: b\r\nC: d", &f) < 0);
	CHECK_INT(f.mark, 4);
	CHECK(http_header_is("content-LENGTH: 5", "Content-Length"));
	CHECK(!http_header_is("Content-Length-X: 5", "Content-Length"));
}

int main(void)
{
	RUN(heads, "an answer says its status, its length and whether it is the last");
	RUN(given, "given headers replace ours");
	RUN(types, "a file is what its ending says");
	RUN(checks, "a header on the command line is one line with a name");
	return unit_done();
}
