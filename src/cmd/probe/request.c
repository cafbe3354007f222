#include "cmd/probe/request.h"

#include <errno.h>

#include "base/mem.h"
#include "model/http/http_header.h"

int request_parse_header(const char *arg, void *headers, struct fault *f)
{
	struct strv *list = headers;
	int r = http_header_check(arg, f);

	if (r < 0)
		return r;
	if (http_header_is(arg, "Host") && http_header_given(list, "Host")) {
		fault_say(f, EINVAL, "Host is given twice");
		fault_hint(f, "a header is 'Name: value'");
		fault_mark(f, arg, 0);
		return -EINVAL;
	}
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

/* Ours, unless one of that name was given. */
static void put_default(struct buf *b, const struct strv *headers, const char *name,
			const char *value)
{
	if (!http_header_given(headers, name))
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
		http_header_put(b, headers->v[i]);
	buf_puts(b, "\r\n");
	j->how.http = b;
}
