#include "view/view_advice.h"

#include "base/wrap.h"
#include "model/advice.h"

static void put_line(struct buf *b, const char *text, size_t len, size_t indent,
		     size_t width)
{
	_cleanup_buf_ struct buf safe = { .ascii = b->ascii };

	if (*text == '\t') {
		buf_put_harmless(b, text + 1, len - 1);
		return;
	}
	buf_put_harmless(&safe, text, len);
	wrap_put(b, buf_cstr(&safe), indent, indent, width);
}

void view_advice_text(struct buf *b, const char *label, size_t indent, const char *text,
		      size_t width)
{
	buf_puts(b, label);
	buf_pad(b, ' ', indent - strlen(label));
	for (;;) {
		size_t len = strcspn(text, "\n");

		put_line(b, text, len, indent, width);
		buf_putc(b, '\n');
		text += len;
		if (!*text++)
			return;
		buf_pad(b, ' ', indent);
	}
}

void view_advice_json(struct json *j, const char *key, const char *text)
{
	_cleanup_buf_ struct buf plain = { 0 };

	if (text)
		advice_put_plain(&plain, text);
	json_member_text(j, key, text ? buf_cstr(&plain) : NULL);
}

void view_commands_json(struct json *j, const char *text)
{
	const char *command;
	size_t len;

	json_key(j, "commands");
	json_open(j, '[');
	while (text && (command = advice_next_command(&text, &len))) {
		_cleanup_buf_ struct buf one = { 0 };

		buf_put(&one, command, len);
		json_str(j, buf_cstr(&one));
	}
	json_close(j, ']');
}
