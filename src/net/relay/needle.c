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
