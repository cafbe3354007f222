#include "model/addr.h"

#include <errno.h>

#include "unit/unit.h"

static struct addr parse(const char *text)
{
	struct addr a = { 0 };

	CHECK_INT(addr_parse_ip(text, strlen(text), true, &a), 0);
	return a;
}

static void round_trips(void)
{
	static const char *const rows[][2] = {
		{ "0.0.0.0", "0.0.0.0" },
		{ "127.0.0.1", "127.0.0.1" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "10.20.130.9", "10.20.130.9" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "2001:DB8::A", "2001:db8::a" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" }, /* one zero stays */
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },	    /* the longest run */
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },    /* the first of two */
		{ "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::" },
		{ "0:0:3:4:5:6:7:8", "::3:4:5:6:7:8" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "::ffff:1.2.3.4", "::ffff:1.2.3.4" },
		{ "::ffff:0:0", "::ffff:0.0.0.0" },
		{ "64:ff9b::1.2.3.4", "64:ff9b::102:304" },
		{ "fe80::1%lo", "fe80::1%lo" },
		{ "fe80::1%999999", "fe80::1%999999" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = { 0 };
		struct addr a = parse(rows[i][0]);

		addr_put_ip(&b, &a);
		CHECK_STR(buf_cstr(&b), rows[i][1]);
	}
}

static void refusals(void)
{
	static const char *const rows[] = {
		"",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"256.1.1.1",
		"01.2.3.4.5",
		"1.2.3.4 ",
		" ::1",
		":::",
		"1:2:3:4:5:6:7:8:9",
		"g::",
		"::1%",
		"1.2.3.4%lo",
		"::1/129",
		"1.2.3.4/33",
		"1.2.3.4/",
		"1.2.3.4/a",
		"1.2.3.4/-1",
		"1.2.3.4/ 8",
		"fe80::1%no-such-device",
		"1.2.3.4/99999999999999999999",
		"[::1]",
		"::1/64/64",
		"1111:2222:3333:4444:5555:6666:7777:8888%aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	struct addr a;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		printf("# '%s'\n", rows[i]);
		CHECK(addr_parse_ip(rows[i], strlen(rows[i]), true, &a) < 0);
	}
	CHECK(addr_parse_ip("1.2.3.4/8", 9, false, &a) < 0);
	CHECK_INT(addr_parse_ip("1.2.3.4xyz", 7, false, &a), 0);
}

static void with_port(void)
{
	static const struct {
		const char *ip;
		uint16_t port;
		const char *want;
	} rows[] = {
		{ "127.0.0.1", 80, "127.0.0.1:80" },
		{ "127.0.0.1", 65535, "127.0.0.1:65535" },
		{ "::1", 9, "[::1]:9" },
		{ "::ffff:1.2.3.4", 12345, "1.2.3.4:12345" },
		{ "0.0.0.0", 0, "0.0.0.0:*" },
		{ "::", 0, "[::]:*" },
		{ "fe80::1%lo", 1000, "[fe80::1%lo]:1000" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = { 0 };
		struct addr a = parse(rows[i].ip);

		a.port = rows[i].port;
		addr_put(&b, &a);
		CHECK_STR(buf_cstr(&b), rows[i].want);
	}
}

static void prefixes(void)
{
	static const struct {
		const char *address, *pattern;
		bool inside;
	} rows[] = {
		{ "10.1.2.3", "10.0.0.0/8", true },
		{ "11.1.2.3", "10.0.0.0/8", false },
		{ "10.1.2.3", "0.0.0.0/0", true },
		{ "10.1.2.3", "10.1.2.3", true },
		{ "10.1.2.2", "10.1.2.3", false },
		{ "10.1.2.3", "10.1.2.2/31", true },
		{ "10.1.2.4", "10.1.2.2/31", false },
		{ "10.128.0.1", "10.128.0.0/9", true },
		{ "10.127.0.1", "10.128.0.0/9", false },
		{ "::ffff:10.1.2.3", "10.0.0.0/8", true },
		{ "::ffff:10.1.2.3", "0.0.0.0/0", true },
		{ "::1", "0.0.0.0/0", false },
		{ "::", "0.0.0.0/0", false },
		{ "a01:203::", "10.1.2.3", false }, /* the same leading bytes */
		{ "a01:203::", "10.0.0.0/8", false },
		{ "10.1.2.3", "::/0", false },
		{ "::ffff:10.1.2.3", "::/0", true },
		{ "::ffff:10.1.2.3", "::ffff:10.0.0.0/104", true },
		{ "2001:db8:1::1", "2001:db8::/32", true },
		{ "2001:db9::1", "2001:db8::/32", false },
		{ "2001:db8::1", "2001:db8::1/128", true },
		{ "2001:db8::3", "2001:db8::2/127", true },
		{ "fe80::1%lo", "fe80::1", true },
		{ "fe80::1%7777", "fe80::1%8888", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct addr a = parse(rows[i].address), p = parse(rows[i].pattern);

		printf("# %s in %s\n", rows[i].address, rows[i].pattern);
		CHECK_INT(addr_in_prefix(&a, &p), rows[i].inside);
	}
}

static void kinds(void)
{
	struct addr mapped = parse("::ffff:127.1.2.3"), v4 = addr_unmapped(&mapped);
	struct addr any4 = parse("0.0.0.0"), any6 = parse("::"), one = parse("::1");
	struct addr link = parse("fe80::1"), site = parse("fec0::1"),
		    doc = parse("2001:db8::");

	CHECK(addr_is_any(&any4) && addr_is_any(&any6));
	CHECK(!addr_is_any(&one) && !addr_is_any(&mapped));
	CHECK(addr_is_loopback(&one) && addr_is_loopback(&mapped) &&
	      addr_is_loopback(&v4));
	CHECK(!addr_is_loopback(&any6) && !addr_is_loopback(&doc));
	CHECK(addr_is_v4_mapped(&mapped) && !addr_is_v4_mapped(&v4) &&
	      !addr_is_v4_mapped(&one));
	CHECK(addr_is_link_local(&link) && !addr_is_link_local(&site));
	CHECK(!addr_is_multicast(&link) && !addr_is_multicast(&site));
	CHECK_INT(v4.family, AF_INET);
	CHECK(!addr_same_ip(&mapped, &v4));
	CHECK(addr_same_ip(&one, &one));
}

static void order(void)
{
	struct addr a = parse("1.2.3.4"), b = parse("1.2.3.10"), c = parse("::1");

	CHECK(addr_compare(&a, &b) < 0 && addr_compare(&b, &a) > 0);
	CHECK(addr_compare(&b, &c) < 0);
	CHECK_INT(addr_compare(&a, &a), 0);
	c = a;
	c.port = 80;
	CHECK(addr_compare(&a, &c) < 0);
}

static void sockaddrs(void)
{
	static const char *const rows[] = { "1.2.3.4", "2001:db8::1", "fe80::1%lo" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct addr a = parse(rows[i]), back;
		struct sockaddr_storage ss;
		socklen_t len;

		a.port = 8080;
		len = addr_to_sockaddr(&a, &ss);
		CHECK(addr_from_sockaddr(&back, (struct sockaddr *)&ss, len));
		CHECK_INT(addr_compare(&a, &back), 0);
		CHECK_INT(a.scope, back.scope);
		CHECK(!addr_from_sockaddr(&back, (struct sockaddr *)&ss, len - 8));
	}
}

int main(void)
{
	RUN(round_trips, "addresses are written as RFC 5952 says");
	RUN(refusals, "what is no address is refused");
	RUN(with_port, "with a port, IPv6 stands in brackets and v4-mapped as IPv4");
	RUN(prefixes, "an IPv4 prefix matches no unrelated IPv6 row");
	RUN(kinds, "wildcards, loopback, mapped and link-local are told apart");
	RUN(order, "addresses have one order");
	RUN(sockaddrs, "an address survives a sockaddr; a short one is refused");
	return unit_done();
}
