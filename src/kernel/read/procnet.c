/*
 * /proc/net/{tcp,tcp6,udp,udp6,unix}: the fallback for kernels and sandboxes without
 * sock_diag. It has no backlog limits, cookies, TCP_INFO, memory, cgroups or bound-only
 * sockets, and says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/read/collect_private.h"
#include "model/proctext.h"

static int take_line(struct collector *c, const char *line, uint8_t proto)
{
	_cleanup_free_ char *name = NULL;
	struct sock s;
	bool ok = proto == PROTO_UNIX_STREAM ? proctext_unix_row(line, &s)
					     : proctext_inet_row(line, proto, &s);

	if (!ok)
		return 0;
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
		c->sink->note(
			c->sink->ctx, "no-sock-diag",
			"this kernel has no sock_diag: read from /proc/net, which has no backlog "
			"limits, cookies, TCP details or bound-only sockets");
	for (i = 0; i < ARRAY_SIZE(files) && r == 0; i++) {
		uint32_t wanted = files[i].proto == PROTO_UNIX_STREAM
					  ? unixes
					  : BIT(files[i].proto);

		if (protos & wanted)
			r = read_file(c, files[i].path, files[i].proto, f);
	}
	return r;
}
