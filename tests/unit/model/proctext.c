/* Texts of /proc: what is in them, and what is not there is no number. */
#include "model/proctext.h"

#include "base/mem.h"
#include "unit/unit.h"

static const char netstat[] = "TcpExt: SyncookiesSent ListenOverflows Big\n"
			      "TcpExt: 1 22 18446744073709551615\n"
			      "IpExt: InNoRoutes\n"
			      "IpExt: 7\n";

/* A copy of exactly this size, so that a sanitizer sees a byte too far. */
static char *exact(const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

static uint64_t pair(const char *text, const char *table, const char *name)
{
	uint64_t v = 12345;
	bool found = proctext_pair(text, table, name, &v);

	CHECK(found || v == 12345);
	return found ? v : 99999;
}

static void pairs(void)
{
	CHECK_INT(pair(netstat, "TcpExt", "SyncookiesSent"), 1);
	CHECK_INT(pair(netstat, "TcpExt", "ListenOverflows"), 22);
	CHECK(pair(netstat, "TcpExt", "Big") == UINT64_MAX);
	CHECK_INT(pair(netstat, "IpExt", "InNoRoutes"), 7);
	CHECK_INT(pair(netstat, "TcpExt", "InNoRoutes"), 99999);
	CHECK_INT(pair(netstat, "Tcp", "SyncookiesSent"), 99999);
	CHECK_INT(pair("", "TcpExt", "SyncookiesSent"), 99999);
}

/* A table that ends too early, anywhere: other tables' numbers, and what is behind the
 * text, are not taken for its own. */
static void broken_pairs(void)
{
	static const char *const texts[] = {
		"TcpExt: A B\n",
		"TcpExt: A B",
		"TcpExt: A B\nTcp",
		"TcpExt: A B\nTcpExt",
		"TcpExt: A B\nTcpExt:",
		"TcpExt: A B\nTcpExt: 1",
		"TcpExt: A B\nTcpExt: 1 ",
		"TcpExt: A B\nTcpExt: 1\nIpExt: 5\n",
		"TcpExt: A B\nTcpExt: 1 \n5 6\n",
		"TcpExt: A B\nTcpExt: 1 x\n",
		"TcpExt: A B\nTcpExt: 1 -5\n",
		"TcpExt: A B\nTcpExt: 1 5x\n",
		"TcpExt: A B\nTcpExt: 1 18446744073709551616\n",
		"TcpExt: A B\nIpExt: 1 5\n",
	};
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *text = exact(texts[i], strlen(texts[i]));

		if (pair(text, "TcpExt", "B") != 99999)
			printf("# '%s' has a B\n", texts[i]), unit_failures++;
	}
	for (n = 0; n < sizeof(netstat); n++) {
		_cleanup_free_ char *text = exact(netstat, n);
		uint64_t v = pair(text, "IpExt", "InNoRoutes");

		CHECK(v == 99999 || v == 7);
	}
}

static void lines(void)
{
	uint64_t v = 0;

	CHECK(proctext_line("Ip6In  5\nUdp6MemErrors    \t 8\n", "Udp6MemErrors", &v));
	CHECK_INT(v, 8);
	CHECK(!proctext_line("Udp6MemErrors\n9\n", "Udp6MemErrors", &v));
	CHECK(!proctext_line("Udp6MemErrors \n9\n", "Udp6MemErrors", &v));
	CHECK(!proctext_line("Udp6MemErrorsX 9\n", "Udp6MemErrors", &v));
	CHECK_INT(v, 8);
}

static void keyed(void)
{
	static const char text[] = "sockets: used 9\n"
				   "TCP: inuse 5 orphan 0 tw 3 alloc 7 mem 1\n"
				   "UDP: inuse 2 mem 4\n";
	uint64_t v = 0;

	CHECK(proctext_keyed(text, "TCP", "alloc", &v));
	CHECK_INT(v, 7);
	CHECK(proctext_keyed(text, "UDP", "mem", &v));
	CHECK_INT(v, 4);
	CHECK(!proctext_keyed(text, "UDP", "tw", &v));
	CHECK(!proctext_keyed(text, "TCP", "5", &v)); /* that is a value */
	CHECK(!proctext_keyed(text, "TCP6", "inuse", &v));
	CHECK(!proctext_keyed("TCP: inuse\n5\n", "TCP", "inuse", &v));
	CHECK(!proctext_keyed("TCP: inuse ", "TCP", "inuse", &v));
}

static void ranges(void)
{
	static const char *const bad[] = { "",	      "1",    "9 8",
					   "1 65536", "-1 5", "1 x",
					   "1\n2",    "1 2x", "4294967296 4294967299",
					   "1  ",     "x 1 2" };
	uint16_t lo = 1, hi = 2;
	size_t i;

	CHECK(proctext_range("32768\t60999\n", &lo, &hi));
	CHECK_INT(lo, 32768);
	CHECK_INT(hi, 60999);
	CHECK(proctext_range("0 65535", &lo, &hi));
	lo = hi = 7;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!proctext_range(bad[i], &lo, &hi));
	CHECK(lo == 7 && hi == 7);
}

static size_t ports(const char *text)
{
	_cleanup_free_ bool *held = xcalloc(65536, sizeof(*held));
	size_t i, n = 0;

	proctext_ports(text, held);
	for (i = 0; i < 65536; i++)
		n += held[i];
	return n;
}

/* Ranges that overlap count once; numbers above 65535 name no port, nor do they wrap. */
static void reserved_ports(void)
{
	CHECK_INT(ports("\n"), 0);
	CHECK_INT(ports("8080,9148-9150\n"), 4);
	CHECK_INT(ports("1-5,3-7,3\n"), 7);
	CHECK_INT(ports("65530-70000"), 6);
	CHECK_INT(ports("4294967297-4294967299,5"), 1);
	CHECK_INT(ports("18446744073709551615"), 0);
	CHECK_INT(ports("0-18446744073709551615"), 65536);
	CHECK_INT(ports("9-3,4"), 1);
	CHECK_INT(ports("5-,6"), 0);
}

static void limits(void)
{
	uint64_t v = 0, most = 0;

	CHECK(proctext_descriptor_limit(
		"Limit  Soft\nMax open files   1024   4096 files\n", &v, &most));
	CHECK_INT(v, 1024);
	CHECK_INT(most, 4096);
	CHECK(proctext_descriptor_limit("Max open files  512  unlimited\n", &v, &most));
	CHECK_INT(v, 512);
	CHECK(most == UINT64_MAX);
	CHECK(proctext_descriptor_limit("Max open files  unlimited  unlimited\n", &v,
					&most));
	CHECK(v == UINT64_MAX);
	CHECK(!proctext_descriptor_limit("Max open files   \n1024\n", &v, &most));
	CHECK(!proctext_descriptor_limit("Max open files 5\n", &v, &most));
	CHECK(!proctext_descriptor_limit("Max open files", &v, &most));
	CHECK(!proctext_descriptor_limit("x Max open files 5 6\n", &v, &most));
}

/* What a text says of a ring: the inodes that it names, and whether it may have more. */
static const char *ring(const char *text)
{
	static char said[64];
	struct proctext_ring r = { 0 };
	int n = 0;

	said[0] = '\0';
	while (*text) {
		size_t len = strcspn(text, "\n") + 1;
		char line[128];
		uint32_t inode;

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		inode = proctext_ring_line(&r, line);
		if (inode)
			n += snprintf(said + n, sizeof(said) - (size_t)n, "%u ", inode);
		text += MIN(len, strlen(text));
	}
	snprintf(said + n, sizeof(said) - (size_t)n, "%s",
		 proctext_ring_may_hold(&r) ? "more" : "all");
	return said;
}

static void rings(void)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{ "SqMask:\t0x3\nUserFiles:\t3\n    1: socket:[47]\nUserBufs:\t0\n"
		  "PollList:\n",
		  "47 all" },
		{ "UserFiles:\t4\n    0: /a/socket:[5]\n    1: socket:[6]\n   12: "
		  "socket:[7]\n    3: pipe:[8]\nUserBufs:\t1\n    2: 0x5/9\n",
		  "6 7 all" },
		/* As older kernels print them, some of which are no sockets. */
		{ "UserFiles:\t2\n    0: TCP\n    1: <none>\nUserBufs:\t0\nPollList:\n",
		  "more" },
		{ "UserFiles:\t2\n    0: <none>\nPollList:\n", "all" },
		/* Free places alone; or a ring that was busy. */
		{ "UserFiles:\t8\nUserBufs:\t0\nPollList:\n", "all" },
		{ "UserFiles:\t8\nUserBufs:\t0\n", "more" },
		{ "UserFiles:\t0\n", "all" },
		{ "SqMask:\t0x3\n", "more" },
		{ "", "more" },
		/* What stands elsewhere, or is cut, is no place of the table. */
		{ "    1: socket:[47]\nUserFiles:\t0\nUserBufs:\t1\n    1: socket:[48]\n",
		  "all" },
		{ "UserFiles:\t1\n    1: socket:[47", "more" },
		{ "UserFiles:\tx\n    1: socket:[47]\n", "more" },
		{ "UserFiles:\t1\n: socket:[47]\n   : socket:[48]\n1 socket:[49]\n",
		  "more" },
		{ "UserFiles:\t1\n    1: socket:[4294967296]\nPollList:\n", "all" },
	};
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_STR(ring(rows[i].text), rows[i].said);
	CHECK(proctext_in_flight("pos:\t0\nino:\t5\nscm_fds: 3\n", &n));
	CHECK_INT(n, 3);
	CHECK(!proctext_in_flight("pos:\t0\nino:\t5\n", &n));
	CHECK(!proctext_in_flight("scm_fds: \n", &n));
	CHECK(!proctext_in_flight("xscm_fds: 3\n", &n));
}

static void starts(void)
{
	uint64_t v = 0;

	CHECK(proctext_start(
		"1 (a) 9) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 "
		"20\n",
		&v));
	CHECK_INT(v, 4711);
	CHECK(!proctext_start("1 (a) S 1 2\n", &v));
	CHECK(!proctext_start("1 (a", &v));
	CHECK(proctext_one_pid("Pid:\t5\nNSpid:\t5\nNSpgid:\t5\n"));
	CHECK(!proctext_one_pid("Pid:\t5\nNSpid:\t5\t1\n"));
	CHECK(!proctext_one_pid("Pid:\t5\nNSpid:\t\n"));
	CHECK(!proctext_one_pid("Name:\tNSpid:\t5\n"));
}

static bool mount(const char *text, struct proctext_mount *m, char **line)
{
	*line = exact(text, strlen(text));
	return proctext_mount(*line, m);
}

static void mounts(void)
{
	static const char *const bad[] = { "",
					   "1 2 3:4 / /mnt",
					   "1 2 3:4 / /mnt rw a:1 -",
					   "1 2 3:4 / /mnt rw a:1 x cgroup2",
					   "1 2 3:4 / -",
					   "x 2 3:4 / /mnt rw - t",
					   "1 2 3 / /mnt rw - t",
					   "1 2 3:x / /mnt rw - t",
					   "1 2 3:4294967296 / /mnt rw - t" };
	struct proctext_mount m;
	char *line;
	size_t i;

	CHECK(mount(
		"36 35 0:4 / /mnt/a\\040b\\134 rw,x shared:1 master:2 - cgroup2 c rw\n",
		&m, &line));
	CHECK_STR(m.root, "/");
	CHECK_STR(m.path, "/mnt/a b\\");
	CHECK_STR(m.type, "cgroup2");
	CHECK(m.id == 36 && m.major == 0 && m.minor == 4);
	free(line);
	/* No optional field, and a mount point that looks like one. */
	CHECK(mount("1 2 0:4 net:[40] - rw - nsfs", &m, &line));
	CHECK_STR(m.root, "net:[40]");
	CHECK_STR(m.path, "-");
	CHECK_STR(m.type, "nsfs");
	free(line);
	CHECK(mount("1 2 0:4 /\\04 /\\777\\ rw - t", &m, &line));
	CHECK_STR(m.root, "/\\04");
	CHECK_STR(m.path, "/\\777\\");
	free(line);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK(!mount(bad[i], &m, &line));
		free(line);
	}
}

static void hidepids(void)
{
	static const struct {
		const char *line;
		bool is_proc_path;
		unsigned level;
		uint64_t gid;
	} rows[] = {
		{ "22 27 0:21 / /proc rw,relatime - proc proc rw\n", true, 0, 0 },
		{ "22 27 0:21 / /proc rw - proc proc rw,hidepid=2\n", true, 2, 0 },
		{ "22 27 0:21 / /proc rw shared:3 - proc proc rw,gid=4,hidepid=invisible",
		  true, 2, 4 },
		{ "22 27 0:21 / /proc rw - proc p rw,hidepid=ptraceable,subset=pid\n",
		  true, 4, 0 },
		{ "22 27 0:21 / /proc rw - proc proc rw,hidepid=noaccess\n", true, 1, 0 },
		{ "22 27 0:21 / /proc rw - proc proc rw,hidepid=off\n", true, 0, 0 },
		{ "22 27 0:21 / /proc rw - proc proc rw,hidepid=more\n", true, 4, 0 },
		{ "22 27 0:21 / /proc rw - tmpfs tmpfs rw,hidepid=2\n", true, 0, 0 },
		{ "22 27 0:21 / /procs rw - proc proc rw,hidepid=2\n", false, 0, 0 },
		{ "22 27 0:21 / /proc rw\n", false, 0, 0 },
		{ "", false, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct proctext_hidepid h = { 0 };
		char *line = xstrdup(rows[i].line);

		CHECK_INT(proctext_hidepid(line, "/proc", &h), rows[i].is_proc_path);
		CHECK_INT(h.level, rows[i].level);
		CHECK_INT(h.gid, rows[i].gid);
		free(line);
	}
}

static void sockets(void)
{
	CHECK_INT(proctext_socket("socket:[123]", 12), 123);
	CHECK_INT(proctext_socket("socket:[4294967295]", 19), UINT32_MAX);
	CHECK_INT(proctext_socket("socket:[4294967296]", 19), 0);
	CHECK_INT(proctext_socket("socket:[18446744073709551617]", 29), 0);
	CHECK_INT(proctext_socket("socket:[123]", 11), 0);
	CHECK_INT(proctext_socket("socket:[12x]", 12), 0);
	CHECK_INT(proctext_socket("socket:[1]x", 11), 0);
	CHECK_INT(proctext_socket("socket:[", 8), 0);
	CHECK_INT(proctext_socket("pipe:[123]", 10), 0);
}

#define TAIL " 0A 00000001:00000002 00:00000000 00000003  1000        0 4711 1 x\n"

static void inet_rows(void)
{
	static const char *const bad[] = {
		"",
		"  0: 0100007F:0050",
		"  0: 0100007F:0050 00000000000000000000000000000000:0000" TAIL,
		"  0: 0100007:00050 00000000:0000" TAIL,
		"  0: 0100007G:0050 00000000:0000" TAIL,
		"  0: +100007F:0050 00000000:0000" TAIL,
		"  0: 0100007F:050 00000000:0000" TAIL,
		"  0: 0100007F:00500 00000000:0000" TAIL,
		"  0: 0100007F 00000000:0000" TAIL,
		"  0: 0100007F0100007F:0050 00000000:0000" TAIL,
		"  0: 0100007F:0050 00000000:0000 0E 1:2 00:0 3 1000 0 4711\n",
		"  0: 0100007F:0050 00000000:0000 00 1:2 00:0 3 1000 0 4711\n",
		"  0: 0100007F:0050 00000000:0000 0A 1:2 100:0 3 1000 0 4711\n",
	};
	struct sock s;
	size_t i;

	CHECK(proctext_inet_row("   0: 0100007F:0050 00000000:0000" TAIL, PROTO_TCP, &s));
	CHECK_INT(s.family, AF_INET);
	CHECK_INT(s.state, STATE_LISTEN);
	CHECK_INT(s.local.port, 80);
	CHECK_INT(s.send_queue, 1);
	CHECK_INT(s.recv_queue, 2);
	CHECK_INT(s.uid, 1000);
	CHECK_INT(s.inode, 4711);
	CHECK(proctext_inet_row("0: 0000000000000000FFFF00000100007F:0050 "
				"00000000000000000000000000000000:0000" TAIL,
				PROTO_TCP, &s));
	CHECK_INT(s.family, AF_INET6);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (proctext_inet_row(bad[i], PROTO_TCP, &s))
			printf("# %s is a row\n", bad[i]), unit_failures++;
}

/* Counts that are too large for their place stay large. */
static void large_counts(void)
{
	struct sock s;

	CHECK(proctext_inet_row(
		"0: 0100007F:0050 00000000:0000 01 1:2 01:FFFFFFFF 100 0 0 9", PROTO_TCP,
		&s));
	CHECK_INT(s.retrans, UINT8_MAX);
	CHECK_INT(s.expires_ms, UINT32_MAX);
}

#define HEAD "00000000580b771c: 00000002 00000000 00010000 0001 01"

static void unix_rows(void)
{
	struct sock s;

	CHECK(proctext_unix_row(HEAD " 30317 @  ab c\n", &s));
	CHECK_INT(s.state, STATE_LISTEN);
	CHECK_INT(s.inode, 30317);
	CHECK(s.path.len == 7 && memcmp(s.path.data, "@  ab c", 7) == 0);
	CHECK(proctext_unix_row(HEAD " 30317  /a\n", &s));
	CHECK(s.path.len == 3 && memcmp(s.path.data, " /a", 3) == 0);
	CHECK(proctext_unix_row(HEAD "   1061\n", &s));
	CHECK(!s.path.len);
	CHECK(proctext_unix_row(HEAD "   1061 \n", &s));
	CHECK(!s.path.len);
	CHECK(!proctext_unix_row(HEAD "\n", &s));
	CHECK(!proctext_unix_row(HEAD " 12x /a\n", &s));
	CHECK(!proctext_unix_row(
		"Num       RefCount Protocol Flags    Type St Inode Path\n", &s));
}

static void memory(void)
{
#define PROTOCOLS "protocol  size sockets  memory press maxhdr  slab module\n"
	static const char *const broken[] = {
		"",
		PROTOCOLS,
		"TCP",
		"TCP       2304      1",
		"TCP       2304      1     195",
		"TCP       2304      1     195 \n  no\n",
		"TCP       2304      1      -1   NI       0   yes\n",
		"TCP       2304      1     195   NI\n",
		"TCP       2304      1      -1   no\n",
		"TCP       2304      1      x   no\n",
		"TCP       2304      1     195   yesterday\n",
		"TCPv6     2304      1     195   yes\n",
	};
	uint64_t pages = 12345;
	bool pressed = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(broken); i++) {
		_cleanup_free_ char *text = exact(broken[i], strlen(broken[i]));

		CHECK(!proctext_memory(text, "TCP", &pages, &pressed));
		CHECK(pages == 12345 && pressed);
	}
	CHECK(proctext_memory(PROTOCOLS
			      "TCPv6     2432      0     7   no     192   yes\n"
			      "TCP       2304      1     195   no     192   yes\n",
			      "TCP", &pages, &pressed));
	CHECK(pages == 195 && !pressed);
	CHECK(proctext_memory("TCP 2304 1 5 yes", "TCP", &pages, &pressed));
	CHECK(pages == 5 && pressed);
#undef PROTOCOLS
}

static uint64_t stat_sum(const char *text, const char *name)
{
	_cleanup_free_ char *copy = exact(text, strlen(text));
	uint64_t v = 12345;
	bool found = proctext_stat(copy, name, &v);

	CHECK(found || v == 12345);
	return found ? v : 99999;
}

static void stats(void)
{
	static const char two[] =
		"entries  clashres drop early_drop icmp_error  expect_new\n"
		"00000005  00000001 0000000f 00000000 00000000  00000001\n"
		"00000005  00000000 ffffffff 00000002 00000000  00000001\n";

	CHECK_INT(stat_sum(two, "drop"), 0x10000000e);
	CHECK_INT(stat_sum(two, "early_drop"), 2);
	CHECK_INT(stat_sum(two, "expect_new"), 2);
	CHECK_INT(stat_sum(two, "dro"), 99999);
	CHECK_INT(stat_sum(two, "00000005"), 99999);
	CHECK_INT(stat_sum("", "drop"), 99999);
	CHECK_INT(stat_sum("entries drop", "drop"), 99999);
	CHECK_INT(stat_sum("entries drop\n", "drop"), 99999);
	CHECK_INT(stat_sum("entries drop\n1", "drop"), 99999);
	CHECK_INT(stat_sum("entries drop\n1 ", "drop"), 99999);
	CHECK_INT(stat_sum("entries drop\n1 x\n", "drop"), 99999);
	CHECK_INT(stat_sum("entries drop\n1 2\n3\n", "drop"), 99999);
	CHECK_INT(stat_sum("entries drop\n1 00000000000000001\n", "drop"), 99999);
	CHECK_INT(stat_sum("entries drop\n1 ffffffffffffffff\n1 1\n", "drop"), 99999);
	CHECK_INT(stat_sum("entries drop\n1 a", "drop"), 10);
}

static void triples(void)
{
	static const char *const broken[] = { "",      "1",	 "1 2",	  "1 2 ",
					      "1 2 x", "1 2 3x", "1 -2 3" };
	uint64_t v[3] = { 7, 7, 7 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(broken); i++)
		CHECK(!proctext_triple(broken[i], v));
	CHECK(v[0] == 7 && v[1] == 7 && v[2] == 7);
	CHECK(proctext_triple("287898\t383866\t575796\n", v));
	CHECK(v[0] == 287898 && v[1] == 383866 && v[2] == 575796);
}

int main(void)
{
	RUN(pairs, "netstat and snmp: a value is found under its name");
	RUN(broken_pairs, "a table that ends too early has no value, of another neither");
	RUN(lines, "snmp6: the value stands on the line of its name");
	RUN(keyed, "sockstat: a key is found on its line, a value is no key");
	RUN(ranges, "a range of ports is two numbers in order, or none");
	RUN(reserved_ports, "reserved ports: ranges overlap and wrap nowhere");
	RUN(limits, "the limit of descriptors");
	RUN(memory, "net/protocols: the memory of a protocol, and the pressure on it");
	RUN(stats, "a column of hexadecimal numbers, whole or not at all");
	RUN(triples, "three numbers, or none");
	RUN(rings, "fdinfo: what a ring of io_uring has, files in flight");
	RUN(starts, "when a process started, and how many numbers it has");
	RUN(mounts, "mountinfo: optional fields and escapes");
	RUN(hidepids, "mountinfo: what hides processes");
	RUN(sockets, "what a descriptor's link leads to");
	RUN(inet_rows, "rows of net/tcp: what is not whole is none");
	RUN(large_counts, "counts that do not fit do not wrap");
	RUN(unix_rows, "rows of net/unix: names with blanks");
	return unit_done();
}
