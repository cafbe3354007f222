/*
 * What a peer sends to listen --http: requests begin and end at the same bytes however
 * the stream is cut, and none is taken that another reader could frame otherwise.
 * data[0]: where the stream is cut; data[1]: how large a body may be.
 */
#include "model/http/http_request.h"

#include <string.h>
#include <strings.h>

#include "fuzz.h"

enum { EVENTS_MOST = 64 };

struct seen {
	size_t n;
	struct {
		enum http_event event;
		size_t at;
		int status;
	} v[EVENTS_MOST];
};

/* Whether a line of the header begins so. */
static size_t lines_of(const char *s, size_t len, const char *begin)
{
	size_t i, n = 0, want = strlen(begin);

	for (i = 1; i + want <= len; i++)
		n += s[i - 1] == '\n' && strncasecmp(s + i, begin, want) == 0;
	return n;
}

static void check_header(const struct http_request *r, const char *s, size_t len)
{
	size_t i;

	HOLDS(len >= 16 && memcmp(s + len - 4, "\r\n\r\n", 4) == 0);
	HOLDS(len <= HTTP_HEADER_MOST);
	for (i = 0; i < len; i++) {
		HOLDS(s[i] != '\n' || (i && s[i - 1] == '\r'));
		HOLDS(s[i] != '\r' || (i + 1 < len && s[i + 1] == '\n'));
		HOLDS(s[i]);
	}
	HOLDS(lines_of(s, len, " ") == 0 && lines_of(s, len, "\t") == 0);
	HOLDS(lines_of(s, len, "content-length ") == 0);
	HOLDS(lines_of(s, len, "content-length:") <= 1);
	HOLDS(lines_of(s, len, "host:") <= 1);
	HOLDS(!lines_of(s, len, "transfer-encoding:") ||
	      (r->chunked && r->http11 && !lines_of(s, len, "content-length:")));
	HOLDS(r->chunked == (lines_of(s, len, "transfer-encoding:") > 0));
}

static void check_event(const struct http_request *r, enum http_event event,
			const char *s, size_t from, size_t at, uint64_t most)
{
	HOLDS(r->body_bytes <= most);
	HOLDS((event == HTTP_REFUSED) == (r->status != 0));
	HOLDS(!r->status || (r->status >= 400 && r->status <= 599 && r->why[0]));
	if (event == HTTP_HEADER)
		check_header(r, s + from, at - from);
	HOLDS(event != HTTP_WHOLE || http_request_begun(r));
	HOLDS(event != HTTP_WHOLE || r->has_body || !r->body_bytes);
}

/* Reads pieces of so many bytes, the first of `first`. */
static void read_all(struct seen *seen, const char *s, size_t len, size_t first,
		     size_t piece, uint64_t most)
{
	struct http_request r = { 0 };
	size_t at = 0, from = 0, end = MIN(first, len);
	enum http_event event = HTTP_MORE;

	while (event != HTTP_REFUSED && seen->n < EVENTS_MOST) {
		char *part = exact_copy(s + at, end - at);
		size_t n = http_request_take(&r, most, part, end - at, &event);

		free(part);
		HOLDS(n <= end - at);
		at += n;
		check_event(&r, event, s, from, at, most);
		if (event == HTTP_MORE) {
			HOLDS(at == end);
			if (end == len)
				return;
			end = MIN(end + piece, len);
			continue;
		}
		seen->v[seen->n].event = event;
		seen->v[seen->n].status = r.status;
		seen->v[seen->n++].at = at;
		if (event == HTTP_WHOLE) {
			r = (struct http_request){ 0 };
			from = at;
		}
	}
}

static void check_same(const struct seen *a, const struct seen *b)
{
	size_t i;

	HOLDS(a->n == b->n);
	for (i = 0; i < a->n; i++)
		HOLDS(a->v[i].event == b->v[i].event && a->v[i].at == b->v[i].at &&
		      a->v[i].status == b->v[i].status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = { 0 }, cut = { 0 }, each = { 0 };
	const char *s = (const char *)data + 2;
	uint64_t most;

	if (size < 2 || size > 1 << 14)
		return 0;
	most = data[1] == 0xff ? UINT64_MAX : data[1];
	size -= 2;
	read_all(&whole, s, size, size, 1, most);
	read_all(&cut, s, size, data[0] * size / 255, size, most);
	read_all(&each, s, size, 1, 1, most);
	check_same(&whole, &cut);
	check_same(&whole, &each);
	return 0;
}
