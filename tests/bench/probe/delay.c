/*
 * A path of a known length between two network namespaces, where the kernel has no netem:
 * a TUN device in each, and a thread that holds every packet for a while. It runs under
 * SCHED_FIFO, so that busy loops on every core do not make the path longer.
 *
 * usage: delay NETNS_FILE NETNS_FILE MILLISECONDS   (each way; as root)
 *
 * Both devices are called slow0. Says "ready"; ends with its stdin. On stderr, in the
 * end: packets, and how late the latest of them was.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { HELD_MOST = 1024, PACKET_MOST = 2048 };

struct packet {
	uint64_t due_ns;
	size_t len;
	char data[PACKET_MOST];
};

struct way {
	int from, to;
	unsigned first, n;
	struct packet held[HELD_MOST];
};

static struct way ways[2];
static uint64_t packets, latest_ns, lost;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "delay: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The device lives where it was made; its descriptor works from anywhere. */
static int tun_in(const char *netns)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int ns = open(netns, O_RDONLY | O_CLOEXEC), fd;

	if (ns < 0 || setns(ns, CLONE_NEWNET) != 0)
		die(netns);
	close(ns);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	strcpy(ifr.ifr_name, "slow0");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) != 0)
		die("/dev/net/tun");
	return fd;
}

static void take(struct way *w, uint64_t delay_ns)
{
	for (;;) {
		struct packet *p = &w->held[(w->first + w->n) % HELD_MOST];
		ssize_t len;

		if (w->n == HELD_MOST)
			return;
		len = read(w->from, p->data, sizeof(p->data));
		if (len <= 0)
			return;
		p->len = (size_t)len;
		p->due_ns = now_ns() + delay_ns;
		w->n++;
	}
}

static void give(struct way *w)
{
	while (w->n) {
		struct packet *p = &w->held[w->first];
		uint64_t now = now_ns();

		if (p->due_ns > now)
			return;
		if (now - p->due_ns > latest_ns)
			latest_ns = now - p->due_ns;
		if (write(w->to, p->data, p->len) != (ssize_t)p->len)
			lost++;
		packets++;
		w->first = (w->first + 1) % HELD_MOST;
		w->n--;
	}
}

static struct timespec until_next(void)
{
	uint64_t now = now_ns(), wait = 1000000000;
	int i;

	for (i = 0; i < 2; i++) {
		const struct packet *p = &ways[i].held[ways[i].first];
		uint64_t left = ways[i].n ? (p->due_ns > now ? p->due_ns - now : 0)
					  : wait;

		wait = left < wait ? left : wait;
	}
	return (struct timespec){ .tv_sec = (time_t)(wait / 1000000000),
				  .tv_nsec = (long)(wait % 1000000000) };
}

int main(int argc, char **argv)
{
	struct sched_param real_time = { .sched_priority = 50 };
	uint64_t delay_ns;
	int i;

	if (argc != 4)
		return 2;
	delay_ns = (uint64_t)(atof(argv[3]) * 1e6);
	ways[0].from = ways[1].to = tun_in(argv[1]);
	ways[1].from = ways[0].to = tun_in(argv[2]);
	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0 ||
	    sched_setscheduler(0, SCHED_FIFO, &real_time) != 0)
		die("SCHED_FIFO");
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd p[3] = { { .fd = ways[0].from, .events = POLLIN },
				       { .fd = ways[1].from, .events = POLLIN },
				       { .fd = STDIN_FILENO, .events = POLLIN } };
		struct timespec wait = until_next();

		if (ppoll(p, 3, &wait, NULL) < 0 && errno != EINTR)
			die("ppoll");
		for (i = 0; i < 2; i++) {
			take(&ways[i], delay_ns);
			give(&ways[i]);
		}
		if (p[2].revents)
			break;
	}
	fprintf(stderr, "%llu packets, the latest was %.3f ms late, %llu lost\n",
		(unsigned long long)packets, (double)latest_ns / 1e6,
		(unsigned long long)lost);
	return 0;
}
