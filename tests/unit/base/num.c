#include "base/num.h"

#include <errno.h>

#include "unit/unit.h"

static void strict_numbers(void)
{
	static const struct {
		const char *text;
		uint64_t max;
		int r;
		uint64_t value;
		int mark;
	} rows[] = {
		{ "0", 10, 0, 0, -1 },
		{ "10", 10, 0, 10, -1 },
		{ "11", 10, -ERANGE, 0, 2 },
		{ "0x1f", 255, 0, 31, -1 },
		{ "0xFF", 255, 0, 255, -1 },
		{ "0x", 255, -EINVAL, 0, 2 },
		{ "", 10, -EINVAL, 0, 0 },
		{ " 1", 10, -EINVAL, 0, 0 },
		{ "1 ", 10, -EINVAL, 0, 1 },
		{ "+1", 10, -EINVAL, 0, 0 },
		{ "-1", 10, -EINVAL, 0, 0 },
		{ "1a", 10, -EINVAL, 0, 1 },
		{ "1.5", 10, -EINVAL, 0, 1 },
		{ "007", 10, 0, 7, -1 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX, -1 },
		{ "18446744073709551616", UINT64_MAX, -ERANGE, 0, 19 },
		{ "99999999999999999999999999", UINT64_MAX, -ERANGE, 0, 19 },
		{ "0xffffffffffffffff", UINT64_MAX, 0, UINT64_MAX, -1 },
		{ "0x10000000000000000", UINT64_MAX, -ERANGE, 0, 18 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fault f = FAULT_INIT;
		uint64_t v = 0;

		printf("# '%s'\n", rows[i].text);
		CHECK_INT(num_parse_u64(rows[i].text, rows[i].max, &v, &f), rows[i].r);
		CHECK(v == rows[i].value);
		CHECK_INT(f.mark, rows[i].mark);
		CHECK_INT(num_parse_u64(rows[i].text, rows[i].max, &v, NULL), rows[i].r);
	}
}

static void durations(void)
{
	static const struct {
		const char *text;
		int r;
		uint64_t us;
	} rows[] = {
		{ "0", 0, 0 },
		{ "1", 0, 1000000 },
		{ "2.5", 0, 2500000 },
		{ "500ms", 0, 500000 },
		{ "1.5ms", 0, 1500 },
		{ "7us", 0, 7 },
		{ "2s", 0, 2000000 },
		{ "1m", 0, 60000000 },
		{ "1.5m", 0, 90000000 },
		{ "1h", 0, 3600000000ull },
		{ "1h30m", 0, 5400000000ull },
		{ "1d", 0, 86400000000ull },
		{ "1S", 0, 1000000 },
		{ "", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "-1s", -EINVAL, 0 },
		{ "1x", -EINVAL, 0 },
		{ "1 s", -EINVAL, 0 },
		{ "1.s", -EINVAL, 0 },
		{ ".5s", 0, 500000 },
		{ "2m5s", 0, 125000000 },
		{ "5s5", -EINVAL, 0 },
		{ "5 5", -EINVAL, 0 },
		{ "55s5ms", 0, 55005000 },
		{ "1.2345678s", 0, 1234568 },
		{ "0.9999999s", 0, 1000000 },
		{ "0.0000001s", -ERANGE, 0 },
		{ "0.0000000000001s", -ERANGE, 0 },
		{ "0.00000000000000s", 0, 0 },
		{ "0.4us", -ERANGE, 0 },
		{ "36525d", 0, 3155760000000000 },
		{ "36525d1us", -ERANGE, 0 },
		{ "18446744073709551615us", -ERANGE, 0 },
		{ "18446744073709.551615", -ERANGE, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "5000000000000000000h", -ERANGE, 0 },
		{ "99999999999999999999s", -ERANGE, 0 },
		{ "18446744073709s1s", -ERANGE, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fault f = FAULT_INIT;
		uint64_t us = 0;

		printf("# '%s'\n", rows[i].text);
		CHECK_INT(num_parse_duration(rows[i].text, &us, &f), rows[i].r);
		CHECK(us == rows[i].us);
		CHECK((f.mark >= 0) == (rows[i].r < 0));
	}
}

static void sizes(void)
{
	static const struct {
		const char *text;
		int r;
		uint64_t bytes;
	} rows[] = {
		{ "0", 0, 0 },
		{ "512", 0, 512 },
		{ "1k", 0, 1024 },
		{ "1K", 0, 1024 },
		{ "1.5k", 0, 1536 },
		{ "3m", 0, 3 * 1048576 },
		{ "2g", 0, 2147483648ull },
		{ "1t", 0, 1099511627776ull },
		{ "16b", 0, 16 },
		{ "1kb", -EINVAL, 0 },
		{ "1kib", -EINVAL, 0 },
		{ "1k1", -EINVAL, 0 },
		{ "k", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "16777216t", -ERANGE, 0 },
		{ "8388608t", -ERANGE, 0 },
		{ "8388607t", 0, 8388607ull << 40 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "18446744073709551615", -ERANGE, 0 },
		{ "0.5", -EINVAL, 0 },
		{ "0.5k", 0, 512 },
		{ "0.3k", -EINVAL, 0 },
		{ "1.00000000000000000001k", -EINVAL, 0 },
		{ "1.50000000000000000000k", 0, 1536 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fault f = FAULT_INIT;
		uint64_t bytes = 0;
		int r;

		printf("# '%s'\n", rows[i].text);
		r = num_parse_size(rows[i].text, &bytes, &f);
		CHECK_INT(r, rows[i].r);
		CHECK(r < 0 || bytes == rows[i].bytes);
		CHECK((f.mark >= 0) == (rows[i].r < 0));
	}
}

static void rates(void)
{
	static const struct {
		const char *text;
		int r;
		uint64_t rate;
	} rows[] = {
		{ "10/s", 0, 10 },	 { "64k/s", 0, 65536 },
		{ "5", 0, 5 },		 { "0.5", -EINVAL, 0 },
		{ "0.5/s", -EINVAL, 0 }, { "1.5k/s", 0, 1536 },
		{ "0", -ERANGE, 0 },	 { "0/s", -ERANGE, 0 },
		{ "/s", -EINVAL, 0 },	 { "16777216t", -ERANGE, 0 },
		{ "1/m", -EINVAL, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fault f = FAULT_INIT;
		uint64_t rate = 0;
		char quoted[40];

		printf("# '%s'\n", rows[i].text);
		CHECK_INT(num_parse_rate(rows[i].text, &rate, &f), rows[i].r);
		CHECK(rate == rows[i].rate);
		CHECK((f.mark >= 0) == (rows[i].r < 0));
		snprintf(quoted, sizeof(quoted), "'%s'", rows[i].text);
		CHECK(rows[i].r == 0 || strstr(f.what, quoted));
		CHECK_INT(num_parse_rate(rows[i].text, &rate, NULL), rows[i].r);
	}
}

static void scales(void)
{
	CHECK(num_scale(1ull << 48, 50000, 1000000) == 14073748835532);
	CHECK(num_scale(UINT64_MAX, UINT64_MAX, UINT64_MAX) == UINT64_MAX);
	CHECK(num_scale(UINT64_MAX, 2, 1) == UINT64_MAX);
	CHECK(num_scale(7, 3, 2) == 10);
	CHECK(num_scale(0, UINT64_MAX, 1) == 0);
}

static void ports(void)
{
	static const struct {
		const char *text;
		int r;
		unsigned port;
		int mark;
	} rows[] = {
		{ "0", 0, 0, -1 },	    { "65535", 0, 65535, -1 },
		{ "65536", -ERANGE, 0, 0 }, { "99999999999999999999", -ERANGE, 0, 0 },
		{ "http", 0, 80, -1 },	    { "80a", -EINVAL, 0, 2 },
		{ "", -EINVAL, 0, 0 },	    { "no-such-service", -EINVAL, 0, 0 },
		{ "-1", -EINVAL, 0, 0 },    { " 80", -EINVAL, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fault f = FAULT_INIT;
		uint16_t port = 0;

		printf("# '%s'\n", rows[i].text);
		CHECK_INT(num_parse_port(rows[i].text, &port, &f), rows[i].r);
		CHECK_INT(port, rows[i].port);
		CHECK_INT(f.mark, rows[i].mark);
	}
}

static void port_lists(void)
{
	struct fault f = FAULT_INIT;
	struct port_set set = { 0 };

	CHECK_INT(num_parse_ports("80,443,8000-8010,https", &set, &f), 0);
	CHECK_INT(set.n, 4);
	CHECK(port_set_has(&set, 80));
	CHECK(port_set_has(&set, 443));
	CHECK(port_set_has(&set, 8000));
	CHECK(port_set_has(&set, 8010));
	CHECK(!port_set_has(&set, 8011));
	CHECK(!port_set_has(&set, 7999));
	CHECK(!port_set_has(&set, 81));
	CHECK_INT(num_parse_ports("1-65535", &set, &f), 0);
	CHECK_INT(set.n, 5);
	CHECK(port_set_has(&set, 65535));
	CHECK(!port_set_has(&set, 0));
	port_set_free(&set);
	CHECK(!port_set_has(&set, 80));
	CHECK_INT(set.n, 0);
}

static void ports_given_twice(void)
{
	struct fault f = FAULT_INIT;
	struct port_set set = { 0 };

	CHECK_INT(num_parse_ports("443,80,81-90", &set, &f), 0);
	port_set_once(&set);
	CHECK_INT(set.n, 3); /* none is: in the order given */
	CHECK_INT(set.v[0].lo, 443);
	CHECK_INT(num_parse_ports("85-100,443,1-2", &set, &f), 0);
	port_set_once(&set);
	CHECK_INT(set.n, 4);
	CHECK_INT(set.v[0].lo, 1);
	CHECK_INT(set.v[1].lo, 80);
	CHECK_INT(set.v[1].hi, 80);
	CHECK_INT(set.v[2].lo, 81);
	CHECK_INT(set.v[2].hi, 100);
	CHECK_INT(set.v[3].hi, 443);
	CHECK_INT(num_parse_ports("1-65535", &set, &f), 0);
	port_set_once(&set);
	CHECK_INT(set.n, 1);
	CHECK_INT(set.v[0].hi, 65535);
	port_set_free(&set);
	port_set_once(&set);
	CHECK_INT(set.n, 0);
}

static void bad_port_lists(void)
{
	static const struct {
		const char *text;
		int r, mark;
	} rows[] = {
		{ "", -EINVAL, 0 },	  { ",", -EINVAL, 0 },
		{ "80,", -EINVAL, 3 },	  { "80,,81", -EINVAL, 3 },
		{ "90-80", -EINVAL, 0 },  { "80-", -EINVAL, 3 },
		{ "80,81x", -EINVAL, 5 }, { "80,70000", -ERANGE, 3 },
		{ "1-2-3", -EINVAL, 3 },  { "-80", -EINVAL, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct port_set set = { 0 };
		struct fault f = FAULT_INIT;

		printf("# '%s'\n", rows[i].text);
		CHECK_INT(num_parse_ports(rows[i].text, &set, &f), rows[i].r);
		CHECK_INT(f.mark, rows[i].mark);
		port_set_free(&set);
	}
}

int main(void)
{
	RUN(strict_numbers, "a number is read whole or refused at the place");
	RUN(durations, "durations have units, a bare number is seconds");
	RUN(sizes, "sizes have powers of 1024");
	RUN(rates, "a rate is a whole number a second");
	RUN(scales, "a product that has no room is the largest number");
	RUN(ports, "a port is a number or a service");
	RUN(port_lists, "port lists hold numbers, ranges and services");
	RUN(ports_given_twice, "a port that is given twice is one port");
	RUN(bad_port_lists, "a bad port list is refused at the place");
	return unit_done();
}
