#include "net/probe/http_answer.h"

#include <string.h>
#include <strings.h>

enum { FRAME_HEAD = 9, FRAME_SETTINGS = 4, FRAME_GOAWAY = 7 };

/* "HTTP/1.1 200 OK": its number, 0 while the line is not whole, -1 if it is none. */
static int status_of(const char *p, const char *to)
{
	const char *end = memchr(p, '\n', (size_t)(to - p));
	int status = 0, i;

	if (memcmp(p, "HTTP/", MIN((size_t)(to - p), (size_t)5)) != 0)
		return -1;
	if (!end)
		return 0;
	p = memchr(p, ' ', (size_t)(end - p));
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

static bool is_empty_line(const char *p)
{
	return *p == '\n' || *p == '\r';
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

/* Appends the data of the chunks to `to` (may be NULL). True if the last one came, with
 * the lines behind it. */
static bool walk_chunks(const char *p, const char *end, struct buf *to)
{
	for (;;) {
		const char *data = next_line(p, end);
		size_t len, here;

		if (!data || !take_number(p, data, 16, &len))
			return false;
		if (!len) {
			for (p = data; p && p < end && !is_empty_line(p);)
				p = next_line(p, end);
			return p && p < end && next_line(p, end);
		}
		here = MIN(len, (size_t)(end - data));
		if (to)
			buf_put(to, data, here);
		if (here < len)
			return false;
		p = data + len;
		if (p == end || !is_empty_line(p) || !(p = next_line(p, end)))
			return false;
	}
}

/* The value of a field of this name; NULL = it is another. */
static const char *value_of(const char *line, const char *end, const char *name)
{
	size_t len = strlen(name);

	if ((size_t)(end - line) < len || strncasecmp(line, name, len) != 0)
		return NULL;
	for (line += len; line < end && (*line == ' ' || *line == '\t');)
		line++;
	return line;
}

struct head {
	bool chunked, known;
	size_t length;
};

static bool has_word(const char *p, const char *end, const char *word)
{
	size_t len = strlen(word);

	for (; (size_t)(end - p) >= len; p++)
		if (strncasecmp(p, word, len) == 0)
			return true;
	return false;
}

/* From the status line on: behind the empty line, or NULL. */
static const char *read_head(const char *p, const char *end, struct head *h)
{
	const char *next, *value;

	*h = (struct head){ 0 };
	for (p = next_line(p, end); p; p = next) {
		next = next_line(p, end);
		if (!next || is_empty_line(p))
			return next;
		if ((value = value_of(p, next, "content-length:")))
			h->known = take_number(value, next, 10, &h->length);
		else if ((value = value_of(p, next, "transfer-encoding:")))
			h->chunked = has_word(value, next, "chunked");
	}
	return NULL;
}

static bool is_interim(int status)
{
	return status >= 100 && status < 200 && status != 101;
}

void http_answer_read(const struct buf *in, struct http_answer *h)
{
	const char *p = in->data, *end, *body;
	struct head head;

	*h = (struct http_answer){ 0 };
	if (!in->len)
		return;
	for (end = p + in->len;; p = body) {
		h->status = status_of(p, end);
		if (h->status <= 0)
			return;
		body = read_head(p, end, &head);
		if (!is_interim(h->status))
			break;
		h->interim = true;
		h->status = 0;
		if (!body || body == end)
			return;
	}
	if (!body)
		return;
	h->body = (size_t)(body - in->data);
	h->chunked = head.chunked;
	if (h->status == 204 || h->status == 304)
		h->whole = true;
	else if (h->chunked)
		h->whole = walk_chunks(body, end, NULL);
	else
		h->whole = head.known && (size_t)(end - body) >= head.length;
}

void http_answer_put_plain(const struct buf *in, const struct http_answer *h,
			   struct buf *to)
{
	buf_put(to, in->data, h->chunked ? h->body : in->len);
	if (h->chunked)
		walk_chunks(in->data + h->body, in->data + in->len, to);
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
