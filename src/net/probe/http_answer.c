#include "net/probe/http_answer.h"

#include <string.h>
#include <strings.h>

enum { FRAME_HEAD = 9, FRAME_SETTINGS = 4, FRAME_GOAWAY = 7 };

int http_answer_status(const struct buf *in)
{
	const char *end = memchr(in->data, '\n', in->len), *p;
	int status = 0, i;

	if (memcmp(in->data, "HTTP/", MIN(in->len, (size_t)5)) != 0)
		return -1;
	if (!end)
		return 0;
	p = memchr(in->data, ' ', (size_t)(end - in->data));
	if (!p || end - p < 4 || p[1] == '0')
		return -1;
	for (i = 1; i <= 3; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		status = status * 10 + (p[i] - '0');
	}
	/* Three digits and no more (RFC 9112, 4); some leave the blank behind out. */
	return p[4] == ' ' || p[4] == '\r' || p[4] == '\n' ? status : -1;
}

/* Behind the next newline, or NULL. */
static const char *next_line(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl ? nl + 1 : NULL;
}

static int digit_of(char c, unsigned base)
{
	int v = c >= '0' && c <= '9'   ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : 99;

	return v < (int)base ? v : -1;
}

/* False if there is no digit, or it is more than anybody sends. */
static bool take_number(const char *p, const char *end, unsigned base, size_t *n)
{
	const char *from = p;

	for (*n = 0; p < end && digit_of(*p, base) >= 0; p++) {
		if (*n >> 40)
			return false;
		*n = *n * base + (size_t)digit_of(*p, base);
	}
	return p > from;
}

static bool last_chunk_came(const char *p, const char *end)
{
	size_t len;

	for (;;) {
		const char *data = next_line(p, end);

		if (!data || !take_number(p, data, 16, &len))
			return false;
		if (!len)
			return true;
		if (len > (size_t)(end - data))
			return false;
		p = next_line(data + len, end);
		if (!p)
			return false;
	}
}

static bool has_name(const char *p, const char *end, const char *name)
{
	size_t len = strlen(name);

	return (size_t)(end - p) >= len && strncasecmp(p, name, len) == 0;
}

bool http_answer_whole(const struct buf *in)
{
	static const char length[] = "content-length:", coding[] = "transfer-encoding:";
	const char *end = in->data + in->len, *p = in->data, *next;
	bool chunked = false, known = false;
	int status = http_answer_status(in);
	size_t body = 0;

	if (status < 200)
		return false;
	for (p = next_line(p, end); p; p = next) {
		next = next_line(p, end);
		if (!next)
			return false;
		if (*p == '\n' || *p == '\r')
			break;
		if (has_name(p, next, length)) {
			for (p += sizeof(length) - 1; p < next && *p == ' ';)
				p++;
			known = take_number(p, next, 10, &body);
		} else if (has_name(p, next, coding)) {
			chunked = true;
		}
	}
	if (!p)
		return false;
	if (status == 204 || status == 304)
		return true;
	if (chunked)
		return last_chunk_came(next, end);
	return known && (size_t)(end - next) >= body;
}

const char *http_answer_other(const struct buf *in)
{
	const unsigned char *p = (const unsigned char *)in->data;

	if (in->len >= 2 && (p[0] == 0x15 || p[0] == 0x16) && p[1] == 3)
		return "an HTTP/1 status line (the port speaks TLS: try 'curl -kv "
		       "https://HOST:PORT/')";
	/* A frame of the connection itself: stream 0. */
	if (in->len >= FRAME_HEAD && (p[3] == FRAME_SETTINGS || p[3] == FRAME_GOAWAY) &&
	    !p[0] && !p[5] && !p[6] && !p[7] && !p[8])
		return "an HTTP/1 status line (the port speaks HTTP/2 without TLS: try "
		       "'curl -v --http2-prior-knowledge http://HOST:PORT/')";
	return NULL;
}
