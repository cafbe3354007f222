/* Why no address of this host can be the source: from facts to words. */
#include "model/cause/no_source.h"

#include <errno.h>

#include "unit/unit.h"

static struct addr address(const char *text)
{
	struct addr a = { 0 };

	CHECK_INT(addr_parse_ip(text, strlen(text), false, &a), 0);
	return a;
}

static void words(void)
{
	static const struct {
		const char *to;
		struct source_facts f;
		const char *want; /* NULL = that is not the reason */
	} rows[] = {
		{ "::1", { .err = 0 }, NULL },
		{ "192.0.2.1",
		  { .err = EADDRNOTAVAIL, .n_off = 1, .off = "eth0" },
		  NULL },
		{ "::ffff:192.0.2.1", { .err = EADDRNOTAVAIL }, NULL },
		{ "2001:db8::1",
		  { .err = EAFNOSUPPORT, .no_socket = true, .kernel_off = true },
		  "IPv6 is disabled in this kernel (ipv6.disable=1)" },
		{ "2001:db8::1",
		  { .err = EAFNOSUPPORT, .no_socket = true, .kernel_has = true },
		  "IPv6 is disabled for this process: a sandbox allows no sockets of this "
		  "family" },
		{ "2001:db8::1",
		  { .err = EAFNOSUPPORT, .no_socket = true },
		  "IPv6 is disabled here: no such socket can be made" },
		{ "::1",
		  { .err = EADDRNOTAVAIL, .device = "lo", .device_off = true },
		  "IPv6 is disabled on lo (net.ipv6.conf.lo.disable_ipv6 is 1)" },
		/* Of another interface the setting of this one is of no account. */
		{ "::1",
		  { .err = ENETUNREACH, .device = "lo", .n_off = 1, .off = "eth0" },
		  NULL },
		{ "fe80::1",
		  { .err = EADDRNOTAVAIL, .device = "eth0" },
		  "no IPv6 address of this host can be the source" },
		{ "2001:db8::1",
		  { .err = ENETUNREACH, .n_off = 1, .off = "eth0.7" },
		  "IPv6 is disabled on every interface that leads elsewhere "
		  "(net.ipv6.conf.eth0/7.disable_ipv6 is 1)" },
		{ "2001:db8::1",
		  { .err = ENETUNREACH, .n_off = 3, .off = "a\n" },
		  "IPv6 is disabled on every interface that leads elsewhere "
		  "(net.ipv6.conf.a\\n.disable_ipv6 and others are 1)" },
		{ "2001:db8::1",
		  { .err = EADDRNOTAVAIL, .n_off = 3, .off = "a", .all_off = true },
		  "IPv6 is disabled on every interface that leads elsewhere "
		  "(net.ipv6.conf.all.disable_ipv6 is 1)" },
		/* Some can: want of a route is want of a route. */
		{ "2001:db8::1",
		  { .err = ENETUNREACH, .n_off = 1, .n_on = 1, .off = "a" },
		  NULL },
		{ "2001:db8::1", { .err = ENETUNREACH }, NULL },
		{ "2001:db8::1",
		  { .err = EADDRNOTAVAIL, .n_off = 2, .n_on = 1, .off = "a" },
		  "no IPv6 address of this host can be the source; IPv6 is disabled on a and "
		  "1 more" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = { 0 };
		struct source_facts f = rows[i].f;

		f.to = address(rows[i].to);
		CHECK_INT(no_source_put(&f, &b), rows[i].want != NULL);
		CHECK_STR(buf_cstr(&b), rows[i].want ? rows[i].want : "");
	}
}

static void causes(void)
{
	_cleanup_arena_ struct arena arena = { 0 };
	struct causes found = { .arena = &arena };
	struct source_facts f = { .err = EADDRNOTAVAIL,
				  .device = "lo",
				  .device_off = true };

	f.to = address("::1");
	CHECK(cause_of_no_source(&f, 1000, &found));
	CHECK_STR(found.v[0].id, "ipv6-disabled");
	CHECK_STR(found.next, "\tsudo sysctl -w net.ipv6.conf.lo.disable_ipv6=0");
	f.device_off = false;
	CHECK(cause_of_no_source(&f, 1000, &found));
	CHECK_STR(found.v[1].id, "no-source");
	f.err = 0;
	CHECK(!cause_of_no_source(&f, 1000, &found));
	causes_free(&found);
}

int main(void)
{
	RUN(words, "each set of facts has its words, and others have none");
	RUN(causes, "a cause has an id, and what to run only where that helps");
	return unit_done();
}
