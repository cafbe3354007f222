/* What the files of a process say of it, and what they do not. */
#include "model/processtext.h"

#include "base/mem.h"
#include "unit/unit.h"

/* A copy of exactly this size, so that a sanitizer sees a byte too far. */
static char *exact(const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

#define STAT(name, state, parent)         \
	"77 (" name ") " state " " parent \
	" 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 12 0 99 1\n"

static void tasks(void)
{
	static const struct {
		const char *text;
		bool is;
		char state;
		int32_t parent;
	} rows[] = {
		{ STAT("nginx", "S", "1"), true, 'S', 1 },
		{ STAT("a) T 5 (b", "t", "4194304"), true, 't', 4194304 },
		{ STAT("x", "S", "2147483648"), false, 0, 0 },
		{ STAT("x", "S", "-1"), false, 0, 0 },
		{ STAT("x", "SS", "1"), false, 0, 0 },
		{ "77 (x) S 1 2 3\n", false, 0, 0 },
		{ "77 (x) ", false, 0, 0 },
		{ "", false, 0, 0 },
	};
	const char *whole = rows[0].text;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t threads = 0;
		int32_t parent = 0;
		char state = 0;

		CHECK_INT(processtext_task(rows[i].text, &state, &parent, &threads),
			  rows[i].is);
		if (!rows[i].is)
			continue;
		CHECK_INT(state, rows[i].state);
		CHECK_INT(parent, rows[i].parent);
		CHECK_INT(threads, 12);
	}
	for (i = 0; i < strlen(whole); i++) {
		_cleanup_free_ char *part = exact(whole, i);
		uint64_t threads;
		int32_t parent;
		char state;

		processtext_task(part, &state, &parent, &threads);
	}
}

#define HIGH " 0x7fff69156668 0x7fc881e5a2d5\n"

static void calls(void)
{
	static const char *const none[] = {
		"running\n",
		"-1 0x7fff69156668 0x7fc881e5a2d5\n",
		"",
		"232",
		"232 0x1 0x2 0x3 0x4 0x5" HIGH,
		"232 0x1 0x2 0x3 0x4 0x5 6" HIGH,
		"232 0x1 0x2 0x3 0x4 0x5 0x" HIGH,
		"232 0x1 0x2 0x3 0x4 0x5 0x12345678901234567" HIGH,
		"23x 0x1 0x2 0x3 0x4 0x5 0x6" HIGH,
	};
	struct process_call c;
	size_t i;

	CHECK(processtext_call(
		"232 0x7 0x556b73668eb0 0x200 0xffffffff 0x23a50e4 0x0" HIGH, &c));
	CHECK_INT(c.number, 232);
	CHECK_INT(c.args[0], 7);
	CHECK_INT(c.args[3], 0xffffffff);
	CHECK(!c.narrow);
	CHECK(processtext_call("142 0x5 0x0 0x0 0x0 0x0 0x0 0xffb2c0e0 0xf7fc4559\n",
			       &c));
	CHECK(c.narrow);
	for (i = 0; i < ARRAY_SIZE(none); i++)
		CHECK(!processtext_call(none[i], &c));
}

static void watched(void)
{
	static const struct {
		const char *line;
		uint64_t inode, device; /* 0 = none */
	} rows[] = {
		{ "tfd:        4 events: 10000019 data:     556b7367bd40  pos:0 ino:1be9727 sdev:9\n",
		  0x1be9727, 9 },
		{ "tfd:        4 events:       19 data: ffffffffffffffff  pos:0 ino:40e sdev:800001",
		  0x40e, 0x800001 },
		{ "tfd:        4 events:       19 data:                1\n", 0, 0 },
		{ "tfd:        4 events:\n ino:7 sdev:9\n", 0, 0 },
		{ "pos:\t0\n", 0, 0 },
		{ "tfd: 4 ino: sdev:9\n", 0, 0 },
		{ "tfd: 4 ino:7 sdev:\n", 0, 0 },
		{ "tfd: 4 ino:7", 0, 0 },
		{ "", 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t inode = 0, device = 0;

		CHECK_INT(processtext_watched(rows[i].line, &inode, &device),
			  rows[i].device != 0);
		if (!rows[i].device)
			continue;
		CHECK_INT(inode, rows[i].inode);
		CHECK_INT(device, rows[i].device);
	}
}

#define ARGS(text) text, sizeof(text)
#define CUT(text)  text, sizeof(text) - 1

static void proxies(void)
{
	static const struct {
		const char *args;
		size_t len;
		const char *to; /* NULL = none */
		uint16_t published;
	} rows[] = {
		{ ARGS("/usr/bin/docker-proxy\0-proto\0tcp\0-host-ip\0000.0.0.0\0-host-port\0"
		       "8080\0-container-ip\000172.17.0.2\0-container-port\00080\0"
		       "-use-listen-fd"),
		  "172.17.0.2:80", 8080 },
		{ ARGS("docker-proxy\0--container-ip=fd00::2\0--container-port=443"),
		  "[fd00::2]:443", 0 },
		{ ARGS("docker-proxy\0-container-ip\000172.17.0.2"), NULL, 0 },
		{ ARGS("docker-proxy\0-container-ip\000name\0-container-port\00080"),
		  NULL, 0 },
		{ ARGS("docker-proxy\0-container-ip\000172.17.0.2\0-container-port\00065536"),
		  NULL, 0 },
		{ ARGS("docker-proxy\0-container-ip\000172.17.0.2\0-container-port"),
		  NULL, 0 },
		{ ARGS("docker-proxy"), NULL, 0 },
		/* Cut off in the middle of the last. */
		{ CUT("p\0-container-port\00080\0-container-ip\000172.17.0.25"), NULL,
		  0 },
		{ "", 0, NULL, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *args = exact(rows[i].args, rows[i].len);
		_cleanup_buf_ struct buf text = { 0 };
		uint16_t published = 1;
		struct addr to;

		CHECK_INT(processtext_proxy(args, rows[i].len, &to, &published),
			  rows[i].to != NULL);
		if (!rows[i].to)
			continue;
		addr_put(&text, &to);
		CHECK_STR(buf_cstr(&text), rows[i].to);
		CHECK_INT(published, rows[i].published);
	}
}

int main(void)
{
	RUN(tasks, "stat: state, parent and threads, whatever the name is");
	RUN(calls, "the system call of a task that sleeps");
	RUN(watched, "what an epoll instance watches");
	RUN(proxies, "the container behind a docker-proxy");
	return unit_done();
}
