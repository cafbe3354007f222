/* The address grammar: what each text becomes, field by field, or what it is refused with
 * and where. Addresses are printed by the C library, not by what is tested. */
#include "model/target/target.h"

#include <arpa/inet.h>
#include <errno.h>

#include "unit/unit.h"

enum {
	LIST = TARGET_PORT_LIST,
	ALONE = TARGET_PORT_OPTIONAL,
	PEER = TARGET_PORT_OF_PEER,
};

struct row {
	const char *text, *want;
	unsigned flags;
	enum target_proto proto; /* when the text names none */
	uint8_t family;
};

/* What a text becomes, alone and with a member of struct row. */
#define TO(text_, want_)                     \
	{                                    \
		.text = text_, .want = want_ \
	}
#define TO_BY(member, text_, want_)                  \
	{                                            \
		.text = text_, .want = want_, member \
	}

static const char *family_name(uint8_t family)
{
	switch (family) {
	case AF_UNSPEC:
		return "any";
	case AF_INET:
		return "4";
	case AF_INET6:
		return "6";
	case AF_UNIX:
		return "unix";
	case AF_VSOCK:
		return "vsock";
	}
	return "?";
}

static const char *proto_name(enum target_proto proto)
{
	static const char *const names[] = {
		[TARGET_TCP] = "tcp",
		[TARGET_MPTCP] = "mptcp",
		[TARGET_UDP] = "udp",
		[TARGET_UNIX] = "unix",
		[TARGET_UNIX_DGRAM] = "unix-dgram",
		[TARGET_UNIX_SEQPACKET] = "unix-seqpacket",
		[TARGET_VSOCK] = "vsock",
		[TARGET_RAW] = "raw",
		[TARGET_FD] = "fd",
	};

	return proto < ARRAY_SIZE(names) ? names[proto] : "?";
}

static void put_host(struct buf *b, const struct target *t)
{
	static const char *const kinds[] = {
		[TARGET_HOST_NONE] = "none", [TARGET_HOST_ANY] = "*",
		[TARGET_HOST_IP] = "ip",     [TARGET_HOST_NAME] = "name",
		[TARGET_HOST_PATH] = "path", [TARGET_HOST_ABSTRACT] = "abstract",
	};
	char text[INET6_ADDRSTRLEN];

	buf_printf(b, " %s", kinds[t->host]);
	if (t->host == TARGET_HOST_IP) {
		CHECK_INT(t->ip.family, t->family);
		CHECK_INT(t->ip.port, 0);
		buf_printf(b, " %s",
			   inet_ntop(t->ip.family, t->ip.ip, text, sizeof(text)));
		if (t->ip.scope)
			buf_printf(b, "%%%u", t->ip.scope);
	}
	if (t->ifindex)
		buf_printf(b, " through %u", t->ifindex);
	if (t->name)
		buf_printf(b, " '%s'", t->name);
}

/* "PROTO FAMILY HOST [PORTS] [cid:port] [#number]" */
static void put_fields(struct buf *b, const struct target *t)
{
	size_t i;

	buf_printf(b, "%s %s", proto_name(t->proto), family_name(t->family));
	put_host(b, t);
	for (i = 0; i < t->ports.n; i++)
		buf_printf(b, t->ports.v[i].lo == t->ports.v[i].hi ? "%c%u" : "%c%u-%u",
			   i ? ',' : ' ', t->ports.v[i].lo, t->ports.v[i].hi);
	CHECK_INT(t->port, t->ports.n ? t->ports.v[0].lo : 0);
	if (t->proto == TARGET_VSOCK)
		buf_printf(b, " %u:%u", t->cid, t->vport);
	if (t->proto == TARGET_FD || t->proto == TARGET_RAW)
		buf_printf(b, " #%d", t->number);
}

static void becomes(const struct row *row)
{
	const struct target_how how = { row->proto, row->family, row->flags };
	_cleanup_buf_ struct buf b = { 0 };
	_cleanup_target_ struct target t;
	struct fault f = FAULT_INIT;
	int r = target_parse(row->text, &how, &t, &f);

	if (r < 0)
		buf_printf(&b, "refused: %s", f.what);
	else
		put_fields(&b, &t);
	if (strcmp(buf_cstr(&b), row->want) != 0) {
		printf("# '%s' is \"%s\", not \"%s\"\n", row->text, buf_cstr(&b),
		       row->want);
		unit_failures++;
	}
}

#define ALL_OF(rows)                                      \
	do {                                              \
		size_t i_;                                \
		for (i_ = 0; i_ < ARRAY_SIZE(rows); i_++) \
			becomes(&rows[i_]);               \
	} while (0)

static void hosts(void)
{
	static const struct row rows[] = {
		TO("TCP:80", "tcp any name 'TCP' 80"),
		TO("UNIX:80", "tcp any name 'UNIX' 80"),
		TO("198.51.100.7:4242", "tcp 4 ip 198.51.100.7 4242"),
		TO("0.0.0.0:0", "tcp 4 ip 0.0.0.0 0"),
		TO("[2001:db8::17]:53", "tcp 6 ip 2001:db8::17 53"),
		TO("[::]:9", "tcp 6 ip :: 9"),
		TO("[::ffff:192.0.2.1]:25", "tcp 6 ip ::ffff:192.0.2.1 25"),
		TO("[fe80::2%lo]:81", "tcp 6 ip fe80::2%1 81"),
		TO("[fe80::2%4711]:81", "tcp 6 ip fe80::2%4711 81"),
		TO("[fe80::2]%4711:81", "tcp 6 ip fe80::2%4711 81"),
		TO("[::1]%lo:81", "tcp 6 ip ::1 through 1 81"),
		TO("[::1%lo]:81", "tcp 6 ip ::1 through 1 81"),
		TO("10.2.0.1%4711:81", "tcp 4 ip 10.2.0.1 through 4711 81"),
		TO("udp:*%lo:81", "udp any * through 1 81"),
		TO("mail.example:25", "tcp any name 'mail.example' 25"),
		TO("host-7_a:1", "tcp any name 'host-7_a' 1"),
		TO("\303\274ber.example:80", "tcp any name '\303\274ber.example' 80"),
		TO("1password.example:443", "tcp any name '1password.example' 443"),
		TO("*:8081", "tcp any * 8081"),
		TO(":8082", "tcp any none 8082"),
		TO_BY(.flags = ALONE, "abc::1", "tcp 6 ip abc::1"),
		TO_BY(.flags = ALONE, "::1", "tcp 6 ip ::1"),
		TO_BY(.flags = ALONE, "[::1]", "tcp 6 ip ::1"),
		TO_BY(.flags = ALONE, "203.0.113.200", "tcp 4 ip 203.0.113.200"),
		TO_BY(.flags = ALONE, "db", "tcp any name 'db'"),
		TO_BY(.flags = ALONE, "*", "tcp any *"),
		TO_BY(.flags = ALONE, "db:3306", "tcp any name 'db' 3306"),
	};

	ALL_OF(rows);
}

static void ports(void)
{
	static const struct row rows[] = {
		TO("h:65535", "tcp any name 'h' 65535"),
		TO_BY(.flags = LIST, "h:1-3", "tcp any name 'h' 1-3"),
		TO_BY(.flags = LIST, "h:9,7,8-8", "tcp any name 'h' 9,7,8"),
		TO_BY(.flags = LIST, "h:0,20-22", "tcp any name 'h' 0,20-22"),
		TO_BY(.flags = LIST, "[::1]:1,2", "tcp 6 ip ::1 1,2"),
		TO("h:http", "tcp any name 'h' 80"),
		TO_BY(.flags = LIST, "h:https,domain", "tcp any name 'h' 443,53"),
		TO_BY(.flags = PEER, "h:22", "tcp any name 'h' 22"),
	};

	ALL_OF(rows);
}

static void protocols(void)
{
	static const struct row rows[] = {
		TO("tcp:h:1", "tcp any name 'h' 1"),
		TO("tcp4:h:1", "tcp 4 name 'h' 1"),
		TO("tcp6:h:1", "tcp 6 name 'h' 1"),
		TO("mptcp:[::1]:1", "mptcp 6 ip ::1 1"),
		TO("udp:192.0.2.3:53", "udp 4 ip 192.0.2.3 53"),
		TO("udp4::53", "udp 4 none 53"),
		TO("udp6:*:53", "udp 6 * 53"),
		TO("tcp://192.0.2.3:80", "tcp 4 ip 192.0.2.3 80"),
		TO_BY(.proto = TARGET_UDP, "h:1", "udp any name 'h' 1"),
		TO_BY(.proto = TARGET_UDP, "tcp:h:1", "tcp any name 'h' 1"),
		TO_BY(.family = AF_INET6, "h:1", "tcp 6 name 'h' 1"),
		TO_BY(.family = AF_INET, "udp4:h:1", "udp 4 name 'h' 1"),
		TO("fd:", "fd any none #-1"),
		TO("fd:12", "fd any none #12"),
		TO("raw:253:192.0.2.9", "raw 4 ip 192.0.2.9 #253"),
		TO("raw:icmp:h", "raw any name 'h' #1"),
		TO("raw:58:[fe80::9]", "raw 6 ip fe80::9 #58"),
		TO("raw:58:::1", "raw 6 ip ::1 #58"),
		TO("raw:6:*", "raw any * #6"),
		TO("vsock:3:9000", "vsock vsock none 3:9000"),
		TO("vsock:any:0", "vsock vsock none 4294967295:0"),
		TO("vsock::7", "vsock vsock none 4294967295:7"),
		TO("vsock:local:1", "vsock vsock none 1:1"),
		TO("vsock:host:4294967295", "vsock vsock none 2:4294967295"),
		TO("vsock:hypervisor:2", "vsock vsock none 0:2"),
	};

	ALL_OF(rows);
}

static void paths(void)
{
	static const struct row rows[] = {
		TO("/run/x.sock", "unix unix path '/run/x.sock'"),
		TO("./x", "unix unix path './x'"),
		TO("../x:80", "unix unix path '../x:80'"),
		TO("@name", "unix unix abstract 'name'"),
		TO("@", "unix unix abstract ''"),
		TO("unix:x", "unix unix path 'x'"),
		TO("unix:@x y", "unix unix abstract 'x y'"),
		TO("unix:tcp:x", "unix unix path 'tcp:x'"),
		TO("unix:///run/y", "unix unix path '/run/y'"),
		TO("unix-dgram:/dev/log", "unix-dgram unix path '/dev/log'"),
		TO("unix-seqpacket:@q", "unix-seqpacket unix abstract 'q'"),
		TO_BY(.proto = TARGET_UDP, "/dev/log", "unix-dgram unix path '/dev/log'"),
		TO_BY(.proto = TARGET_UNIX, "x", "unix unix path 'x'"),
	};

	ALL_OF(rows);
}

/* The mark is the byte that the caret stands below; a number too large is marked where it
 * ends. */
static void refusals(void)
{
	static const struct {
		const char *text;
		int mark, err;
		const char *what, *hint; /* parts of them */
		struct target_how how;
	} rows[] = {
		{ "", 0, EINVAL, "it is empty", "", { 0 } },
		{ "h",
		  1,
		  EINVAL,
		  "a port is missing",
		  "write 'h:PORT', or './h'",
		  { 0 } },
		{ "8080", 4, EINVAL, "is it a port?", "write ':8080'", { 0 } },
		{ "h:",
		  2,
		  EINVAL,
		  "a port is missing",
		  "write 'h:80', or '...:0'",
		  { 0 } },
		{ "h:",
		  2,
		  EINVAL,
		  "a port is missing",
		  "write 'h:80'",
		  { .flags = PEER } },
		{ "h:65536", 2, ERANGE, "65536", "", { 0 } },
		{ "h:-1", 2, EINVAL, "-1", "", { 0 } },
		{ "h:no-such-service", 2, EINVAL, "no-such-service", "", { 0 } },
		{ "h:80,81", 2, EINVAL, "one port", "give the one", { 0 } },
		{ "h:80-81", 2, EINVAL, "one port", "give the one", { 0 } },
		{ "h:7-3",
		  2,
		  EINVAL,
		  "'7-3' ends before it starts",
		  "",
		  { .flags = LIST } },
		{ "h:1,2-,3", 6, EINVAL, "", "", { .flags = LIST } },
		{ "h:1,0", 2, EINVAL, "port 0", "1 to 65535", { .flags = LIST | PEER } },
		{ "h 80", 1, EINVAL, "a blank", "write 'h:80'", { 0 } },
		{ "a/b:80", 1, EINVAL, "a host name has no such character", "", { 0 } },
		{ "u@h:80", 1, EINVAL, "a host name has no such character", "", { 0 } },
		{ "300.1.1.1:80",
		  0,
		  EINVAL,
		  "neither an IPv4 address nor a name",
		  "",
		  { 0 } },
		{ "1.2.3:80",
		  0,
		  EINVAL,
		  "neither an IPv4 address nor a name",
		  "",
		  { 0 } },
		{ "::1:80",
		  0,
		  EINVAL,
		  "brackets before its port",
		  "write '[::1]:80'",
		  { 0 } },
		{ "udp:2001:db8::1",
		  4,
		  EINVAL,
		  "brackets",
		  "write 'udp:[2001:db8::1]:PORT'",
		  { 0 } },
		{ "a:b:c", 0, EINVAL, "brackets", "looks like [::1]:80", { 0 } },
		{ "TCP:h:80", 0, EINVAL, "socat", "write 'h:80'", { 0 } },
		{ "TCP-LISTEN:80,fork",
		  0,
		  EINVAL,
		  "socat",
		  "write 'sockctl listen :80'; '-O help'",
		  { 0 } },
		{ "UNIX:x\033,y",
		  0,
		  EINVAL,
		  "UNIX:x\\x1b",
		  "write 'unix:x\\x1b'",
		  { 0 } },
		{ "EXEC:ls", 0, EINVAL, "socat", "--exec CMD", { 0 } },
		{ "STDIO", 0, EINVAL, "socat", "other end", { 0 } },
		{ "[::1", 0, EINVAL, "the bracket is not closed", "[::1]:80", { 0 } },
		{ "[::1]", 5, EINVAL, "a port is missing", "write '[::1]:PORT'", { 0 } },
		{ "[::1]80",
		  5,
		  EINVAL,
		  "a port is missing",
		  "write '[::1]:PORT'",
		  { 0 } },
		{ "[h]:80",
		  1,
		  EINVAL,
		  "no IPv6 address stands in the brackets",
		  "",
		  { 0 } },
		{ "[fe80::1%nosuchif]:80",
		  9,
		  ENODEV,
		  "no such interface",
		  "ip link",
		  { 0 } },
		{ "tcp4:[::1]:80",
		  6,
		  EINVAL,
		  "IPv4 was asked for, this is IPv6",
		  "",
		  { 0 } },
		{ "127.0.0.1:80",
		  0,
		  EINVAL,
		  "IPv6 was asked for, this is IPv4",
		  "",
		  { .family = AF_INET6 } },
		{ "tcp6:h:80",
		  0,
		  EINVAL,
		  "-4 says IPv4 only",
		  "",
		  { .family = AF_INET } },
		{ "udp4:h:80",
		  0,
		  EINVAL,
		  "-6 says IPv6 only",
		  "",
		  { .family = AF_INET6 } },
		{ "http://h/x",
		  0,
		  EINVAL,
		  "no protocol has this name",
		  "write 'h:PORT'",
		  { 0 } },
		{ "http://h:8080/x",
		  0,
		  EINVAL,
		  "no protocol has this name",
		  "write 'h:8080'",
		  { 0 } },
		{ "sctp:h:80",
		  0,
		  EINVAL,
		  "no protocol has this name",
		  "tcp, udp, unix",
		  { 0 } },
		{ "unix:", 5, EINVAL, "a path is missing", "", { 0 } },
		{ "vsock:3", 7, EINVAL, "a CID and a port", "vsock:2:1234", { 0 } },
		{ "vsock:x:3", 6, EINVAL, "x", "", { 0 } },
		{ "vsock:1:4294967296", 18, ERANGE, "4294967296", "", { 0 } },
		{ "raw:icmp", 8, EINVAL, "a protocol and a host", "raw:253:host", { 0 } },
		{ "raw::h", 4, EINVAL, "a protocol and a host", "raw:253:host", { 0 } },
		{ "raw:256:h", 7, ERANGE, "256", "", { 0 } },
		{ "raw:nosuchproto:h", 4, EINVAL, "/etc/protocols", "", { 0 } },
		{ "raw:1:[x]",
		  7,
		  EINVAL,
		  "no IPv6 address stands in the brackets",
		  "",
		  { 0 } },
		{ "fd:x", 3, EINVAL, "x", "", { 0 } },
		{ "fd:2147483648", 13, ERANGE, "2147483648", "", { 0 } },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fault f = FAULT_INIT;
		struct target t;
		int r = target_parse(rows[i].text, &rows[i].how, &t, &f);

		if (r != -rows[i].err || f.mark != rows[i].mark ||
		    !strstr(f.what, rows[i].what) || !strstr(f.hint, rows[i].hint) ||
		    (!*rows[i].hint && *f.hint)) {
			printf("# '%s': %d, mark %d, '%s', hint '%s'\n", rows[i].text, r,
			       f.mark, f.what, f.hint);
			unit_failures++;
		}
		CHECK_STR(f.text, rows[i].text);
		/* It holds nothing. */
		CHECK(!t.name && !t.ports.v);
	}
}

/* A unix socket takes 107 bytes, and leaves one for the byte that ends them. */
static void long_paths(void)
{
	char text[120];
	struct fault f = FAULT_INIT;
	struct target t;

	memset(text, 'p', sizeof(text));
	text[0] = '/';
	text[107] = '\0';
	CHECK_INT(target_parse(text, NULL, &t, &f), 0);
	CHECK_INT(strlen(t.name), 107);
	target_free(&t);
	text[107] = 'p';
	text[108] = '\0';
	CHECK_INT(target_parse(text, NULL, &t, &f), -ENAMETOOLONG);
	CHECK(f.mark > 0 && f.mark < (int)strlen(f.text));
	CHECK(strstr(f.what, "is 108 bytes long; a unix socket takes 107"));
	text[0] = '@';
	CHECK_INT(target_parse(text, NULL, &t, &f), -ENAMETOOLONG);
	CHECK(strstr(f.what, "is 107 bytes long; a unix socket takes 106"));
	/* What refuses does so without a place for the words, too. */
	CHECK_INT(target_parse("h:80-", NULL, &t, NULL), -EINVAL);
	CHECK_INT(target_parse("[x]:80", NULL, &t, NULL), -EINVAL);
}

static void written_back(void)
{
	static const char *const rows[][2] = {
		{ "127.0.0.1:80", "127.0.0.1:80" },
		{ "tcp:h:1,5-9", "h:1,5-9" },
		{ "tcp4:h:1", "h:1" },
		{ "udp:[2001:DB8::1]:53", "udp:[2001:db8::1]:53" },
		{ "mptcp:*:9", "mptcp:*:9" },
		{ ":9", ":9" },
		{ "/run/x", "unix:/run/x" },
		{ "unix-dgram://run/x", "unix-dgram:run/x" },
		{ "@a\tb", "unix:@a\\tb" },
		{ "vsock::7", "vsock:any:7" },
		{ "vsock:host:7", "vsock:2:7" },
		{ "raw:icmp:10.0.0.1", "raw:1:10.0.0.1" },
		{ "fd:4", "fd:4" },
		{ "fd:", "fd:" },
	};
	const struct target_how how = { .flags = LIST };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf b = { 0 };
		_cleanup_target_ struct target t;

		CHECK_INT(target_parse(rows[i][0], &how, &t, NULL), 0);
		target_put(&b, &t);
		CHECK_STR(buf_cstr(&b), rows[i][1]);
	}
}

static void two_words(void)
{
	static const char *const rows[][3] = {
		{ "db", "5432", "write 'db:5432'" },
		{ "::1", "80", "write '[::1]:80'" },
		{ "[::1]", "80", "write '[::1]:80'" },
		{ "udp:ns", "53", "write 'udp:ns:53'" },
		{ "db:1", "2", "'db:1' alone is one" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fault f = FAULT_INIT;

		CHECK_INT(target_two_words(rows[i][0], rows[i][1], &f), -EINVAL);
		CHECK(strstr(f.what, "are two words"));
		CHECK_STR(f.hint, rows[i][2]);
	}
}

static void ports_one_by_one(void)
{
	static const uint16_t want[] = { 7, 3, 4, 5, 65535 };
	const struct target_how how = { .flags = LIST };
	_cleanup_target_ struct target t;
	size_t index = 0, n = 0;
	uint16_t port;

	CHECK_INT(target_parse("h:7,3-5,65535", &how, &t, NULL), 0);
	while (target_next_port(&t, &index, &port)) {
		if (n < ARRAY_SIZE(want))
			CHECK_INT(port, want[n]);
		n++;
	}
	CHECK_INT(n, ARRAY_SIZE(want));
}

static void connections(void)
{
	CHECK(target_is_connected(TARGET_TCP) &&
	      target_is_connected(TARGET_UNIX_SEQPACKET));
	CHECK(target_is_connected(TARGET_VSOCK) && !target_is_connected(TARGET_UDP));
	CHECK(!target_is_connected(TARGET_UNIX_DGRAM) &&
	      !target_is_connected(TARGET_RAW));
}

int main(void)
{
	RUN(hosts, "hosts: addresses, names, every one and none");
	RUN(ports, "ports: numbers, names, lists and ranges");
	RUN(protocols, "protocols before the colon, and what is taken without one");
	RUN(paths, "paths and names of unix sockets");
	RUN(refusals, "what is no address is refused with the place and a way out");
	RUN(long_paths, "a path that is too long");
	RUN(written_back, "an address is written as it is read");
	RUN(two_words, "a host and a port as two words");
	RUN(ports_one_by_one, "the ports of a list, one after the other");
	RUN(connections, "which protocols have connections");
	return unit_done();
}
