/* Holders of every kind that KERNEL knows: each keeps the port, or just does not. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bindmatrix.h"

enum { BIND_NO_PORT = 24 };	/* IP_BIND_ADDRESS_NO_PORT */
enum { LOCAL_PORT_RANGE = 51 }; /* IP_LOCAL_PORT_RANGE, Linux 6.3 */
enum { ESTABLISHED = 1, FIN_WAIT1 = 4, FIN_WAIT2 = 5, CLOSED = 7, CLOSE_WAIT = 8 };

static int keep(struct holder *h, int fd)
{
	if (h->n == MAX_FDS)
		die("too many descriptors");
	return h->fds[h->n++] = fd;
}

static void drop(struct holder *h, int fd)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (h->fds[i] == fd)
			h->fds[i] = -1;
	close(fd);
}

static uint16_t port_of(int fd)
{
	union address a;
	socklen_t len = sizeof(a);

	must(getsockname(fd, &a.sa, &len), "getsockname");
	return ntohs(a.sa.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
}

static int state_of(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	must(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), "TCP_INFO");
	return info.tcpi_state;
}

static void await(int fd, int state)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	int waited;

	for (waited = 0; state_of(fd) != state; waited++) {
		if (waited == 5000)
			die("state %d does not come", state);
		nanosleep(&ms, NULL);
	}
}

static int bound(struct holder *h, const struct binder *b)
{
	int fd = must(try_bound(b), "bind the holder");

	h->port = port_of(fd);
	return keep(h, fd);
}

static int listening(struct holder *h, const struct binder *b)
{
	int fd = bound(h, b);

	must(listen(fd, 8), "listen");
	return fd;
}

/*
 * The range of the namespace is 40000 to 49999: clients draw from its lower half, holders
 * one port each of the upper. So no holder draws a port on which a client's TIME_WAIT was
 * left behind, about which the tables cannot tell.
 */
static void draw_from(int fd, uint32_t lo, uint32_t hi)
{
	uint32_t range = hi << 16 | lo;

	setsockopt(fd, IPPROTO_IP, LOCAL_PORT_RANGE, &range, sizeof(range));
}

static void draw_fresh(int fd)
{
	static uint16_t next = 45000;

	draw_from(fd, next, next);
	next++;
}

/* Where a client reaches a socket that is bound there. */
static socklen_t reach(union address *to, const struct binder *b, uint16_t port)
{
	const char *text = b->place.text;

	if (strcmp(text, "0.0.0.0") == 0 || strncmp(text, "::ffff:", 7) == 0)
		text = "127.0.0.1";
	else if (strcmp(text, "::") == 0)
		text = b->place.v6only ? "::1" : "127.0.0.1";
	return make_address(to, text, port);
}

static int client_to(struct holder *h, const struct binder *b, uint16_t port)
{
	union address to;
	socklen_t len = reach(&to, b, port);
	int fd = must(socket(to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	draw_from(fd, 40000, 44999);
	must(connect(fd, &to.sa, len), "connect");
	return keep(h, fd);
}

struct pair {
	int client, server;
};

/* A served connection whose listener is gone. */
static struct pair served(struct holder *h, const struct binder *b)
{
	int listener = listening(h, b);
	struct pair p;

	p.client = client_to(h, b, h->port);
	/* cppcheck-suppress nullPointer ; accept4() takes NULL */
	p.server = keep(h, must(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept"));
	drop(h, listener);
	return p;
}

static void make_bound(struct holder *h, const struct binder *b)
{
	bound(h, b);
}

static void make_listen(struct holder *h, const struct binder *b)
{
	listening(h, b);
}

static void make_established(struct holder *h, const struct binder *b)
{
	served(h, b);
}

static void make_close_wait(struct holder *h, const struct binder *b)
{
	struct pair p = served(h, b);

	must(shutdown(p.client, SHUT_WR), "shutdown");
	await(p.server, CLOSE_WAIT);
}

static void fill(int fd)
{
	static const char chunk[4096];
	struct timespec ms = { .tv_nsec = 1000000 };
	int quiet = 0;

	while (quiet < 10) {
		if (send(fd, chunk, sizeof(chunk), MSG_DONTWAIT) > 0) {
			quiet = 0;
		} else {
			quiet++;
			nanosleep(&ms, NULL);
		}
	}
}

static void make_fin_wait1(struct holder *h, const struct binder *b)
{
	struct pair p = served(h, b);

	fill(p.server);
	drop(h, p.server);
}

static void make_last_ack(struct holder *h, const struct binder *b)
{
	struct pair p = served(h, b);

	fill(p.server);
	must(shutdown(p.client, SHUT_WR), "shutdown");
	await(p.server, CLOSE_WAIT);
	drop(h, p.server);
}

static void make_fin_wait2(struct holder *h, const struct binder *b)
{
	struct pair p = served(h, b);

	must(shutdown(p.server, SHUT_WR), "shutdown");
	await(p.server, FIN_WAIT2);
}

static void make_fin_wait2_orphan(struct holder *h, const struct binder *b)
{
	struct pair p = served(h, b);

	must(shutdown(p.server, SHUT_WR), "shutdown");
	await(p.server, FIN_WAIT2);
	drop(h, p.server);
}

static void make_time_wait(struct holder *h, const struct binder *b)
{
	struct pair p = served(h, b);

	must(shutdown(p.server, SHUT_WR), "shutdown");
	await(p.server, FIN_WAIT2);
	drop(h, p.client);
	drop(h, p.server);
}

/* Somebody to be connected to, at an address of b's family. */
static uint16_t other_server(struct holder *h, const struct binder *b)
{
	struct binder server = { .type = SOCK_STREAM, .place = b->place };
	int fd;

	server.port = fresh_port();
	fd = must(try_bound(&server), "bind a server");
	must(listen(fd, 8), "listen");
	keep(h, fd);
	return server.port;
}

static void outgoing(struct holder *h, const struct binder *b, bool explicitly)
{
	uint16_t port = other_server(h, b);
	int fd = explicitly ? bound(h, b) : keep(h, make_socket(b));
	union address to;
	socklen_t len = reach(&to, b, port);

	if (to.sa.sa_family == AF_INET && strchr(b->place.text, ':')) {
		char mapped[64];

		snprintf(mapped, sizeof(mapped), "::ffff:127.0.0.1");
		len = make_address(&to, mapped, port);
	}
	draw_fresh(fd);
	must(connect(fd, &to.sa, len), "connect");
	h->port = port_of(fd);
}

static void make_outgoing_bound(struct holder *h, const struct binder *b)
{
	outgoing(h, b, true);
}

static void make_outgoing(struct holder *h, const struct binder *b)
{
	outgoing(h, b, false);
}

static void make_outgoing_late(struct holder *h, const struct binder *b)
{
	uint16_t port = other_server(h, b);
	int fd = keep(h, make_socket(b)), on = 1;
	union address a, to;
	socklen_t len = make_address(&a, b->place.text, 0);

	draw_fresh(fd);
	must(setsockopt(fd, IPPROTO_IP, BIND_NO_PORT, &on, sizeof(on)), "no port");
	must(bind(fd, &a.sa, len), "bind");
	len = reach(&to, b, port);
	must(connect(fd, &to.sa, len), "connect");
	h->port = port_of(fd);
}

static void make_outgoing_time_wait(struct holder *h, const struct binder *b)
{
	outgoing(h, b, false);
	must(shutdown(h->fds[1], SHUT_WR), "shutdown");
	must(close(must(accept(h->fds[0], NULL, NULL), "accept")), "close");
	await(h->fds[1], CLOSED);
	drop(h, h->fds[1]);
}

static void reset(int fd)
{
	struct linger now = { .l_onoff = 1 };

	must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), "SO_LINGER");
	close(fd);
}

static void make_bound_reset(struct holder *h, const struct binder *b)
{
	outgoing(h, b, true);
	reset(must(accept(h->fds[0], NULL, NULL), "accept"));
	await(h->fds[1], CLOSED);
}

static void make_shut_listener(struct holder *h, const struct binder *b)
{
	must(shutdown(listening(h, b), SHUT_RDWR), "shutdown");
}

static void make_syn_recv(struct holder *h, const struct binder *b)
{
	int fd = bound(h, b), seconds = 30;

	must(setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)),
	     "TCP_DEFER_ACCEPT");
	must(listen(fd, 8), "listen");
	client_to(h, b, h->port);
	drop(h, fd);
}

static void make_accepted_reset(struct holder *h, const struct binder *b)
{
	struct pair p = served(h, b);
	size_t i;

	for (i = 0; i < h->n; i++)
		if (h->fds[i] == p.client)
			h->fds[i] = -1;
	reset(p.client);
	await(p.server, CLOSED);
}

static void make_unaccepted(struct holder *h, const struct binder *b)
{
	int fd = listening(h, b);

	client_to(h, b, h->port);
	drop(h, fd);
}

/* A listener with a queue, and with accepted connections. */
static void make_busy(struct holder *h, const struct binder *b)
{
	int fd = listening(h, b);

	client_to(h, b, h->port);
	/* cppcheck-suppress nullPointer ; accept4() takes NULL */
	keep(h, must(accept4(fd, NULL, NULL, SOCK_CLOEXEC), "accept"));
	client_to(h, b, h->port);
}

static void set_options(int fd, int options)
{
	int ra = !!(options & RA), rp = !!(options & RP);

	must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &ra, sizeof(ra)), "SO_REUSEADDR");
	must(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &rp, sizeof(rp)), "SO_REUSEPORT");
}

static void make_set_later(struct holder *h, const struct binder *b)
{
	struct binder plain = *b;

	plain.options = 0;
	set_options(bound(h, &plain), b->options);
}

/* SO_REUSEADDR that a listener had when it was bound, and has no more. */
static void make_cleared(struct holder *h, const struct binder *b)
{
	struct binder had = *b;
	int fd;

	had.options |= RA;
	fd = listening(h, &had);
	set_options(fd, b->options);
}

/* Two that share the port by SO_REUSEPORT, of which the second has cleared it since. */
static void two_of_group(struct holder *h, const struct binder *b, bool listens)
{
	struct binder had = *b;
	int first, second;

	had.options |= RP;
	first = bound(h, &had);
	second = bound(h, &had);
	if (listens) {
		must(listen(first, 8), "listen");
		must(listen(second, 8), "listen");
	}
	set_options(second, b->options & RA);
}

static void make_bound_cleared(struct holder *h, const struct binder *b)
{
	two_of_group(h, b, false);
}

static void make_group_cleared(struct holder *h, const struct binder *b)
{
	two_of_group(h, b, true);
}

static void make_nothing(struct holder *h, const struct binder *b)
{
	(void)b;
	h->port = fresh_port();
}

static void make_on_device(struct holder *h, const struct binder *b)
{
	int fd = keep(h, make_socket(b));
	union address a;
	socklen_t len;

	h->port = fresh_port();
	len = make_address(&a, b->place.text, h->port);
	must(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), "SO_BINDTODEVICE");
	must(bind(fd, &a.sa, len), "bind");
	must(listen(fd, 8), "listen");
}

static void make_udp_connected(struct holder *h, const struct binder *b)
{
	int fd = bound(h, b);
	union address to;
	socklen_t len = reach(&to, b, fresh_port());

	if (to.sa.sa_family == AF_INET && strchr(b->place.text, ':'))
		len = make_address(&to, "::ffff:127.0.0.1", ntohs(to.in.sin_port));
	must(connect(fd, &to.sa, len), "connect");
}

static void make_udp_drawn(struct holder *h, const struct binder *b)
{
	int fd = keep(h, make_socket(b));
	union address to;
	socklen_t len = reach(&to, b, fresh_port());

	if (to.sa.sa_family == AF_INET && strchr(b->place.text, ':'))
		len = make_address(&to, "::ffff:127.0.0.1", ntohs(to.in.sin_port));
	must(connect(fd, &to.sa, len), "connect");
	h->port = port_of(fd);
}

const struct kind tcp_kinds[] = {
	{ "LISTEN", make_listen, false, false, false },
	{ "bound", make_bound, false, false, false },
	{ "ESTABLISHED", make_established, false, true, false },
	{ "CLOSE_WAIT", make_close_wait, false, true, false },
	{ "FIN_WAIT1 orphan", make_fin_wait1, true, false, false },
	{ "FIN_WAIT2", make_fin_wait2, false, true, false },
	{ "FIN_WAIT2 orphan", make_fin_wait2_orphan, true, false, false },
	{ "LAST_ACK orphan", make_last_ack, true, false, false },
	{ "TIME_WAIT", make_time_wait, true, false, false },
	{ "outgoing, bound", make_outgoing_bound, false, false, false },
	{ "outgoing", make_outgoing, false, false, false },
	{ "outgoing, bound late", make_outgoing_late, false, false, false },
	{ "outgoing TIME_WAIT", make_outgoing_time_wait, true, false, false },
	{ "bound, reset by its peer", make_bound_reset, false, false, false },
	{ "listener, shut down", make_shut_listener, false, false, false },
	{ "SYN_RECV without listener", make_syn_recv, false, false, false },
	{ "accepted, reset", make_accepted_reset, false, false, false },
	{ "un-accepted without listener", make_unaccepted, false, false, false },
	{ "listener with connections", make_busy, false, false, false },
	{ "bound, options set later", make_set_later, false, false, false },
	{ "listener, option cleared", make_cleared, false, false, false },
	{ "listener on an interface", make_on_device, false, false, false },
	{ "bound, second cleared", make_bound_cleared, false, false, true },
	{ "LISTEN, second cleared", make_group_cleared, false, false, true },
	{ "nothing", make_nothing, false, false, false },
};
const size_t n_tcp_kinds = COUNT(tcp_kinds);

const struct kind udp_kinds[] = {
	{ "UDP", make_bound, false, false, false },
	{ "UDP connected", make_udp_connected, false, false, false },
	{ "UDP drawn", make_udp_drawn, false, false, false },
	{ "UDP, options set later", make_set_later, false, false, false },
};
const size_t n_udp_kinds = COUNT(udp_kinds);
