#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 3, 0))) static size_t
fault_vset(struct fault *f, int err, const char *fmt, va_list ap)
{
	int n;

	f->err = err;
	f->hint[0] = '\0';
	f->mark = -1;
	n = vsnprintf(f->what, sizeof(f->what), fmt, ap);
	return n < 0 ? 0 : MIN((size_t)n, sizeof(f->what) - 1);
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
	snprintf(f->what + n, sizeof(f->what) - n, ": %s", strerror(err));
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

void fault_hint(struct fault *f, const char *fmt, ...)
{
	va_list ap;

	if (!f)
		return;
	va_start(ap, fmt);
	vsnprintf(f->hint, sizeof(f->hint), fmt, ap);
	va_end(ap);
}

void fault_mark(struct fault *f, const char *text, size_t at)
{
	size_t len = strlen(text), from = 0;

	if (!f)
		return;
	/* Keep the place in sight when the argument is longer than the line. */
	if (at >= sizeof(f->text) / 2)
		from = at - sizeof(f->text) / 2;
	len = MIN(len - MIN(from, len), sizeof(f->text) - 1);
	memcpy(f->text, text + from, len);
	f->text[len] = '\0';
	f->mark = (int)MIN(at - from, len);
}
