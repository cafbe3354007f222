/*
 * An answer of HTTP/1: where it ends, it ends for good; what its chunks carry is part of
 * it, in order; and no byte behind it is read.
 */
#include "net/probe/http_answer.h"

#include <string.h>

#include "fuzz.h"

static struct http_answer read_part(const uint8_t *data, size_t size, struct buf *plain)
{
	struct buf in = { .data = exact_copy(data, size), .len = size };
	struct http_answer h;
	const char *other;

	http_answer_read(&in, &h);
	http_answer_put_plain(&in, &h, plain);
	other = http_answer_other(&in);
	HOLDS(!other || strlen(other));
	/* No other protocol begins like this one. */
	HOLDS(!other || h.status <= 0);
	free(in.data);
	return h;
}

static bool is_part_of(const struct buf *plain, const uint8_t *data, size_t size)
{
	size_t i, at = 0;

	for (i = 0; i < size && at < plain->len; i++)
		at += (uint8_t)plain->data[at] == data[i];
	return at == plain->len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf plain = { 0 }, before = { 0 };
	struct http_answer h, part;
	size_t cut;

	if (size < 1 || size > 1 << 13)
		return 0;
	cut = data[0] * (size - 1) / 255;
	data++, size--;
	h = read_part(data, size, &plain);
	HOLDS(h.status == -1 || h.status == 0 || (h.status >= 100 && h.status <= 999));
	HOLDS(!h.whole || (h.status > 0 && h.body));
	HOLDS(h.body <= size);
	HOLDS(!h.chunked || h.body);
	HOLDS(is_part_of(&plain, data, size));
	part = read_part(data, cut, &before);
	HOLDS(!part.whole || (h.whole && h.status == part.status));
	HOLDS(!part.body || part.body == h.body);
	HOLDS(!part.status || part.status == h.status);
	HOLDS(!part.body ||
	      (before.len <= plain.len &&
	       (!before.len || memcmp(before.data, plain.data, before.len) == 0)));
	return 0;
}
