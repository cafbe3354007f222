#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

static bool continues(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The place, or one a little before that is not in the middle of a character. */
static size_t character_before(const char *text, size_t at)
{
	size_t n = 0;

	while (n < 3 && n < at && continues((unsigned char)text[at - n]))
		n++;
	return at - n;
}

static size_t character_after(const char *text, size_t at)
{
	size_t n = 0;

	while (n < 3 && continues((unsigned char)text[at + n]))
		n++;
	return at + n;
}

/* A text that is too long is cut in the middle: at its end stands what is wrong. */
static size_t shorten(char *dst, size_t size, const char *text, size_t len)
{
	static const char gap[] = " ... ";
	size_t room = size - sizeof(gap), head = character_before(text, room * 2 / 3);
	size_t tail = character_after(text, len - (room - room * 2 / 3));

	/* Not two gaps where one was made before. */
	tail += strspn(text + tail, gap);
	memcpy(dst, text, head);
	memcpy(dst + head, gap, sizeof(gap) - 1);
	memcpy(dst + head + sizeof(gap) - 1, text + tail, len - tail + 1);
	return head + sizeof(gap) - 1 + len - tail;
}

/* Returns the length of what is in dst. */
__attribute__((format(printf, 3, 0))) static size_t put(char *dst, size_t size,
							const char *fmt, va_list ap)
{
	_cleanup_free_ char *whole = NULL;
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(dst, size, fmt, ap);
	if (n >= (int)size) {
		whole = xmalloc((size_t)n + 1);
		vsnprintf(whole, (size_t)n + 1, fmt, again);
		n = (int)shorten(dst, size, whole, (size_t)n);
	}
	va_end(again);
	return n < 0 ? 0 : (size_t)n;
}

__attribute__((format(printf, 3, 0))) static size_t
fault_vset(struct fault *f, int err, const char *fmt, va_list ap)
{
	f->err = err;
	f->hint[0] = '\0';
	f->mark = -1;
	return put(f->what, sizeof(f->what), fmt, ap);
}

/* Behind the text, of which there is less where both have no room. */
static void put_errno(struct fault *f, size_t len, int err)
{
	const char *why = strerror(err);
	size_t most = sizeof(f->what) - MIN(strlen(why), sizeof(f->what) / 2) - 3;

	if (len > most)
		len = character_before(f->what, most);
	snprintf(f->what + len, sizeof(f->what) - len, ": %s", why);
}

int fault(struct fault *f, int err, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (!f)
		return -err;
	va_start(ap, fmt);
	n = fault_vset(f, err, fmt, ap);
	va_end(ap);
	put_errno(f, n, err);
	return -err;
}

int fault_say(struct fault *f, int err, const char *fmt, ...)
{
	va_list ap;

	if (!f)
		return -err;
	va_start(ap, fmt);
	fault_vset(f, err, fmt, ap);
	va_end(ap);
	return -err;
}

void fault_about(struct fault *f, const char *about, size_t len)
{
	size_t what_len;
	char *whole;

	if (!f)
		return;
	what_len = strlen(f->what);
	whole = xmalloc(len + 2 + what_len + 1);
	memcpy(whole, about, len);
	memcpy(whole + len, ": ", 2);
	memcpy(whole + len + 2, f->what, what_len + 1);
	if (len + 2 + what_len < sizeof(f->what))
		memcpy(f->what, whole, len + 2 + what_len + 1);
	else
		shorten(f->what, sizeof(f->what), whole, len + 2 + what_len);
	free(whole);
}

void fault_hint(struct fault *f, const char *fmt, ...)
{
	va_list ap;

	if (!f)
		return;
	va_start(ap, fmt);
	put(f->hint, sizeof(f->hint), fmt, ap);
	va_end(ap);
}

void fault_mark(struct fault *f, const char *text, size_t at)
{
	size_t len = strlen(text), from = 0;

	if (!f)
		return;
	/* Keep the place in sight when the argument is longer than the line. */
	if (at >= sizeof(f->text) / 2)
		from = character_before(text, at - sizeof(f->text) / 2);
	len -= MIN(from, len);
	if (len >= sizeof(f->text))
		len = character_before(text + from, sizeof(f->text) - 1);
	memcpy(f->text, text + from, len);
	f->text[len] = '\0';
	f->mark = (int)MIN(at - from, len);
}
