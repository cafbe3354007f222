#include "view/view_meaning.h"

#include <string.h>

#include "base/wrap.h"

enum { ITEM_COLUMN = 26, LABEL_COLUMN = 9 };

static void put_paragraph(struct buf *b, const char *label, size_t column,
			  const char *text, size_t width)
{
	size_t len = strlen(label);

	buf_puts(b, label);
	if (len < column)
		buf_pad(b, ' ', column - len);
	wrap_put(b, text, column, column, width);
	buf_putc(b, '\n');
}

void view_meaning(struct buf *b, const struct meaning *m, const char *where,
		  const char *label, size_t width)
{
	_cleanup_buf_ struct buf head = { 0 }, why = { 0 };

	buf_printf(&head, "%s (%s)", m->id, where);
	wrap_put(b, buf_cstr(&head), 0, 4, width);
	buf_puts(b, "\n\n");
	put_paragraph(b, "", 2, m->meaning, width);
	buf_putc(b, '\n');
	buf_printf(&why, "  %s", label);
	put_paragraph(b, buf_cstr(&why), LABEL_COLUMN, m->why, width);
	put_paragraph(b, "  next:", LABEL_COLUMN, m->advice, width);
}

void view_meaning_item(struct buf *b, const struct meaning *m, size_t width)
{
	_cleanup_buf_ struct buf label = { 0 }, first = { 0 };
	const char *end = strstr(m->meaning, ". ");

	buf_printf(&label, "  %s ", m->id);
	buf_put(&first, m->meaning,
		end ? (size_t)(end - m->meaning) + 1 : strlen(m->meaning));
	put_paragraph(b, buf_cstr(&label), MAX(ITEM_COLUMN, label.len), buf_cstr(&first),
		      width);
}
