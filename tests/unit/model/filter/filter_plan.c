/* The filter language: what is refused and where, what is known before any row. */
#include "unit/model/filter/filter.h"

static void state_masks(void)
{
	static const struct {
		const char *text;
		uint32_t mask;
	} rows[] = {
		{ "", STATES_ALL },
		{ "listen", 1 << STATE_LISTEN },
		{ "listen and close-wait", 0 },
		{ "listen or close-wait", 1 << STATE_LISTEN | 1 << STATE_CLOSE_WAIT },
		{ "not listen", STATES_ALL & ~(1 << STATE_LISTEN) },
		{ "not (listen and sport = 22)", STATES_ALL },
		{ "not (listen or sport = 22)", STATES_ALL & ~(1 << STATE_LISTEN) },
		{ "listen and rtt > 1", 0 },
		{ "waiting > 1", 1 << STATE_LISTEN },
		{ "not waiting > 1", STATES_ALL },
		{ "close_wait > 1h", 1 << STATE_CLOSE_WAIT },
		{ "close_wait", 1 << STATE_CLOSE_WAIT },
		{ "dport = 443", STATES_ALL & ~(1 << STATE_LISTEN) },
		{ "dport != 443", STATES_ALL },
		{ "dst 0.0.0.0/0", STATES_ALL },
		{ "dst 10.0.0.0/8", STATES_ALL & ~(1 << STATE_LISTEN) },
		{ "dst 10.0.0.0/4", STATES_ALL },
		{ "dst ::27.0.0.0/29", STATES_ALL },
		{ "sport = 443", STATES_ALL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(filter_state_mask(parse(rows[i].text)), rows[i].mask);
	CHECK_INT(filter_named_states(parse("sport = 22")), 0);
	CHECK_INT(filter_named_states(parse("sport = 22 and state = bound")),
		  1 << STATE_BOUND_INACTIVE);
	CHECK_INT(filter_named_states(parse("state != listen exclude big")), 0);
}

static void exact(void)
{
	static const char *const yes[] = {
		"src 10.0.0.1:80 and dst 10.0.0.2:50000",
		"src 10.0.0.1 sport = 80 dst 10.0.0.2 dport = 50000 established",
		"dport 50000 and (src 10.0.0.1:80 and dst 10.0.0.2)",
	};
	static const char *const no[] = {
		"src 10.0.0.1:80",
		"src 10.0.0.1:80 or dst 10.0.0.2:50000",
		"src 10.0.0.0/8:80 and dst 10.0.0.2:50000",
		"src 10.0.0.1:80-81 and dst 10.0.0.2:50000",
		"src 10.0.0.1:80 and dst two:50000",
		"src 10.0.0.1:80 and dst != 10.0.0.2:50000",
		"src 10.0.0.1:80 and dst fec0::1",
		"src 10.0.0.1:80 and dst [fec0::1]:50000",
		"src 10.0.0.1:80 and src 10.0.0.3 and dst 10.0.0.2:50000",
		"src 0.0.0.0:80 and dst 10.0.0.2:50000",
	};
	struct addr local, peer;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(yes); i++) {
		CHECK(filter_exact(parse(yes[i]), &local, &peer));
		CHECK_INT(local.port, 80);
		CHECK_INT(peer.port, 50000);
		CHECK_INT(local.ip[3], 1);
		CHECK_INT(peer.ip[3], 2);
	}
	for (i = 0; i < ARRAY_SIZE(no); i++)
		CHECK(!filter_exact(parse(no[i]), &local, &peer));
}

static void refused(void)
{
	static const struct {
		const char *text;
		int mark;
		const char *hint; /* part of it, or NULL */
	} rows[] = {
		{ "rtt", 3, "rtt > 50ms" },
		{ "rtt >", 5, NULL },
		{ "rtt > fast", 6, "500ms" },
		{ "rtt > 5 >", 8, NULL },
		{ "rt > 5", 0, "'rto'" },
		{ "sport = 22 and recvq > 1", 15, NULL },
		{ "recv_queu > 1", 0, "'recv_queue'" },
		{ "state = listn", 8, "'listen'" },
		{ "state", 5, NULL },
		{ "establishd", 0, "'established'" },
		{ "8080", 0, ":8080" },
		{ "10.0.0.1:80", 0, "src 10.0.0.1:80" },
		{ "::1", 0, "src ::1" },
		{ "src", 3, NULL },
		{ "src and sport = 22", 4, NULL },
		{ "src 80", 4, ":80" },
		{ "src > 10.0.0.1", 4, "sport" },
		{ "dst fec0:::1", 4, "[::1]:80" },
		{ "dst [fec0::1", 4, NULL },
		{ "dst [fec0::1]x", 13, NULL },
		{ "dst 10.0.0.0/33", 13, NULL },
		{ "dst fe80::/129:80", 11, NULL },
		{ "dst 300.1.1.1", 4, NULL },
		{ "dst nowhere", 4, NULL },
		{ "dst 10.0.0.1:70000", 13, NULL },
		{ "dst 10.0.0.1:", 13, NULL },
		{ "src inet6:10.0.0.1", 4, NULL },
		{ "sport = 70000", 8, NULL },
		{ "sport = :nosuchservice", 9, NULL },
		{ "sport = 80-20", 8, NULL },
		{ "sport > 80-90", 8, NULL },
		{ "sport < 1", 8, NULL },
		{ "sport > 65535", 8, NULL },
		{ "sport ~ 8*", 6, NULL },
		{ "sport > 1,2", 9, NULL },
		{ "sport in (1 2)", 12, NULL },
		{ "sport in (1,", 12, NULL },
		{ "sport in ()", 10, NULL },
		{ "(listen", 0, NULL },
		{ "listen)", 6, NULL },
		{ "()", 1, NULL },
		{ "listen and", 10, NULL },
		{ "and listen", 0, NULL },
		{ "not", 3, NULL },
		{ "listen or or listen", 10, NULL },
		{ "process = 'x", 10, NULL },
		{ "process > x", 8, NULL },
		{ "unaccepted = maybe", 13, NULL },
		{ "unaccepted > no", 11, NULL },
		{ "proto = tpc", 8, "'tcp'" },
		{ "recv_queue > 5q", 14, "64k" },
		{ "recv_queue ~ 5", 13, NULL },
		{ "uid = 5-", 6, NULL },
		{ "uid = -5", 6, NULL },
		{ "uid = 0x", 8, NULL },
		{ "uid = 99999999999999999999", 6, NULL },
		{ "fwmark = 1/", 9, NULL },
		{ "cgroup /none", 7, NULL },
		{ "\"listen\"", 0, NULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct filter_node *n = NULL;
		struct fault f = FAULT_INIT;

		if (filter_parse(&arena, rows[i].text, &env, &n, &f) != -EINVAL ||
		    f.mark != rows[i].mark || strcmp(f.text, rows[i].text) != 0 ||
		    (rows[i].hint && !strstr(f.hint, rows[i].hint))) {
			printf("# '%s': '%s' (%s) at %d of '%s'\n", rows[i].text, f.what,
			       f.hint, f.mark, f.text);
			unit_failures++;
		}
	}
}

/* `head`, `times` times `part`, `tail`; -EINVAL or 0. */
static int parse_long(const char *head, const char *part, size_t times, const char *tail)
{
	_cleanup_buf_ struct buf b = { 0 };
	_cleanup_arena_ struct arena a = { 0 };
	const struct filter_node *n = NULL;
	struct fault f = FAULT_INIT;
	struct sock s = tcp("10.0.0.5", 22, "10.1.2.3", 40000, STATE_ESTABLISHED);
	int r;

	buf_puts(&b, head);
	while (times--)
		buf_puts(&b, part);
	buf_puts(&b, tail);
	r = filter_parse(&a, buf_cstr(&b), &env, &n, &f);
	if (r == 0)
		filter_eval(n, &s, ~0u);
	CHECK(r == 0 || f.what[0]);
	return r;
}

static void hostile(void)
{
	CHECK_INT(parse_long("", "(", 100, "listen"), -EINVAL);
	CHECK_INT(parse_long("", "(", 1000000, "listen"), -EINVAL);
	CHECK_INT(parse_long("", "!", 1000001, "listen"), 0);
	CHECK_INT(parse_long("", "not ", 100000, "listen"), 0);
	CHECK_INT(parse_long("", "listen or ", 4000, "listen"), 0);
	CHECK_INT(parse_long("", "listen or ", 100000, "listen"), -EINVAL);
	CHECK_INT(parse_long("sport in (", "80,", 100000, "81)"), 0);
	CHECK_INT(parse_long("", "state listen ", 100000, ""), 0);
	CHECK_INT(parse_long("src ", "a", 100000, ""), -EINVAL);
	CHECK_INT(parse_long("", "a", 1000000, ""), -EINVAL);
	CHECK_INT(parse_long("process ~ ", "*a", 50000, "*b"), 0);
	CHECK_INT(parse_long("src unix:", "*a", 50000, "*b"), 0);
	CHECK_INT(parse_long("process = \"", "\\\"", 50000, "\""), 0);
	CHECK_INT(parse_long("rtt > ", "1h", 100000, ""), 0);
}

int main(void)
{
	RUN(state_masks, "the states that can match are known before any row");
	RUN(exact, "one connection is told from its two ends");
	RUN(refused, "errors mark the word and offer the nearest");
	RUN(hostile, "long and deep expressions end soon");
	arena_free(&arena);
	return unit_done();
}
