/* Unix sockets: listeners with waiting clients, pairs, datagrams, names of any bytes. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "mksock.h"

static int type_of(struct scenario *s)
{
	const char *t = text(s, "type", "stream");

	if (strcmp(t, "dgram") == 0)
		return SOCK_DGRAM;
	if (strcmp(t, "seqpacket") == 0)
		return SOCK_SEQPACKET;
	if (strcmp(t, "stream") == 0)
		return SOCK_STREAM;
	die("%s: unknown type '%s'", s->name, t);
}

/* path=FILE, or abstract=NAME (any bytes). */
static socklen_t name_of(struct scenario *s, struct sockaddr_un *un)
{
	struct param *path = find_param(s, "path"), *abstract = find_param(s, "abstract");
	struct param *p = path ? path : abstract;

	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	if (!p)
		die("%s: wants path= or abstract=", s->name);
	if (p->len + 1 > sizeof(un->sun_path))
		die("%s: the name is too long", s->name);
	memcpy(un->sun_path + (p == abstract), p->value, p->len);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + p->len + 1);
}

static int bound(struct scenario *s, int type, struct sockaddr_un *un, socklen_t *len)
{
	int fd = must(socket(AF_UNIX, type | SOCK_CLOEXEC, 0), "socket");

	*len = name_of(s, un);
	must(bind(fd, (struct sockaddr *)un, *len), "bind");
	return fd;
}

static void send_bytes(int fd, long n)
{
	char byte = 'x';

	for (; n > 0; n--)
		if (write(fd, &byte, 1) != 1)
			die("write: %s", strerror(errno));
}

static void make_unix_listen(struct scenario *s)
{
	int type = type_of(s), fd;
	struct sockaddr_un un;
	socklen_t len;
	long i;

	fd = bound(s, type, &un, &len);
	must(listen(fd, (int)number(s, "backlog", 8)), "listen");
	tell(s, "LISTEN", fd, "listener");
	for (i = 0; i < number(s, "queued", 0); i++) {
		int c = must(socket(AF_UNIX, type | SOCK_CLOEXEC, 0), "socket");

		nonblocking(c, true);
		must(connect(c, (struct sockaddr *)&un, len), "connect");
		tell_nth(s, "ESTABLISHED", c, "client", i);
	}
}

/* A client and what accept() gave; the listener stays open. */
static void make_unix_pair(struct scenario *s)
{
	int type = type_of(s), fd, client, server;
	struct sockaddr_un un;
	socklen_t len;

	fd = bound(s, type, &un, &len);
	client = must(socket(AF_UNIX, type | SOCK_CLOEXEC, 0), "socket");
	if (type == SOCK_DGRAM) {
		must(connect(client, (struct sockaddr *)&un, len), "connect");
		send_bytes(client, number(s, "recv", 0));
		tell(s, "CLOSE", fd, "server");
		tell(s, "ESTABLISHED", client, "client");
		return;
	}
	must(listen(fd, 8), "listen");
	must(connect(client, (struct sockaddr *)&un, len), "connect");
	server = must(accept(fd, NULL, NULL), "accept");
	send_bytes(client, number(s, "recv", 0));
	if (has(s, "shutdown"))
		must(shutdown(client, SHUT_WR), "shutdown");
	tell(s, "LISTEN", fd, "listener");
	tell(s, "ESTABLISHED", client, "client");
	tell(s, "ESTABLISHED", server, "server");
}

static void make_unix_bound(struct scenario *s)
{
	struct sockaddr_un un;
	socklen_t len;

	tell(s, "CLOSE", bound(s, type_of(s), &un, &len), "bound");
}

static void make_socketpair(struct scenario *s)
{
	int fd[2];

	must(socketpair(AF_UNIX, type_of(s) | SOCK_CLOEXEC, 0, fd), "socketpair");
	tell(s, "ESTABLISHED", fd[0], "a");
	tell(s, "ESTABLISHED", fd[1], "b");
}

/* A socket whose only reference is a message that nobody has read. */
static void make_inflight(struct scenario *s)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = space,
			      .msg_controllen = sizeof(space) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct sockaddr_un un;
	struct facts f;
	int pair[2], fd;
	socklen_t len;

	fd = bound(s, SOCK_STREAM, &un, &len);
	must(listen(fd, 1), "listen");
	f = facts_of(fd);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(pair[0], &msg, 0) != 1)
		die("sendmsg: %s", strerror(errno));
	close(fd);
	tell_more(s, "inode=%llu cookie=0x%llx", f.inode, f.cookie);
}

const struct maker unix_makers[] = {
	{ "unix_listen", make_unix_listen, "path=|abstract= type= backlog= queued=" },
	{ "unix_pair", make_unix_pair, "path=|abstract= type= recv= shutdown" },
	{ "unix_bound", make_unix_bound, "path=|abstract= type=" },
	{ "socketpair", make_socketpair, "type=" },
	{ "inflight", make_inflight,
	  "path=|abstract=: a listener that is only in a message" },
	{ NULL, NULL, NULL },
};
