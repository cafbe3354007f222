/* The filter language: what parses and what it means. */
#include "unit/model/filter/filter.h"

static struct sock unix_socket(const char *path, size_t len)
{
	return (struct sock){ .proto = PROTO_UNIX_STREAM,
			      .family = AF_UNIX,
			      .state = STATE_LISTEN,
			      .path = { path, (uint32_t)len } };
}

static char eval(const char *text, const struct sock *s, uint32_t known)
{
	const struct filter_node *n = parse(text);

	if (!n)
		return '!';
	return "ny?"[filter_eval(n, s, known)];
}

struct row {
	const char *text;
	const char *want; /* a letter a socket */
};

static void check_rows(const struct row *rows, size_t n_rows, const struct sock *socks,
		       size_t n)
{
	size_t i, k;

	for (i = 0; i < n_rows; i++)
		for (k = 0; k < n; k++) {
			char got = eval(rows[i].text, &socks[k], ~0u);

			if (got == rows[i].want[k])
				continue;
			printf("# '%s', socket %zu: %c, not %c\n", rows[i].text, k, got,
			       rows[i].want[k]);
			unit_failures++;
		}
}

static void addresses(void)
{
	const struct sock socks[] = {
		tcp("10.0.0.5", 22, "10.1.2.3", 40000, STATE_ESTABLISHED),
		tcp("::ffff:10.0.0.5", 80, "::ffff:192.168.1.1", 443, STATE_CLOSE_WAIT),
		tcp("fec0::5", 443, "fec0:42::1", 50000, STATE_TIME_WAIT),
		tcp("::", 8080, "::", 0, STATE_LISTEN),
	};
	static const struct row rows[] = {
		{ "", "yyyy" },
		{ "src 10.0.0.0/8", "yynn" },
		{ "src=10.0.0.5", "yynn" },
		{ "src = 10.0.0.5", "yynn" },
		{ "src == 10.0.0.5:22", "ynnn" },
		{ "src eq 10.0.0.5:ssh", "ynnn" },
		{ "src != 10.0.0.5", "nnyy" },
		{ "src ne 10.0.0.5", "nnyy" },
		{ "src ::ffff:10.0.0.5", "yynn" },
		{ "src 0.0.0.0/0", "yynn" },
		{ "src 10/8", "yynn" },
		{ "src 10.0/16:22", "ynnn" },
		{ "src ::/0", "nyyy" },
		{ "src inet:*", "yynn" },
		{ "src inet6:*:443", "nnyn" },
		{ "src *", "yyyy" },
		{ "src *:*", "yyyy" },
		{ "src :80", "nynn" },
		{ "src *:80", "nynn" },
		{ "dst fec0:42::1", "nnyn" },
		{ "dst [fec0:42::1]", "nnyn" },
		{ "dst [fec0:42::1]:50000", "nnyn" },
		{ "dst [fec0:42::]/32:50000", "nnyn" },
		{ "dst [fec0:42::/32]:50000", "nnyn" },
		{ "dst fec0:42::/32", "nnyn" },
		{ "src two", "yyyn" },
		{ "src two:https", "nnyn" },
		{ "src inet:two", "yynn" },
		{ "src in (10.0.0.0/8,fec0::/16)", "yyyn" },
		{ "src not in (10.0.0.0/8, fec0::/16)", "nnny" },
		{ "src in (10.0.0.5:22,80)", "yynn" },
		{ "src 10.0.0.5:22,80", "yynn" },
		{ "src 10.0.0.5:20-30", "ynnn" },
		{ "local_addr = 10.0.0.5", "yynn" },
		{ "local 10.0.0.5:22", "ynnn" },
		{ "peer = 192.168.1.1", "nynn" },
		{ "dst 192.168.0.0/16 or src fec0::/16", "nyyn" },
	};

	check_rows(rows, ARRAY_SIZE(rows), socks, ARRAY_SIZE(socks));
}

static void ports(void)
{
	const struct sock socks[] = {
		tcp("10.0.0.5", 22, "10.1.2.3", 40000, STATE_ESTABLISHED),
		tcp("10.0.0.5", 50000, "10.1.2.3", 443, STATE_ESTABLISHED),
		tcp("0.0.0.0", 8005, "0.0.0.0", 0, STATE_LISTEN),
	};
	static const struct row rows[] = {
		{ "sport = :22", "ynn" },
		{ "sport=:22", "ynn" },
		{ "sport=22", "ynn" },
		{ "sport 22", "ynn" },
		{ "sport :22", "ynn" },
		{ "sport :ssh", "ynn" },
		{ "sport ssh", "ynn" },
		{ "sport = inet:22", "ynn" },
		{ "sport != :22", "nyy" },
		{ "dport != :443", "yny" },
		{ "sport ne :22", "nyy" },
		{ "sport >= :1024", "nyy" },
		{ "sport>=1024", "nyy" },
		{ "sport geq 1024", "nyy" },
		{ "sport lt 1024", "ynn" },
		{ "sport<=22", "ynn" },
		{ "sport > 22", "nyy" },
		{ "sport gt 8005", "nyn" },
		{ "dport < 1024", "nyn" },
		{ "dport le 443", "nyn" },
		{ "dport = 0", "nny" },
		{ "( dport = :ssh or sport = :ssh )", "ynn" },
		{ "(dport=:ssh|sport=:ssh)", "ynn" },
		{ "dport = :https || sport == :ssh", "yyn" },
		{ ":443", "nyn" },
		{ ":22,443", "yyn" },
		{ ":ssh,https", "yyn" },
		{ ":8000-8010", "nny" },
		{ "*:443", "nyn" },
		{ "port = 443", "nyn" },
		{ "port 443", "nyn" },
		{ "port != 443", "yny" },
		{ "port in (22,8000-8010)", "yny" },
		{ "sport in (22, 50000)", "yyn" },
		{ "sport = 22,50000", "yyn" },
		{ "sport 8000-8010", "nny" },
		{ "local_port = 22", "ynn" },
		{ "peer-port = 443", "nyn" },
		{ "sport = :*", "yyy" },
		{ "autobound", "nyn" },
		{ "not autobound", "yny" },
	};

	check_rows(rows, ARRAY_SIZE(rows), socks, ARRAY_SIZE(socks));
}

static void unix_names(void)
{
	const struct sock socks[] = {
		unix_socket("/run/x.sock", 11),
		unix_socket("\0abstract", 9),
		unix_socket("\0"
			    "0001f",
			    6),
		tcp("10.0.0.5", 22, "10.1.2.3", 40000, STATE_ESTABLISHED),
	};
	static const struct row rows[] = {
		{ "src /run/*", "ynnn" },
		{ "src /RUN/*", "ynnn" },
		{ "src unix:/run/x.sock", "ynnn" },
		{ "src @abstract", "nynn" },
		{ "src @*", "nyyn" },
		{ "src unix:*", "yyyn" },
		{ "src *", "yyyy" },
		{ "src */x.sock", "ynnn" },
		{ "src = '/run/x.sock'", "ynnn" },
		{ "local ~ *sock", "ynnn" },
		{ "src != /run/*", "nyyy" },
		{ "path = @abstract", "nynn" },
		{ "path ~ \"@abs*\"", "nynn" },
		{ "autobound", "nnyn" },
		{ "src :22", "nnny" },
		{ "src in (/run/*, @abstract)", "yynn" },
		{ "proto = unix", "yyyn" },
		{ "family = unix", "yyyn" },
		{ "src ~ '[/]run/[!y]*'", "ynnn" },
	};

	check_rows(rows, ARRAY_SIZE(rows), socks, ARRAY_SIZE(socks));
}

static void states(void)
{
	const struct sock socks[] = {
		tcp("0.0.0.0", 22, "0.0.0.0", 0, STATE_LISTEN),
		tcp("10.0.0.5", 22, "10.1.2.3", 40000, STATE_ESTABLISHED),
		tcp("10.0.0.5", 22, "10.1.2.3", 40001, STATE_CLOSE_WAIT),
		tcp("10.0.0.5", 22, "10.1.2.3", 40002, STATE_TIME_WAIT),
	};
	static const struct row rows[] = {
		{ "established", "nynn" },
		{ "ESTAB", "nynn" },
		{ "close-wait", "nnyn" },
		{ "CLOSE_WAIT", "nnyn" },
		{ "all", "yyyy" },
		{ "connected", "nyyy" },
		{ "synchronized", "nyyy" },
		{ "bucket", "nnny" },
		{ "big", "yyyn" },
		{ "state = close-wait", "nnyn" },
		{ "state close-wait", "nnyn" },
		{ "state=close-wait", "nnyn" },
		{ "state in (listen,close-wait)", "ynyn" },
		{ "state listen,close-wait", "ynyn" },
		{ "state != listen", "nyyy" },
		{ "state not in (listen, close-wait)", "nyny" },
		{ "exclude time-wait", "yyyn" },
		{ "exclude time-wait exclude listen", "nyyn" },
		{ "state listen state established", "yynn" },
		{ "state connected exclude close-wait", "nyny" },
		{ "state established sport = :22", "nynn" },
		{ "not listen and not established", "nnyy" },
		{ "! listen & ! established", "nnyy" },
		{ "!!listen", "ynnn" },
		{ "not (listen or established)", "nnyy" },
		{ "listen or established and :40000", "yynn" },
		{ "(listen or established) and :40000", "nynn" },
		{ "listen or established :40000", "yynn" },
		{ "listen && sport=22 || time-wait", "ynny" },
		{ "LISTEN OR NOT time_wait", "yyyn" },
	};

	check_rows(rows, ARRAY_SIZE(rows), socks, ARRAY_SIZE(socks));
}

static void fields(void)
{
	static uint8_t info[280];
	static const struct holder second = { .command = "java", .pid = 812, .fd = 31 };
	static const struct holder first = { &second, "nginx", 700, 6, false };
	struct sock socks[] = {
		tcp("10.0.0.5", 22, "10.1.2.3", 40000, STATE_ESTABLISHED),
		tcp("10.0.0.5", 22, "10.1.2.3", 40001, STATE_ESTABLISHED),
	};
	static const struct row rows[] = {
		{ "rtt > 50ms", "y?" },
		{ "rtt>50ms and state=established", "y?" },
		{ "rtt > 0.05", "y?" },
		{ "rtt < 50ms", "n?" },
		{ "not rtt < 50ms", "y?" },
		{ "rtt = 60ms-80ms", "y?" },
		{ "recv_queue >= 64k", "yn" },
		{ "recv-queue < 64k", "ny" },
		{ "recv_queue in (0, 1k, 64k-1m)", "yy" },
		{ "process = java", "yn" },
		{ "process = nginx", "yn" },
		{ "process != java", "nn" },
		{ "process != postgres", "yn" },
		{ "process ~ \"ja*\"", "yn" },
		{ "process ~ ja?a", "yn" },
		{ "process in (java,postgres)", "yn" },
		{ "pid = 812", "yn" },
		{ "pid in (1,700-800)", "yn" },
		{ "fd = 0x1f", "yn" },
		{ "user = www-data", "yn" },
		{ "user = 33", "yy" },
		{ "user != root", "yn" },
		{ "uid = 0x21", "yy" },
		{ "inode = 123", "yn" },
		{ "cookie = 0x1f", "yn" },
		{ "congestion = bbr", "y?" },
		{ "unaccepted", "ny" },
		{ "not unaccepted", "yn" },
		{ "unaccepted = no", "yn" },
		{ "unaccepted != yes", "yn" },
		{ "v6only = yes", "nn" },
		{ "pacing_rate > 1m", "y?" },
		{ "pacing_rate > 1m/s", "y?" },
		{ "mark = 0x11", "y?" },
		{ "fwmark = 0x1/0xf", "y?" },
		{ "fwmark 17", "y?" },
		{ "fwmark != 0x11", "n?" },
		{ "mark != 0x11", "n?" },
		{ "dev eth0", "yn" },
		{ "dev = eth0", "yn" },
		{ "dev 2", "yn" },
		{ "dev != eth0", "ny" },
		{ "dev in (lo,eth0)", "yn" },
		{ "cgroup /web", "y?" },
		{ "cgroup = /web", "y?" },
		{ "cgroup != /web", "n?" },
		{ "cgroup ~ '/we*'", "y?" },
		{ "proto = TCP", "yy" },
		{ "family in (inet6,unix)", "nn" },
		{ "listener = :22", "ny" },
	};
	static const struct listener_ref listener = {
		.addr = { .family = AF_INET, .port = 22 }, .members = 1
	};
	const uint32_t rtt = 70000;
	const uint64_t pacing = 2 << 20;

	memcpy(info + 68, &rtt, sizeof(rtt));
	memcpy(info + 104, &pacing, sizeof(pacing));
	socks[0].tcp_info = (struct blob){ info, sizeof(info) };
	socks[0].recv_queue = 70000;
	socks[0].holders = &first;
	socks[0].user = "www-data";
	socks[0].cookie = 0x1f;
	socks[0].cong = (struct blob){ "bbr", 4 };
	socks[0].mark = 0x11;
	socks[0].has |= SOCK_HAS_MARK | SOCK_HAS_CGROUP;
	socks[0].cgroup_id = 4711;
	socks[0].cgroup = "/web";
	socks[0].ifindex = 2;
	socks[0].device = "eth0";
	socks[1].inode = 0;
	socks[1].listener = &listener;
	check_rows(rows, ARRAY_SIZE(rows), socks, ARRAY_SIZE(socks));
}

static void three_values(void)
{
	struct sock listener = tcp("0.0.0.0", 22, "0.0.0.0", 0, STATE_LISTEN);
	struct sock s = tcp("10.0.0.5", 22, "10.1.2.3", 40000, STATE_ESTABLISHED);
	struct sock u = unix_socket("/run/x", 6);

	CHECK_INT(eval("rtt > 50ms", &s, 0), '?');
	CHECK_INT(eval("not rtt > 50ms", &s, 0), '?');
	CHECK_INT(eval("rtt > 50ms", &s, NEED_INFO), '?');
	CHECK_INT(eval("rtt > 50ms", &listener, NEED_INFO), 'n');
	CHECK_INT(eval("fill > 80", &s, ~0u), 'n');
	CHECK_INT(eval("fill > 80", &listener, ~0u), '?');
	CHECK_INT(eval("ulp = tls", &s, ~0u), '?');
	CHECK_INT(eval("rcvbuf > 1", &u, ~0u), 'n');
	CHECK_INT(eval("rtt > 50ms and sport = 23", &s, 0), 'n');
	CHECK_INT(eval("sport = 23 and rtt > 50ms", &s, 0), 'n');
	CHECK_INT(eval("rtt > 50ms and sport = 22", &s, 0), '?');
	CHECK_INT(eval("rtt > 50ms or sport = 22", &s, 0), 'y');
	CHECK_INT(eval("rtt > 50ms or sport = 23", &s, 0), '?');
	CHECK_INT(eval("process = java", &s, ~0u & ~NEED_OWNERS), '?');
	CHECK_INT(eval("waiting > 0", &s, 0), 'n');
	CHECK_INT(eval("waiting > 0", &listener, 0), '?');
	CHECK_INT(eval("dst /run/y", &s, 0), 'n');
	CHECK_INT(eval("dst /run/y", &u, 0), '?');
	CHECK_INT(eval("dst /run/y", &u, NEED_UNIX_PEER), 'n');
	CHECK_INT(filter_needs(parse("rtt > 1 and (process = x or user = y)")),
		  NEED_INFO | NEED_OWNERS | NEED_USER);
	CHECK_INT(filter_needs(parse("src 10.0.0.1 and dst :80")), 0);
	CHECK_INT(filter_needs(parse("dst /run/*")), NEED_UNIX_PEER);
	CHECK_INT(filter_needs(NULL), 0);
	CHECK_INT(filter_eval(NULL, &s, 0), FILTER_YES);
}

static void building_blocks(void)
{
	const struct sock s = tcp("10.0.0.5", 22, "10.1.2.3", 40000, STATE_ESTABLISHED);
	const struct filter_node *a = parse("listen"), *b = parse("sport = 22");
	struct port_range range = { 39999, 40001 };
	const struct port_set set = { &range, 1, 1 };
	struct fault f = FAULT_INIT;

	CHECK(filter_and(&arena, NULL, NULL) == NULL);
	CHECK(filter_and(&arena, a, NULL) == a);
	CHECK(filter_and(&arena, NULL, b) == b);
	CHECK_INT(filter_eval(filter_and(&arena, a, b), &s, 0), FILTER_NO);
	CHECK_INT(filter_eval(filter_ports(&arena, SIDE_EITHER, &set), &s, 0),
		  FILTER_YES);
	CHECK_INT(filter_eval(filter_ports(&arena, SIDE_LOCAL, &set), &s, 0), FILTER_NO);
	CHECK_INT(filter_eval(filter_states(&arena, 1 << STATE_ESTABLISHED), &s, 0),
		  FILTER_YES);
	CHECK_INT(filter_state_mask(filter_and(&arena, a, b)), 1 << STATE_LISTEN);
	CHECK_INT(filter_ends(&arena, SIDE_LOCAL, "10.0.0.0/8:22,80", &env, &a, &f), 0);
	CHECK_INT(filter_eval(a, &s, 0), FILTER_YES);
	CHECK_INT(filter_ends(&arena, SIDE_PEER, "10.0.0.5,two", &env, &a, &f), 0);
	CHECK_INT(filter_eval(a, &s, 0), FILTER_NO);
	CHECK_INT(filter_ends(&arena, SIDE_PEER, "::1 or listen", &env, &a, &f), -EINVAL);
	CHECK_INT(f.mark, 4);
	CHECK_INT(filter_ends(&arena, SIDE_PEER, "", &env, &a, &f), -EINVAL);
}

/* A name or an option that could not be read decides nothing; another that could does. */
static void unread(void)
{
	static const struct holder second = { .command = "java", .pid = 812, .fd = 31 };
	static const struct holder both = {
		.next = &second, .command = "?", .pid = 700, .fd = 6, .unnamed = true
	};
	static const struct holder nobody = {
		.command = "?", .pid = 700, .fd = 6, .unnamed = true
	};
	struct sock socks[] = {
		tcp("10.0.0.5", 22, "10.1.2.3", 40000, STATE_ESTABLISHED),
		tcp("10.0.0.5", 22, "10.1.2.3", 40001, STATE_ESTABLISHED),
		tcp("10.0.0.5", 22, "10.1.2.3", 40002, STATE_ESTABLISHED),
	};
	static const struct row rows[] = {
		{ "process = java", "y?n" },
		{ "process = nginx", "??n" },
		{ "process ~ 'ng*'", "??n" },
		{ "process in (java, nginx)", "y?n" },
		{ "process != java", "n?n" },
		{ "process != nginx", "??n" },
		{ "not process = java", "n?y" },
		{ "process = nginx and sport = 80", "nnn" },
		{ "process = nginx or sport = 22", "yyy" },
		{ "pid = 700", "yyn" },
		{ "pid = 701", "nnn" },
		{ "peer_process = nginx", "nnn" },
		{ "reuseaddr", "??n" },
		{ "keepidle > 1s", "??n" },
		{ "not reuseaddr", "??y" },
	};

	socks[0].holders = &both;
	socks[1].holders = &nobody;
	check_rows(rows, ARRAY_SIZE(rows), socks, ARRAY_SIZE(socks));
}

int main(void)
{
	RUN(addresses, "addresses, prefixes and names match the rows they mean");
	RUN(ports, "ports compare, list and range on either end");
	RUN(unix_names, "unix paths and abstract names are patterns");
	RUN(states, "states by name, set and exclusion, with precedence");
	RUN(fields, "every field is an identifier with the literals of its unit");
	RUN(three_values, "what is not known yet is maybe, and only where it matters");
	RUN(unread, "what could not be read of an owner is maybe");
	RUN(building_blocks, "options join expressions");
	arena_free(&arena);
	return unit_done();
}
