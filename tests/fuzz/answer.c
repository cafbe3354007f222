/*
 * What a server answers to probe --http, --expect and --banner: a status is three digits
 * of a status line and nothing else, a text is there or not, and neither changes when
 * more comes. data[0]: what is asked for.
 */
#include <string.h>

#include "base/mem.h"
#include "net/probe/attempt_private.h"

#include "fuzz.h"

/* RFC 9112, 4: HTTP-version SP status-code [ SP ]; 0 if it is no such line. */
static int plain_status(const char *s, size_t len)
{
	const char *end = memchr(s, '\n', len), *p;
	int status = 0, i;

	if (!end || end - s < 5 || memcmp(s, "HTTP/", 5) != 0)
		return 0;
	p = memchr(s, ' ', (size_t)(end - s));
	if (!p || end - p < 4)
		return 0;
	for (i = 1; i <= 3; i++) {
		if (p[i] < '0' || p[i] > '9')
			return 0;
		status = status * 10 + p[i] - '0';
	}
	return status >= 100 && strchr(" \r\n", p[4]) && p[4] ? status : 0;
}

/* Behind the answers that only announce one. */
static int final_status(const char *s, size_t len)
{
	for (;;) {
		int status = plain_status(s, len);
		const char *line = s;

		if (!status || status == 101 || status >= 200)
			return status;
		do {
			s = line;
			line = memchr(s, '\n', len);
			if (!line)
				return 0;
			len -= (size_t)(++line - s);
		} while (*s != '\r' && *s != '\n');
		s = line;
	}
}

static bool answered(struct attempt *a, const void *data, size_t len)
{
	bool r;

	buf_free(&a->in);
	/* Room for the NUL that it may put behind. */
	a->in = (struct buf){ .data = exact_text(data, len), .len = len, .cap = len + 1 };
	a->r->http_status = 0;
	r = attempt_answered(a);
	HOLDS(a->in.len == len && (!len || memcmp(a->in.data, data, len) == 0));
	HOLDS(r == !a->r->missed);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const patterns[] = { "^SSH-[0-9.]+-", "o*k$", "^$", "a.c|b" };
	struct buf expect = { .data = (char[]){ "ok\r\n" }, .len = 4 };
	struct attempt_how how = { 0 };
	struct probe_result result = { .peer.type = SOCK_STREAM };
	struct attempt a = { .how = &how, .r = &result };
	const char *s = (const char *)data + 1;
	size_t len = size - 1;
	regex_t regex;
	bool whole;

	if (size < 1 || size > 1 << 12)
		return 0;
	how.http = data[0] & 1 ? &expect : NULL;
	how.expect = data[0] & 2 ? &expect : NULL;
	how.banner = data[0] & 4;
	if (data[0] & 8) {
		HOLDS(regcomp(&regex, patterns[data[0] >> 4 & 3],
			      REG_EXTENDED | REG_NEWLINE | REG_NOSUB) == 0);
		how.expect_regex = &regex;
	}
	whole = answered(&a, s, len);
	if (how.http) {
		HOLDS(a.r->http_status == final_status(s, len));
		HOLDS(!whole || a.r->http_status);
	}
	/* Chunks may carry it in two. */
	if (how.expect && !how.http)
		HOLDS(!whole || memmem(s, len, "ok\r\n", 4));
	/* What is answered already stays so; a pattern may be anchored at the end. */
	if (!how.expect_regex && len > 1 && answered(&a, s, len / 2))
		HOLDS(whole);
	if (how.expect_regex)
		regfree(&regex);
	attempt_is_decided(&a);
	buf_free(&a.in);
	return 0;
}
