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

uint64_t probe_name_until(const struct probe_config *c)
{
	/* Resolvers give a silent name server 5 s, and then ask the next. */
	enum { NAME_TIMEOUT_US = 6000000 };
	uint64_t until = clock_us() +
			 (c->timeout_given ? c->timeout_us : (uint64_t)NAME_TIMEOUT_US);

	return c->wait_us != PROBE_UNSET ? MIN(until, c->wait_until_us) : until;
}

uint64_t probe_time_left(const struct probe_config *c, uint64_t name_us)
{
	if (!c->timeout_given)
		return c->timeout_us;
	return MAX(c->timeout_us - MIN(name_us, c->timeout_us), (uint64_t)1);
}

int probe_prepare(struct probe_run *run, struct fault *f)
{
	const struct probe_config *c = run->c;
	int r = 0;

	run->how.options = c->options;
	run->how.neighbour = probe_local_no_neighbour;
	run->how.source = probe_local_no_source;
	run->how.timeout_us = c->timeout_us;
	run->how.banner = c->banner;
	run->how.stable_us = c->stable_us;
	run->how.verify = c->verify;
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
