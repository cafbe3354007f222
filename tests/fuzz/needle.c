/*
 * What a peer sends to --expect: the text is found where a plain search finds it, however
 * the stream is cut.
 * data[0]: the length of the text, which follows; data[1]: where the stream is cut.
 */
#include "net/relay/needle.h"

#include <string.h>

#include "base/mem.h"
#include "fuzz.h"

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
	if (n)
		check_expected(&text, s, len, MIN((size_t)data[1], len));
	free(s);
	buf_free(&text);
	return 0;
}
