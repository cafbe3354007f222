/*
 * /proc/net/{tcp,tcp6,udp,udp6,unix}: the fallback for kernels and sandboxes without
 * sock_diag. It has no backlog limits, cookies, TCP_INFO, memory, cgroups or bound-only
 * sockets, and says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/proc/procfile.h"
#include "kernel/read/collect_private.h"
#include "model/proctext.h"

#define LACKS                                                                      \
	"read from /proc/net, which has no backlog limits, cookies, TCP details, " \
	"queues of unix sockets or bound-only sockets"

static int take_line(struct collector *c, const char *line, uint8_t proto)
{
	_cleanup_free_ char *name = NULL;
	struct sock s;
	bool ok = proto == PROTO_UNIX_STREAM ? proctext_unix_row(line, &s)
					     : proctext_inet_row(line, proto, &s);

	if (!ok)
		return 0;
	if (c->forged && proto == PROTO_UNIX_STREAM)
		s.has |= SOCK_MAY_BE_FORGED;
	/* An abstract name's NULs are shown as '@'; a path hardly starts with it. */
	if (s.path.len && *(const char *)s.path.data == '@') {
		name = xstrndup(s.path.data, s.path.len);
		name[0] = '\0';
		s.path.data = name;
	}
	return collect_row(c, &s);
}

int collect_procnet_file(struct collector *c, FILE *file, uint8_t proto)
{
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	int r = 0;

	if (getline(&line, &cap, file) < 0) /* the heading */
		return 0;
	while (r == 0 && getline(&line, &cap, file) > 0)
		r = take_line(c, line, proto);
	return r;
}

static int read_file(struct collector *c, const char *path, uint8_t proto,
		     struct fault *f)
{
	FILE *file = fopen(path, "re");
	int r;

	if (!file)
		return errno == ENOENT ? 0 : fault(f, errno, "open %s", path);
	r = collect_procnet_file(c, file, proto);
	fclose(file);
	return r;
}

/* The sockets that the kernel counts in this namespace. False if it does not. */
static bool count_unix(uint64_t *n)
{
	_cleanup_free_ char *text = procfile_read("/proc/thread-self/net/protocols");

	return text && proctext_unix_sockets(text, n);
}

/* A whole table at one time, and how many of its lines are rows. -errno if it cannot be
 * read. */
static int read_table(const char *path, struct buf *table, uint64_t *rows)
{
	_cleanup_free_ char *line = NULL;
	FILE *file = fopen(path, "re");
	size_t cap = 0;
	ssize_t n;
	struct sock s;

	*rows = 0;
	buf_reset(table);
	if (!file)
		return -errno;
	while ((n = getline(&line, &cap, file)) > 0) {
		*rows += proctext_unix_row(line, &s);
		buf_put(table, line, (size_t)n);
	}
	fclose(file);
	return 0;
}

/*
 * A name may hold a newline, and behind it what looks like a row: then there are more
 * than the kernel counts. The count is taken before and after, and twice all told, for
 * sockets come and go meanwhile.
 */
static int read_unix(struct collector *c, const char *path, struct fault *f)
{
	_cleanup_buf_ struct buf table = { 0 };
	uint64_t rows, before, after;
	unsigned turn;
	FILE *file;
	int r;

	c->forged = true;
	for (turn = 0; turn < 2 && c->forged; turn++) {
		bool counted = count_unix(&before);

		r = read_table(path, &table, &rows);
		if (r < 0)
			return r == -ENOENT ? 0 : fault(f, -r, "open %s", path);
		counted = counted && count_unix(&after);
		c->forged = !counted || rows > MAX(before, after);
	}
	if (!table.len)
		return 0;
	if (c->forged) {
		c->complete = false;
		if (c->sink->note)
			c->sink->note(
				c->sink->ctx, "unix-rows-forged",
				"names of unix sockets may hold newlines and forge "
				"rows: /proc/net/unix has more rows than the kernel "
				"counts, or it does not count them");
	}
	file = fmemopen(table.data, table.len, "r");
	if (!file)
		return fault(f, errno, "read %s", path);
	r = collect_procnet_file(c, file, PROTO_UNIX_STREAM);
	fclose(file);
	return r;
}

int collect_procnet(struct collector *c, uint32_t protos, struct fault *f)
{
	static const struct {
		const char *path;
		uint8_t proto;
	} files[] = {
		{ "/proc/thread-self/net/tcp", PROTO_TCP },
		{ "/proc/thread-self/net/tcp6", PROTO_TCP },
		{ "/proc/thread-self/net/udp", PROTO_UDP },
		{ "/proc/thread-self/net/udp6", PROTO_UDP },
		{ "/proc/thread-self/net/unix", PROTO_UNIX_STREAM },
	};
	uint32_t unixes = BIT(PROTO_UNIX_STREAM) | BIT(PROTO_UNIX_DGRAM) |
			  BIT(PROTO_UNIX_SEQPACKET);
	size_t i;
	int r = 0;

	if (c->sink->note)
		c->sink->note(c->sink->ctx, "no-sock-diag",
			      c->r->no_diag == EPERM || c->r->no_diag == EACCES
				      ? "sock_diag is refused here, by a sandbox: " LACKS
				      : "this kernel has no sock_diag: " LACKS);
	if (collect_asks_for_bound(c))
		collect_lacks_bound(c, 0);
	for (i = 0; i < ARRAY_SIZE(files) && r == 0; i++) {
		uint32_t wanted = files[i].proto == PROTO_UNIX_STREAM
					  ? unixes
					  : BIT(files[i].proto);

		if (protos & wanted)
			r = files[i].proto == PROTO_UNIX_STREAM
				    ? read_unix(c, files[i].path, f)
				    : read_file(c, files[i].path, files[i].proto, f);
	}
	return r;
}
