#include "model/http/http_header.h"

#include <errno.h>
#include <strings.h>

/* The letters of a header's name (RFC 9110, 5.6.2). */
static const char token[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	"!#$%&'*+-.^_`|~";

static size_t name_length(const char *header)
{
	return strspn(header, token);
}

static int refuse(struct fault *f, const char *arg, size_t at, const char *why)
{
	fault_say(f, EINVAL, "%s", why);
	fault_hint(f, "a header is 'Name: value'");
	fault_mark(f, arg, (int)at);
	return -EINVAL;
}

int http_header_check(const char *header, struct fault *f)
{
	size_t len = name_length(header), i;

	if (header[len] != ':' || !len)
		return refuse(f, header, len,
			      header[len] && header[len] != ':'
				      ? "this character cannot be part of a name"
			      : len ? "the colon after the name is missing"
				    : "the name is missing");
	for (i = len + 1; header[i]; i++)
		if (((unsigned char)header[i] < ' ' && header[i] != '\t') ||
		    header[i] == 0x7f)
			return refuse(f, header, i,
				      header[i] == '\r' || header[i] == '\n'
					      ? "a value is one line: no CR or LF; each "
						"header has an option of its own"
					      : "a value has no control characters");
	return 0;
}

bool http_header_is(const char *header, const char *name)
{
	size_t len = strlen(name);

	return name_length(header) == len && strncasecmp(header, name, len) == 0;
}

const char *http_header_given(const struct strv *headers, const char *name)
{
	size_t i;

	for (i = 0; i < headers->n; i++)
		if (http_header_is(headers->v[i], name))
			return headers->v[i];
	return NULL;
}

void http_header_put(struct buf *b, const char *header)
{
	size_t name = name_length(header);
	const char *value = header + name + 1;
	size_t len;

	value += strspn(value, " \t");
	len = strlen(value);
	while (len && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	buf_put(b, header, name);
	buf_puts(b, ": ");
	buf_put(b, value, len);
	buf_puts(b, "\r\n");
}
