#include "net/relay/needle.h"

#include "base/mem.h"

uint32_t *needle_table(const struct buf *text)
{
	uint32_t *table = xcalloc(text->len, sizeof(*table)), k = 0;
	const char *p = text->data;
	size_t i;

	for (i = 1; i < text->len; i++) {
		while (k && p[i] != p[k])
			k = table[k - 1];
		k += p[i] == p[k];
		table[i] = k;
	}
	return table;
}

bool needle_found(const struct buf *text, const uint32_t *table, uint32_t *matched,
		  const char *data, size_t len)
{
	uint32_t k = *matched;
	size_t i;

	for (i = 0; i < len && k < text->len; i++) {
		/* Nothing of it is there: from here on it begins where its first byte is.
		 */
		if (!k) {
			const char *first = memchr(data + i, text->data[0], len - i);

			if (!first)
				break;
			i = (size_t)(first - data);
		}
		while (k && data[i] != text->data[k])
			k = table[k - 1];
		k += data[i] == text->data[k];
	}
	*matched = k;
	return k == text->len;
}

enum { HEAD_ENDS = 4 };

bool http_head_take(struct http_head *h, char c)
{
	static const char blank_line[HEAD_ENDS + 1] = "\r\n\r\n";

	/* Blank lines before a request are none of it (RFC 9112, 2.2). */
	if (h->n < sizeof(h->method) && (h->n || (c != '\r' && c != '\n')))
		h->method[h->n++] = c;
	/* Bare LFs are taken too, as the same section allows. */
	if (c == blank_line[h->matched])
		h->matched++;
	else if (c == '\n')
		h->matched = h->matched == 2 ? HEAD_ENDS : 2;
	else
		h->matched = c == '\r';
	if (h->matched < HEAD_ENDS)
		return false;
	h->matched = 0;
	return true;
}

size_t http_head_skip(const struct http_head *h, const char *data, size_t len)
{
	const char *newline;

	if (h->matched || h->n < sizeof(h->method) || !len)
		return 0;
	newline = memchr(data, '\n', len);
	if (newline)
		len = (size_t)(newline - data);
	/* The byte before it may be its CR, and so may the last one. */
	return len ? len - 1 : 0;
}

bool http_head_is_head(const struct http_head *h)
{
	return h->n == sizeof(h->method) &&
	       memcmp(h->method, "HEAD ", sizeof(h->method)) == 0;
}
