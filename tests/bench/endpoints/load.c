/*
 * The other ends that sockctl and its peers are measured with, each as cheap as the
 * kernel allows: what is measured shall be the program under test, not its client.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "ends.h"

enum {
	WINDOW_MOST = 64, /* datagrams in one send: UDP_MAX_SEGMENTS */
	SILENCE_MS = 200, /* what has not come back by then is lost */
};

static char block[BLOCK];

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* PORT BYTES: sends so many, then waits for the peer's end. (sendfile() of cached pages
 * is slower than this: 4 KiB fragments instead of 32 KiB ones.) */
static int run_source(char **arg)
{
	int fd = dial(arg[0], SOCK_STREAM);
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

/* PORT: throws everything away unread. */
static int run_sink(char **arg)
{
	int fd = accept(listener(arg[0], SOCK_STREAM), NULL, NULL);

	/* cppcheck-suppress nullPointer ; nothing is copied: MSG_TRUNC throws it away */
	while (recv(fd, NULL, 1 << 20, MSG_TRUNC) > 0)
		;
	return 0;
}

/* Sends so many bytes and takes as many, both at once, and ends. */
static int exchange(int fd, long long left)
{
	struct pollfd p = { .fd = fd };
	long long due = left;

	while (left > 0 || due > 0) {
		ssize_t n;

		p.events = (short)((left > 0 ? POLLOUT : 0) | (due > 0 ? POLLIN : 0));
		if (poll(&p, 1, -1) < 0)
			die("poll");
		if (due > 0 && (p.revents & POLLIN)) {
			/* cppcheck-suppress nullPointer ; MSG_TRUNC throws it away */
			n = recv(fd, NULL, 1 << 20, MSG_TRUNC | MSG_DONTWAIT);
			if (n == 0 || (n < 0 && errno != EAGAIN))
				die("recv");
			due -= n > 0 ? n : 0;
		}
		if (left > 0 && (p.revents & POLLOUT)) {
			n = send(fd, block, (size_t)MIN(left, BLOCK),
				 MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n < 0 && errno != EAGAIN)
				die("send");
			left -= n > 0 ? n : 0;
		}
		if (p.revents & (POLLERR | POLLNVAL))
			die("poll");
	}
	shutdown(fd, SHUT_WR);
	return read(fd, block, 1) != 0;
}

/* PORT BYTES: exchanges so many with who listens there; and the one who does. */
static int run_give(char **arg)
{
	return exchange(dial(arg[0], SOCK_STREAM), atoll(arg[1]));
}

static int run_take(char **arg)
{
	return exchange(accept(listener(arg[0], SOCK_STREAM), NULL, NULL), atoll(arg[1]));
}

/* The same for a pipe. */
static int run_drain(char **arg)
{
	int null = open("/dev/null", O_WRONLY);

	(void)arg;
	while (splice(STDIN_FILENO, NULL, null, NULL, 1 << 20, SPLICE_F_MOVE) > 0)
		;
	return 0;
}

/* PORT COUNT: connects, ends, waits for the peer's end, so many times. */
static int run_churn(char **arg)
{
	long left = atol(arg[1]);

	for (; left; left--) {
		int fd = dial(arg[0], SOCK_STREAM);

		shutdown(fd, SHUT_WR);
		if (read(fd, block, BLOCK) != 0)
			die("read");
		close(fd);
	}
	return 0;
}

/*
 * PORT COUNT WINDOW: datagrams of 64 bytes, WINDOW of them on their way. They leave in
 * calls of a quarter of that, so that server and client work at the same time, and come
 * back in as many as the server's answers allow. A server that has a pipe
 * inside joins datagrams, so bytes are counted. Prints seconds, and how many came back
 * and were lost.
 */
static int run_udp(char **arg)
{
	enum { SIZE = 64 };
	int fd = dial(arg[0], SOCK_DGRAM), size = SIZE, one = 1;
	long long left = atoll(arg[1]) * SIZE, window = atoll(arg[2]) * SIZE;
	long long batch = MIN(MAX(window / 4, (long long)SIZE), WINDOW_MOST * SIZE);
	long long under_way = 0, back = 0, lost = 0;
	double began = now(), silent = 0;

	if (setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)) != 0 ||
	    setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof(one)) != 0)
		die("UDP_SEGMENT");
	while (left > 0 || under_way > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		long long n = MIN(batch, left);

		for (; n > 0 && n <= window - under_way; n = MIN(batch, left)) {
			if (send(fd, block, (size_t)n, 0) != n)
				die("send");
			left -= n;
			under_way += n;
		}
		if (poll(&p, 1, SILENCE_MS) == 0) {
			lost += under_way;
			under_way = 0;
			silent += SILENCE_MS / 1e3;
			continue;
		}
		while ((n = recv(fd, block, BLOCK, MSG_DONTWAIT)) > 0) {
			back += n;
			under_way = MAX(under_way - n, 0LL);
		}
		if (n < 0 && errno != EAGAIN)
			die("recv");
	}
	printf("%.6f %lld %lld\n", now() - began - silent, back / SIZE, lost / SIZE);
	return 0;
}

enum { PING = 64, BATCH = 256 };

struct ping {
	int fd;
	long rounds;
	double sent_at;
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void ping(struct ping *g)
{
	g->sent_at = now();
	if (send(g->fd, block, PING, MSG_NOSIGNAL) != PING)
		die("send");
}

/* Rounds of all connections, until each has made so many. times may be NULL. */
static void ping_all(int epfd, struct ping *pings, long n, long rounds, double *times)
{
	struct epoll_event batch[BATCH];
	long left = n, i, k;

	for (i = 0; i < n; i++) {
		pings[i].rounds = rounds;
		ping(&pings[i]);
	}
	while (left && (k = epoll_wait(epfd, batch, BATCH, -1)) >= 0)
		for (i = 0; i < k; i++) {
			struct ping *g = batch[i].data.ptr;

			if (recv(g->fd, block, PING, MSG_WAITALL) != PING)
				die("recv");
			if (times)
				*times++ = now() - g->sent_at;
			if (--g->rounds)
				ping(g);
			else
				left--;
		}
}

/* PORT CONNECTIONS ROUNDS: 64 bytes there and back on every connection; the first round,
 * in which a server may still fork, does not count. Prints seconds, and the median and
 * the 99th percentile of the round trips in microseconds. */
static int run_ping(char **arg)
{
	long n = atol(arg[1]), rounds = atol(arg[2]), all = n * rounds, i;
	struct ping *pings = calloc((size_t)n, sizeof(*pings));
	double *times = calloc((size_t)all, sizeof(*times)), began, took;
	int epfd = epoll_create1(EPOLL_CLOEXEC), one = 1;

	if (!pings || !times)
		die("calloc");
	for (i = 0; i < n; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &pings[i] };

		pings[i].fd = dial(arg[0], SOCK_STREAM);
		setsockopt(pings[i].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		epoll_ctl(epfd, EPOLL_CTL_ADD, pings[i].fd, &ev);
	}
	ping_all(epfd, pings, n, 1, NULL);
	began = now();
	ping_all(epfd, pings, n, rounds, times);
	took = now() - began;
	qsort(times, (size_t)all, sizeof(*times), by_value);
	printf("%.6f %.1f %.1f\n", took, times[all / 2] * 1e6,
	       times[all * 99 / 100] * 1e6);
	free(pings);
	free(times);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct mode modes[] = {
		{ "source", 2, run_source }, { "sink", 1, run_sink },
		{ "drain", 0, run_drain },   { "churn", 2, run_churn },
		{ "give", 2, run_give },     { "take", 2, run_take },
		{ "udp", 3, run_udp },	     { "ping", 3, run_ping }
	};

	return run_mode(modes, ARRAY_SIZE(modes), argc, argv);
}
