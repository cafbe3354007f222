#include "base/wrap.h"

static void begin_line(struct buf *b, size_t indent)
{
	buf_putc(b, '\n');
	buf_pad(b, ' ', indent);
}

void wrap_put(struct buf *b, const char *text, size_t column, size_t indent, size_t width)
{
	bool first = true; /* of its line: it stands there however long it is */

	for (;;) {
		size_t len = strcspn(text, " \n"), columns = text_width(text, len);

		if (width && !first && column + 1 + columns > width) {
			begin_line(b, indent);
			column = indent;
		} else if (!first) {
			buf_putc(b, ' ');
			column++;
		}
		buf_put(b, text, len);
		column += columns;
		first = false;
		text += len;
		if (!*text)
			return;
		if (*text++ == '\n') {
			begin_line(b, indent);
			column = indent;
			first = true;
		}
	}
}
