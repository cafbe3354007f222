#include "cmd/probe/request.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* The letters of a header's name (RFC 9110, 5.6.2). */
static const char token[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	"!#$%&'*+-.^_`|~";

static size_t name_length(const char *header)
{
	return strspn(header, token);
}

/* The first given header of this name; NULL = none. */
static const char *given(const struct strv *headers, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < headers->n; i++)
		if (name_length(headers->v[i]) == len &&
		    strncasecmp(headers->v[i], name, len) == 0)
			return headers->v[i];
	return NULL;
}

static int refuse(struct fault *f, const char *arg, size_t at, const char *why)
{
	fault_say(f, EINVAL, "%s", why);
	fault_hint(f, "a header is 'Name: value'");
	fault_mark(f, arg, (int)at);
	return -EINVAL;
}

int request_parse_header(const char *arg, void *headers, struct fault *f)
{
	static const char host[] = "Host";
	struct strv *list = headers;
	size_t len = name_length(arg), i;

	if (arg[len] != ':' || !len)
		return refuse(f, arg, len,
			      arg[len] && arg[len] != ':'
				      ? "this character cannot be part of a name"
			      : len ? "the colon after the name is missing"
				    : "the name is missing");
	for (i = len + 1; arg[i]; i++)
		if (((unsigned char)arg[i] < ' ' && arg[i] != '\t') || arg[i] == 0x7f)
			return refuse(f, arg, i,
				      arg[i] == '\r' || arg[i] == '\n'
					      ? "a value is one line: no CR or LF; each "
						"header has an option of its own"
					      : "a value has no control characters");
	if (len == sizeof(host) - 1 && strncasecmp(arg, host, len) == 0 &&
	    given(list, host, len))
		return refuse(f, arg, 0, "Host is given twice");
	strv_add(list, arg);
	return 0;
}

static void put_host(struct buf *b, const struct probe_job *j)
{
	const struct target *t = j->target;

	if (t->host == TARGET_HOST_NAME)
		buf_puts(b, t->name);
	else if (t->host == TARGET_HOST_IP && t->ip.family == AF_INET6)
		buf_putc(b, '['), addr_put_ip(b, &t->ip), buf_putc(b, ']');
	else if (t->host == TARGET_HOST_IP)
		addr_put_ip(b, &t->ip);
	else
		buf_puts(b, "localhost");
	if (j->port && j->port != 80)
		buf_printf(b, ":%u", j->port);
}

static void put_given(struct buf *b, const char *header)
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

/* Ours, unless one of that name was given. */
static void put_default(struct buf *b, const struct strv *headers, const char *name,
			const char *value)
{
	if (!given(headers, name, strlen(name)))
		buf_printf(b, "%s: %s\r\n", name, value);
}

void request_make(struct probe_job *j)
{
	const struct probe_config *c = j->run->c;
	const struct strv *headers = &c->http_headers;
	struct buf *b = xcalloc(1, sizeof(*b));
	_cleanup_buf_ struct buf host = { 0 };
	size_t i;

	put_host(&host, j);
	buf_printf(b, "GET %s%s HTTP/1.1\r\n", c->http[0] == '/' ? "" : "/", c->http);
	put_default(b, headers, "Host", buf_cstr(&host));
	put_default(b, headers, "User-Agent", "sockctl/" SOCKCTL_VERSION);
	put_default(b, headers, "Accept", "*/*");
	/* What is to stay open must not be asked to close. */
	put_default(b, headers, "Connection", c->stable_us ? "keep-alive" : "close");
	for (i = 0; i < headers->n; i++)
		put_given(b, headers->v[i]);
	buf_puts(b, "\r\n");
	j->how.http = b;
}
