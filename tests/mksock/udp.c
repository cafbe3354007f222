/* UDP: bound, connected, with waiting datagrams, with drops. */
#include <errno.h>
#include <linux/filter.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "inet.h"

/* A child that sends a datagram a millisecond for as long as this process lives. */
static void flood(int fd)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	static char datagram[1000];
	pid_t pid;

	fflush(stdout);
	pid = must(fork(), "fork");
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = must(dup2(fd, STDERR_FILENO + 1), "dup2");
	must(close_range((unsigned)fd + 1, ~0u, 0), "close_range");
	for (;;) {
		if (send(fd, datagram, sizeof(datagram), 0) < 0)
			_exit(1);
		nanosleep(&ms, NULL);
	}
}

/* A socket filter that takes no datagram. */
static void reject_all(int fd)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &none };

	must(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)),
	     "SO_ATTACH_FILTER");
}

/* A UDP server; connected= gives it a peer, queued= datagrams of size= wait in it, drops
 * sends until the kernel had to throw some away, flood goes on sending for ever,
 * reject has a filter refuse them all. */
static void make_udp(struct scenario *s)
{
	int fd = server_socket(s, SOCK_DGRAM), client;
	long queued = number(s, "queued", 0), size = number(s, "size", 10), i;
	static char datagram[65536];
	union address to, own;

	reachable(s, fd, &to);
	client = must(socket(to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	must(connect(client, &to.sa, address_len(&to)), "connect");
	if (has(s, "connected")) {
		own_address(client, &own);
		must(connect(fd, &own.sa, address_len(&own)), "connect");
	}
	for (i = 0; i < queued; i++)
		if (send(client, datagram, (size_t)size, 0) != size)
			die("send: %s", strerror(errno));
	if (has(s, "reject"))
		reject_all(fd);
	if (has(s, "flood"))
		flood(client);
	if (has(s, "drops"))
		for (i = 0; i < 2000; i++)
			if (send(client, datagram, 1000, 0) != 1000)
				die("send: %s", strerror(errno));
	tell(s, has(s, "connected") ? "ESTABLISHED" : "CLOSE", fd, "server");
	tell(s, "ESTABLISHED", client, "client");
}

const struct maker udp_makers[] = {
	{ "udp", make_udp,
	  "connected queued= size= drops flood reject rcvbuf= family= port=" },
	{ NULL, NULL, NULL },
};
