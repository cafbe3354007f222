/*
 * /proc/net/{tcp,tcp6,udp,udp6,unix}: the fallback for kernels and sandboxes without
 * sock_diag. It has no backlog limits, cookies, TCP_INFO, memory, cgroups or bound-only
 * sockets, and says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/collect_private.h"

/* IPv4 is one, IPv6 four 32-bit words, each in host byte order. */
static bool parse_addr(const char *text, struct addr *a)
{
	size_t len = strcspn(text, ":"), words = len / 8, i;
	unsigned port;

	if ((words != 1 && words != 4) || len % 8 ||
	    sscanf(text + len, ":%4X", &port) != 1)
		return false;
	*a = (struct addr){ .family = words == 1 ? AF_INET : AF_INET6,
			    .port = (uint16_t)port };
	for (i = 0; i < words; i++) {
		unsigned word;

		if (sscanf(text + 8 * i, "%8X", &word) != 1)
			return false;
		memcpy(a->ip + 4 * i, &word, 4);
	}
	return true;
}

/*   sl  local rem st tx:rx tr:when retrnsmt uid timeout inode ... */
static bool parse_inet(const char *line, uint8_t proto, struct sock *s)
{
	unsigned state, tx, rx, timer, when, retrans, uid, inode;
	char local[64], peer[64];

	if (sscanf(line, " %*[^:]: %63s %63s %X %X:%X %X:%X %X %u %*u %u", local, peer,
		   &state, &tx, &rx, &timer, &when, &retrans, &uid, &inode) != 10)
		return false;
	*s = (struct sock){
		.proto = proto,
		.state = (uint8_t)(state == STATE_NEW_SYN_RECV ? STATE_SYN_RECV : state),
		.recv_queue = rx,
		.send_queue = tx,
		.timer = (uint8_t)timer,
		.expires_ms = when * 10, /* clock ticks of 1/100 s */
		.retrans = (uint8_t)retrans,
		.uid = uid,
		.inode = inode,
		.has = SOCK_HAS_TIMER
	};
	if (state >= STATE_COUNT || !parse_addr(local, &s->local) ||
	    !parse_addr(peer, &s->peer))
		return false;
	s->family = s->local.family;
	if (s->state != STATE_TIME_WAIT && !(s->state == STATE_SYN_RECV && !inode))
		s->has |= SOCK_HAS_UID | SOCK_HAS_QUEUES | SOCK_IS_FULL;
	return true;
}

/* Num: RefCount Protocol Flags Type St Inode Path */
static bool parse_unix(const char *line, struct sock *s)
{
	enum { ACCEPTS = 0x10000, CONNECTED = 3 };
	unsigned flags, type, state, inode;
	int path = 0;

	if (sscanf(line, "%*[^:]: %*X %*X %X %X %X %u %n", &flags, &type, &state, &inode,
		   &path) < 4)
		return false;
	*s = (struct sock){ .family = AF_UNIX, .inode = inode, .has = SOCK_IS_FULL };
	s->proto = type == SOCK_DGRAM	    ? PROTO_UNIX_DGRAM
		   : type == SOCK_SEQPACKET ? PROTO_UNIX_SEQPACKET
					    : PROTO_UNIX_STREAM;
	s->state = flags & ACCEPTS	? STATE_LISTEN
		   : state == CONNECTED ? STATE_ESTABLISHED
					: STATE_CLOSE;
	if (path)
		s->path = (struct blob){ line + path,
					 (uint32_t)strcspn(line + path, "\n") };
	return true;
}

static int read_file(struct collector *c, const char *path, uint8_t proto,
		     struct fault *f)
{
	FILE *file = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	int r = 0;

	if (!file)
		return errno == ENOENT ? 0 : fault(f, errno, "open %s", path);
	r = getline(&line, &cap, file) < 0 ? -ENODATA : 0; /* the heading */
	while (r == 0 && getline(&line, &cap, file) > 0) {
		struct sock s;
		char *name;
		bool ok = proto == PROTO_UNIX_STREAM ? parse_unix(line, &s)
						     : parse_inet(line, proto, &s);

		if (!ok)
			continue;
		/* An abstract name's NUL is shown as '@'; a path never starts with it. */
		name = (char *)(uintptr_t)s.path.data;
		if (name && name[0] == '@')
			name[0] = '\0';
		r = collect_row(c, &s);
	}
	fclose(file);
	return r == -ENODATA ? 0 : r;
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
