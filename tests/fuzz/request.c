/*
 * What a peer sends to listen --http and --expect: the end of a request's head and the
 * expected text are found where a plain search finds them, however the stream is cut.
 * data[0]: the length of the text, which follows; data[1]: where the stream is cut.
 */
#include "net/relay/needle.h"

#include <string.h>

#include "base/mem.h"
#include "fuzz.h"

/* Behind the first LF that follows another, a CR between them or not; 0 if none does. */
static size_t plain_end(const char *s, size_t len)
{
	size_t i;

	for (i = 1; i < len; i++)
		if (s[i] == '\n' &&
		    (s[i - 1] == '\n' || (i > 1 && s[i - 1] == '\r' && s[i - 2] == '\n')))
			return i + 1;
	return 0;
}

static void check_request(const char *s, size_t len)
{
	struct http_head h = { 0 };
	size_t end = 0, first = 0, i;

	for (i = 0; i < len && !end; i++)
		if (http_head_take(&h, s[i]))
			end = i + 1;
	HOLDS(end == plain_end(s, len));
	while (first < end && (s[first] == '\r' || s[first] == '\n'))
		first++;
	HOLDS(!end || http_head_is_head(&h) ==
			      (end - first >= 5 && memcmp(s + first, "HEAD ", 5) == 0));
	/* The next one, as of a connection that goes on, is found by itself. */
	for (; i < len; i++)
		http_head_take(&h, s[i]);
}

static void check_expected(const struct buf *text, const char *s, size_t len, size_t cut)
{
	_cleanup_free_ uint32_t *table = needle_table(text);
	bool want = memmem(s, len, text->data, text->len);
	uint32_t k = 0;
	bool found;

	for (k = 0; k < text->len; k++)
		HOLDS(table[k] <= k);
	k = 0;
	HOLDS(needle_found(text, table, &k, s, len) == want);
	HOLDS(k <= text->len);
	k = 0;
	found = needle_found(text, table, &k, s, cut);
	found = found || needle_found(text, table, &k, s + cut, len - cut);
	HOLDS(found == want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n, len;
	struct buf text;
	char *s;

	if (size < 2 || size > 1 << 14)
		return 0;
	n = MIN((size_t)data[0] & 31, size - 2);
	len = size - 2 - n;
	text = (struct buf){ .data = exact_copy(data + 2, n), .len = n, .cap = n };
	s = exact_copy(data + 2 + n, len);
	check_request(s, len);
	if (n)
		check_expected(&text, s, len, MIN((size_t)data[1], len));
	free(s);
	buf_free(&text);
	return 0;
}
