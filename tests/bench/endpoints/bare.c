/* The floors of the endpoint benchmarks: the same work with nothing around it. */
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "base/util.h"
#include "ends.h"

enum { BATCH = 256 };

static char block[BLOCK];

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
	int fd = dial(arg[0], SOCK_STREAM);

	while (sendfile(fd, STDIN_FILENO, NULL, 1 << 20) > 0)
		;
	shutdown(fd, SHUT_WR);
	return read(fd, block, 1) != 0;
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
	static const struct mode modes[] = {
		{ "splice", 1, run_splice },	 { "copy", 1, run_copy },
		{ "sendfile", 1, run_sendfile }, { "echo", 1, run_echo },
		{ "accept", 1, run_accept },	 { "udp", 1, run_udp }
	};

	return run_mode(modes, ARRAY_SIZE(modes), argc, argv);
}
