#include "cmd/probe/question.h"

#include <errno.h>

#include "base/ctext.h"
#include "base/mem.h"
#include "cmd/probe/local.h"
#include "net/probe/pattern.h"

static int prepare_expect(struct probe_run *run, const char *text, struct fault *f)
{
	size_t len = strlen(text);
	int r;

	if (len > 2 && text[0] == '/' && text[len - 1] == '/') {
		_cleanup_free_ char *pattern = xstrndup(text + 1, len - 2);
		struct fault why = FAULT_INIT;

		r = pattern_compile(&run->regex, pattern, &why);
		if (r < 0) {
			fault_say(f, EINVAL, "--expect: %s", why.what);
			fault_mark(f, text, 1);
			return r;
		}
		run->has_regex = true;
		run->how.expect_regex = &run->regex;
		return 0;
	}
	r = ctext_argument(&run->expect, text, false, f);
	if (r == 0 && !run->expect.len)
		r = fault_say(f, EINVAL, "--expect: the text to wait for is empty");
	run->how.expect = &run->expect;
	return r;
}

int probe_prepare(struct probe_run *run, struct fault *f)
{
	const struct probe_config *c = run->c;
	int r = 0;

	run->how.options = c->options;
	run->how.neighbour = probe_local_no_neighbour;
	run->how.timeout_us = c->timeout_us;
	run->how.banner = c->banner;
	run->how.stable_us = c->stable_us;
	run->how.verify = c->verify;
	run->how.negotiated = c->negotiated;
	run->how.graceful = c->graceful;
	if (c->http && c->send)
		return fault_say(f, EINVAL,
				 "--http sends a request of its own: no --send");
	if (c->send) {
		r = ctext_argument(&run->send, c->send, false, f);
		run->how.send = &run->send;
	}
	if (r == 0 && c->expect)
		r = prepare_expect(run, c->expect, f);
	return r;
}

void probe_make_request(struct probe_job *j)
{
	const char *path = j->run->c->http;
	struct buf *b = xcalloc(1, sizeof(*b));

	buf_printf(b, "GET %s%s HTTP/1.1\r\nHost: ", path[0] == '/' ? "" : "/", path);
	if (j->target->host == TARGET_HOST_NAME)
		buf_puts(b, j->target->name);
	else if (j->target->host == TARGET_HOST_IP && j->target->ip.family == AF_INET6)
		buf_putc(b, '['), addr_put_ip(b, &j->target->ip), buf_putc(b, ']');
	else if (j->target->host == TARGET_HOST_IP)
		addr_put_ip(b, &j->target->ip);
	else
		buf_puts(b, "localhost");
	if (j->port && j->port != 80)
		buf_printf(b, ":%u", j->port);
	/* What is to stay open must not be asked to close. */
	buf_printf(b,
		   "\r\nUser-Agent: sockctl/" SOCKCTL_VERSION
		   "\r\nAccept: */*\r\nConnection: %s\r\n\r\n",
		   j->run->c->stable_us ? "keep-alive" : "close");
	j->how.http = b;
}
