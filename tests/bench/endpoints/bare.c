/*
 * The floors of the endpoint benchmarks: the same work with nothing around it, and the
 * other ends that all peers are measured with.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "base/util.h"

enum { BLOCK = 256 * 1024, BATCH = 256 };

static char block[BLOCK];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in loopback(const char *port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)atoi(port)),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int listener(const char *port, int type)
{
	struct sockaddr_in sin = loopback(port);
	int fd = socket(AF_INET, type, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    (type == SOCK_STREAM && listen(fd, -1) != 0))
		die("listen");
	return fd;
}

static int dial(const char *port)
{
	struct sockaddr_in sin = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		die("connect");
	return fd;
}

static int run_splice(char **arg)
{
	int fd = accept(listener(arg[0], SOCK_STREAM), NULL, NULL);

	fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 1 << 20);
	while (splice(fd, NULL, STDOUT_FILENO, NULL, 1 << 20, SPLICE_F_MOVE) > 0)
		;
	return 0;
}

static int run_copy(char **arg)
{
	int fd = accept(listener(arg[0], SOCK_STREAM), NULL, NULL);
	ssize_t n;

	while ((n = read(fd, block, BLOCK)) > 0)
		if (write(STDOUT_FILENO, block, (size_t)n) != n)
			die("write");
	return 0;
}

static int run_sendfile(char **arg)
{
	int fd = dial(arg[0]);

	while (sendfile(fd, STDIN_FILENO, NULL, 1 << 20) > 0)
		;
	shutdown(fd, SHUT_WR);
	return read(fd, block, 1) != 0;
}

/* Sends so many bytes, then waits for the peer's end. */
static int run_source(char **arg)
{
	int fd = dial(arg[0]);
	long long left = atoll(arg[1]);

	while (left > 0) {
		ssize_t n = send(fd, block, (size_t)MIN(left, BLOCK), MSG_NOSIGNAL);

		if (n < 0)
			die("send");
		left -= n;
	}
	shutdown(fd, SHUT_WR);
	return read(fd, block, 1) != 0;
}

static int run_sink(char **arg)
{
	int fd = accept(listener(arg[0], SOCK_STREAM), NULL, NULL);

	/* cppcheck-suppress nullPointer ; nothing is copied: MSG_TRUNC throws it away */
	while (recv(fd, NULL, 1 << 20, MSG_TRUNC) > 0)
		;
	return 0;
}

static int run_drain(char **arg)
{
	int null = open("/dev/null", O_WRONLY);

	(void)arg;
	while (splice(STDIN_FILENO, NULL, null, NULL, 1 << 20, SPLICE_F_MOVE) > 0)
		;
	return 0;
}

static void take_all(int epfd, int lfd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int one = 1;

	/* cppcheck-suppress nullPointer ; accept4(2): an address is not asked for */
	while ((ev.data.fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		setsockopt(ev.data.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		epoll_ctl(epfd, EPOLL_CTL_ADD, ev.data.fd, &ev);
	}
}

static int run_echo(char **arg)
{
	struct epoll_event batch[BATCH], ev = { .events = EPOLLIN };
	int epfd = epoll_create1(0), lfd = listener(arg[0], SOCK_STREAM), n, i;

	fcntl(lfd, F_SETFL, O_NONBLOCK);
	ev.data.fd = lfd;
	epoll_ctl(epfd, EPOLL_CTL_ADD, lfd, &ev);
	while ((n = epoll_wait(epfd, batch, BATCH, -1)) >= 0) {
		for (i = 0; i < n; i++) {
			ssize_t len;

			if (batch[i].data.fd == lfd) {
				take_all(epfd, lfd);
				continue;
			}
			len = recv(batch[i].data.fd, block, BLOCK, 0);
			if (len <= 0)
				close(batch[i].data.fd);
			else if (send(batch[i].data.fd, block, (size_t)len,
				      MSG_NOSIGNAL) != len)
				die("send");
		}
	}
	return 1;
}

static int run_accept(char **arg)
{
	int lfd = listener(arg[0], SOCK_STREAM), fd;

	while ((fd = accept(lfd, NULL, NULL)) >= 0) {
		while (read(fd, block, BLOCK) > 0)
			;
		close(fd);
	}
	return 1;
}

/* Connects, ends, waits for the peer's end, so many times. */
static int run_churn(char **arg)
{
	long left = atol(arg[1]);

	for (; left; left--) {
		int fd = dial(arg[0]);

		shutdown(fd, SHUT_WR);
		if (read(fd, block, BLOCK) != 0)
			die("read");
		close(fd);
	}
	return 0;
}

static int run_udp(char **arg)
{
	int fd = listener(arg[0], SOCK_DGRAM);
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(fd, block, BLOCK, 0, (struct sockaddr *)&from, &len)) >= 0)
		sendto(fd, block, (size_t)n, 0, (struct sockaddr *)&from, len);
	return 1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		int (*run)(char **arg);
	} modes[] = {
		{ "splice", 1, run_splice },	 { "copy", 1, run_copy },
		{ "sendfile", 1, run_sendfile }, { "source", 2, run_source },
		{ "sink", 1, run_sink },	 { "drain", 0, run_drain },
		{ "echo", 1, run_echo },	 { "accept", 1, run_accept },
		{ "churn", 2, run_churn },	 { "udp", 1, run_udp },
	};
	size_t i;

	for (i = 0; argc > 1 && i < ARRAY_SIZE(modes); i++)
		if (streq(modes[i].name, argv[1]) && argc - 2 == modes[i].args)
			return modes[i].run(argv + 2);
	fprintf(stderr, "usage: bare MODE [PORT [COUNT]]\n");
	return 2;
}
