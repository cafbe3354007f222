#include "base/ctext.h"

#include <errno.h>
#include <fcntl.h>

#include "base/whole.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int bad_escape(const char *text, const char *at, struct fault *f)
{
	fault_say(f, EINVAL, "unknown escape");
	fault_mark(f, text, (size_t)(at - text));
	fault_hint(f, "write \\n \\r \\t \\0 \\e \\xNN or \\NNN; \\\\ is a backslash");
	return -EINVAL;
}

int ctext_unescape(struct buf *b, const char *text, struct fault *f)
{
	static const char names[] = "nrtabefv\\\"'", values[] = "\n\r\t\a\b\033\f\v\\\"'";
	const char *p = text, *name;

	for (; *p; p++) {
		int value = 0, digits;

		if (*p != '\\') {
			buf_putc(b, *p);
			continue;
		}
		name = p[1] ? strchr(names, p[1]) : NULL;
		if (name) {
			buf_putc(b, values[name - names]);
			p++;
		} else if (p[1] == 'x') {
			if (digit(p[2]) < 0 || digit(p[3]) < 0)
				return bad_escape(text, p, f);
			buf_putc(b, (char)(digit(p[2]) * 16 + digit(p[3])));
			p += 3;
		} else if (p[1] >= '0' && p[1] <= '7') {
			for (digits = 0; digits < 3 && p[1] >= '0' && p[1] <= '7';
			     digits++)
				value = value * 8 + *++p - '0';
			if (value > 255)
				return bad_escape(text, p - 3, f);
			buf_putc(b, (char)value);
		} else {
			return bad_escape(text, p, f);
		}
	}
	return 0;
}

/* The bytes of "48 65 6c:6c6f"; blanks, colons and dashes may stand between them. */
static int unhex(struct buf *b, const char *text, struct fault *f)
{
	const char *p = text;

	for (;;) {
		p += strspn(p, " :-\t\n");
		if (!*p)
			return 0;
		if (digit(p[0]) < 0 || digit(p[1]) < 0) {
			fault_say(f, EINVAL,
				  "two hexadecimal digits are wanted for a byte");
			fault_mark(f, text, (size_t)(p - text));
			return -EINVAL;
		}
		buf_putc(b, (char)(digit(p[0]) * 16 + digit(p[1])));
		p += 2;
	}
}

static int read_file(struct buf *b, const char *path, struct fault *f)
{
	_cleanup_close_ int opened = -1;
	int fd = STDIN_FILENO;

	if (!streq(path, "-")) {
		opened = open(path, O_RDONLY | O_CLOEXEC);
		if (opened < 0)
			return fault(f, errno, "read %s", path);
		fd = opened;
	}
	return whole_read(b, fd, path, f);
}

int ctext_argument(struct buf *b, const char *text, bool hex, struct fault *f)
{
	if (text[0] == '@')
		return read_file(b, text + 1, f);
	return hex ? unhex(b, text, f) : ctext_unescape(b, text, f);
}
