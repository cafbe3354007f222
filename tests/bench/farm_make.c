/* The sockets of a farm: pairs over loopback, in the states the plan asks for. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "farm.h"
#include "program.h"

/*
 * Three port ranges that never meet: listeners, the bound clients of the TIME-WAIT part,
 * and what connect() draws (ip_local_port_range, set by farm.c from 16384).
 */
enum {
	LISTEN_PORT = 8080,
	LISTEN_MAX = 1000,
	TIME_WAIT_PORT = 10000,
	TIME_WAIT_PORTS = 16384 - TIME_WAIT_PORT,
	UDP_PORT = 1024,
	UDP_PORTS = 60000,
	V6_ONE_IN = 5,
	SETTLE_S = 10, /* until every FIN is acknowledged */
};

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool is_v6(uint32_t i)
{
	return i % V6_ONE_IN == 1;
}

static socklen_t loopback(union address *a, bool v6, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	if (v6) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_addr = in6addr_loopback;
		a->v6.sin6_port = htons(port);
		return sizeof(a->v6);
	}
	a->v4.sin_family = AF_INET;
	a->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a->v4.sin_port = htons(port);
	return sizeof(a->v4);
}

static int open_socket(bool v6, int type)
{
	int fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static void set_on(int fd, int level, int name, const char *what)
{
	if (setsockopt(fd, level, name, &(int){ 1 }, sizeof(int)))
		die(what);
}

static uint16_t port_of(int fd)
{
	union address a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.sa, &len))
		die("getsockname");
	return ntohs(a.sa.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

/* Port 0 lets the kernel choose. */
static int open_listener(bool v6, uint16_t port)
{
	int fd = open_socket(v6, SOCK_STREAM);
	union address a;
	socklen_t len = loopback(&a, v6, port);

	if (v6) {
		set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY");
		a.v6.sin6_addr = in6addr_any;
	} else {
		a.v4.sin_addr.s_addr = INADDR_ANY;
	}
	set_on(fd, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR");
	if (bind(fd, &a.sa, len))
		die("bind a listener");
	if (listen(fd, 128))
		die("listen");
	return fd;
}

struct listener {
	int fd;
	uint16_t port;
	bool v6;
};

struct pair {
	int client, server;
};

static int accept_one(const struct listener *l)
{
	union address peer;
	socklen_t len = sizeof(peer);
	int fd = accept4(l->fd, &peer.sa, &len, SOCK_CLOEXEC);

	if (fd < 0)
		die("accept");
	return fd;
}

static struct pair connect_pair(const struct listener *l)
{
	/* Ending the farm must not leave a TIME-WAIT for each connection. */
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct pair p = { .client = open_socket(l->v6, SOCK_STREAM) };
	union address a;
	socklen_t len = loopback(&a, l->v6, l->port);

	if (setsockopt(p.client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
		die("SO_LINGER");
	if (connect(p.client, &a.sa, len))
		die("connect");
	p.server = accept_one(l);
	return p;
}

/* The share of holder `index` in a whole that is split as evenly as it goes. */
static uint32_t part(uint64_t whole, uint64_t index, uint64_t of)
{
	return (uint32_t)(whole * (index + 1) / of - whole * index / of);
}

struct mix mix_of(const struct plan *plan)
{
	uint32_t n = (uint32_t)plan->sockets;
	struct mix m = {
		.time_wait = n / 20,
		.half_closed = plan->healthy ? 0 : n / 10,
		.listen = MIN(LISTEN_MAX, MAX(n / 10, 8u)),
	};

	m.established = (n - m.time_wait - 2 * m.half_closed) / 2;
	/* One port a client is enough for TIME_WAIT_PORTS connections to one listener. */
	m.time_wait_listen = 2 * (m.time_wait / TIME_WAIT_PORTS + 1);
	return m;
}

uint64_t share_files(const struct plan *plan)
{
	uint64_t spare = 64;

	if (plan->kind == FARM_FDS)
		return plan->files + spare;
	return plan->sockets / plan->holders + LISTEN_MAX + spare;
}

/* The ACK of a FIN may be delayed: waits until the last one has come. */
static void settle(const int *fds, uint32_t n, int state)
{
	time_t deadline = time(NULL) + SETTLE_S;
	uint32_t i = 0;

	while (i < n) {
		struct tcp_info info;
		socklen_t len = sizeof(info);

		if (getsockopt(fds[i], IPPROTO_TCP, TCP_INFO, &info, &len))
			die("TCP_INFO");
		if (info.tcpi_state == state) {
			i++;
			continue;
		}
		if (time(NULL) > deadline) {
			errno = ETIMEDOUT;
			die("a FIN was not acknowledged");
		}
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	}
}

/* Walks the listeners of one family in turn. */
static const struct listener *next_listener(const struct listener *v, uint32_t n, bool v6,
					    uint32_t *at)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		*at = (*at + 1) % n;
		if (v[*at].v6 == v6)
			break;
	}
	return &v[*at];
}

static struct listener *make_listeners(uint32_t first, uint32_t n)
{
	struct listener *v = calloc(n, sizeof(*v));
	uint32_t i;

	if (!v)
		die("listeners");
	for (i = 0; i < n; i++) {
		v[i].v6 = is_v6(i);
		v[i].port = (uint16_t)(LISTEN_PORT + first + i);
		v[i].fd = open_listener(v[i].v6, v[i].port);
	}
	return v;
}

static void make_tcp(struct share *s)
{
	const struct plan *plan = s->plan;
	struct mix m = mix_of(plan);
	uint64_t of = plan->holders;
	uint32_t listen_total = m.listen - m.time_wait_listen;
	uint32_t first = (uint32_t)(listen_total * (uint64_t)s->index / of);
	uint32_t n_listen = part(listen_total, s->index, of), at[2] = { 0 }, i;
	uint32_t half = part(m.half_closed, s->index, of);
	uint32_t whole = part(m.established, s->index, of);
	_cleanup_free_ struct listener *v = make_listeners(first, n_listen);
	_cleanup_free_ int *closed = calloc(half + 1, sizeof(*closed));

	if (!closed)
		die("half-closed connections");
	for (i = 0; i < half + whole; i++) {
		bool v6 = is_v6(i);
		const struct listener *l = next_listener(v, n_listen, v6, &at[v6]);
		struct pair p = connect_pair(l);

		if (i < half) {
			if (shutdown(p.client, SHUT_WR))
				die("shutdown");
			closed[i] = p.client;
		} else if (!v6 && !s->tuple.local_port) {
			s->tuple.local_port = port_of(p.client);
			s->tuple.peer_port = l->port;
		}
	}
	settle(closed, half, TCP_FIN_WAIT2);
	s->made.listen = n_listen;
	s->made.established = 2 * whole;
	s->made.close_wait = s->made.fin_wait2 = half;
}

/* One in five descriptors is a TCP socket: listeners (one, or two for an even number) and
 * pairs. */
static void make_files(struct share *s)
{
	uint32_t sockets = (uint32_t)s->plan->files / 5, i;
	struct listener l = { .v6 = is_v6(s->index) };

	for (i = 0; i < 2 - sockets % 2; i++) {
		l.fd = open_listener(l.v6, 0);
		s->made.listen++;
	}
	l.port = port_of(l.fd);
	while (s->made.listen + s->made.established + 2 <= sockets) {
		struct pair p = connect_pair(&l);

		if (!s->tuple.local_port && !l.v6) {
			s->tuple.local_port = port_of(p.client);
			s->tuple.peer_port = l.port;
		}
		s->made.established += 2;
	}
	for (i = sockets; i < s->plan->files; i++)
		if (open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			die("/dev/null");
	s->made.files = i - sockets;
}

static void make_udp(struct share *s)
{
	uint32_t n = part(s->plan->sockets, s->index, s->plan->holders), i;
	uint64_t first = s->plan->sockets * s->index / s->plan->holders;

	for (i = 0; i < n; i++) {
		uint64_t k = first + i;
		bool v6 = is_v6((uint32_t)k);
		int fd = open_socket(v6, SOCK_DGRAM);
		union address a, peer;
		uint64_t slot = v6 ? k / V6_ONE_IN : k;
		socklen_t len = loopback(&a, v6, (uint16_t)(UDP_PORT + slot % UDP_PORTS));

		/* IPv4 has 127.0.0.0/8 for more ports; ::1 is one address. */
		if (!v6)
			a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK +
						     (uint32_t)(slot / UDP_PORTS));
		if (bind(fd, &a.sa, len))
			die("bind a UDP socket");
		loopback(&peer, v6, 53);
		if (k % 2 && connect(fd, &peer.sa, len))
			die("connect a UDP socket");
	}
	s->made.udp = n;
}

static void bind_abstract(int fd, uint64_t k)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int len = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "farm-%llu",
			   (unsigned long long)k);

	if (bind(fd, (struct sockaddr *)&a,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)))
		die("bind an abstract name");
}

/* Of ten: one named datagram socket, one named listener, eight ends of stream and
 * seqpacket pairs. */
static void make_unix(struct share *s)
{
	uint64_t k = s->plan->sockets * s->index / s->plan->holders;
	uint64_t end = s->plan->sockets * (s->index + 1) / s->plan->holders;

	while (k < end) {
		int fd[2];

		if (k % 10 < 2 || k + 1 == end) {
			int type = k % 10 == 0 ? SOCK_DGRAM : SOCK_STREAM;

			fd[0] = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
			if (fd[0] < 0)
				die("socket");
			bind_abstract(fd[0], k);
			if (type == SOCK_STREAM && listen(fd[0], 16))
				die("listen");
			k++;
		} else {
			int type = k % 10 < 4 ? SOCK_SEQPACKET : SOCK_STREAM;

			if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fd))
				die("socketpair");
			k += 2;
		}
	}
	s->made.unix_sockets = part(s->plan->sockets, s->index, s->plan->holders);
}

void make_share(struct share *s)
{
	switch (s->plan->kind) {
	case FARM_TCP:
		make_tcp(s);
		break;
	case FARM_FDS:
		make_files(s);
		break;
	case FARM_UDP:
		make_udp(s);
		break;
	case FARM_UNIX:
		make_unix(s);
		break;
	}
}

struct time_waits {
	struct listener *listeners;
	uint32_t n_listen, n;
};

struct time_waits *time_waits_new(const struct plan *plan)
{
	struct time_waits *t = calloc(1, sizeof(*t));
	struct mix m = mix_of(plan);
	uint32_t i;

	if (!t)
		die("time waits");
	t->n = m.time_wait;
	t->n_listen = m.time_wait_listen;
	t->listeners = make_listeners(m.listen - m.time_wait_listen, t->n_listen);
	/* Half of them each family: is_v6() of a few is not evenly spread. */
	for (i = 0; i < t->n_listen; i++)
		if (t->listeners[i].v6 != (i % 2 == 1)) {
			close_fd(t->listeners[i].fd);
			t->listeners[i].v6 = i % 2 == 1;
			t->listeners[i].fd = open_listener(t->listeners[i].v6,
							   t->listeners[i].port);
		}
	return t;
}

/* The client's end closes first, so it is the one that stays in TIME-WAIT. */
static void time_wait(const struct listener *l, uint16_t port)
{
	int client = open_socket(l->v6, SOCK_STREAM), server;
	union address a;
	socklen_t len = loopback(&a, l->v6, port);
	char byte;

	set_on(client, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR");
	if (bind(client, &a.sa, len))
		die("bind a client");
	loopback(&a, l->v6, l->port);
	if (connect(client, &a.sa, len)) {
		/* Made too short a time ago to be replaced: it is still as good as new.
		 */
		if (errno != EADDRNOTAVAIL)
			die("connect");
		close_fd(client);
		return;
	}
	server = accept_one(l);
	close_fd(client);
	/* The FIN must be here before the server's own is sent, or both ends would wait.
	 */
	if (read(server, &byte, 1) != 0)
		die("no end of file");
	close_fd(server);
}

void time_waits_renew(struct time_waits *t)
{
	uint32_t i, n4 = 0, n6 = 0;

	for (i = 0; i < t->n; i++) {
		bool v6 = is_v6(i);
		uint32_t k = v6 ? n6++ : n4++;
		uint32_t l = 2 * (k / TIME_WAIT_PORTS) + v6;

		time_wait(&t->listeners[l],
			  (uint16_t)(TIME_WAIT_PORT + k % TIME_WAIT_PORTS));
	}
}

/* What the kernel counts in this namespace. */
uint32_t time_waits_count(const struct time_waits *t)
{
	FILE *f = fopen("/proc/self/net/sockstat", "re");
	unsigned tw = 0;
	char line[256], *at;

	if (!f)
		return t->n;
	while (fgets(line, sizeof(line), f)) {
		at = has_prefix(line, "TCP:") ? strstr(line, " tw ") : NULL;
		if (at)
			tw = (unsigned)strtoul(at + 4, NULL, 10);
	}
	fclose(f);
	return tw;
}

void time_waits_free(struct time_waits *t)
{
	if (t)
		free(t->listeners);
	free(t);
}
