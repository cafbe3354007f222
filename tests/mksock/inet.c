#include "inet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DEADLINE_MS = 10000 };

socklen_t address_len(const union address *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

static void parse_address(union address *a, const char *ip, long port)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, ip, &a->in.sin_addr) == 1) {
		a->sa.sa_family = AF_INET;
		a->in.sin_port = htons((uint16_t)port);
	} else if (inet_pton(AF_INET6, ip, &a->in6.sin6_addr) == 1) {
		a->sa.sa_family = AF_INET6;
		a->in6.sin6_port = htons((uint16_t)port);
	} else {
		die("'%s' is not an address", ip);
	}
}

/* family=4|6|6only|dual|any|mapped says where a server stands; addr= is more exact. */
static void server_address(struct scenario *s, union address *a, bool *v6only)
{
	static const struct {
		const char *family, *ip;
		bool v6only;
	} places[] = {
		{ "4", "127.0.0.1", false }, { "6", "::1", false },
		{ "6only", "::", true },     { "dual", "::", false },
		{ "any", "0.0.0.0", false }, { "mapped", "::ffff:127.0.0.1", false },
	};
	const char *family = text(s, "family", "4");
	size_t i;

	for (i = 0; i < COUNT(places); i++)
		if (strcmp(places[i].family, family) == 0) {
			*v6only = places[i].v6only;
			parse_address(a, text(s, "addr", places[i].ip),
				      number(s, "port", 0));
			return;
		}
	die("%s: unknown family '%s'", s->name, family);
}

/* Where a client connects to reach a: a wildcard becomes loopback, mapped becomes IPv4.
 */
void reachable(struct scenario *s, int listener, union address *a)
{
	socklen_t len = sizeof(*a);
	uint16_t port;

	must(getsockname(listener, &a->sa, &len), "getsockname");
	if (a->sa.sa_family == AF_INET) {
		if (a->in.sin_addr.s_addr == htonl(INADDR_ANY))
			a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return;
	}
	port = a->in6.sin6_port;
	if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr) ||
	    (IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr) && has(s, "by4"))) {
		parse_address(a, "127.0.0.1", ntohs(port));
	} else if (IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr)) {
		a->in6.sin6_addr = in6addr_loopback;
	}
}

void set_int(int fd, int level, int name, int value, const char *what)
{
	must(setsockopt(fd, level, name, &value, sizeof(value)), what);
}

static void maybe_int(struct scenario *s, int fd, const char *key, int level, int name)
{
	if (has(s, key))
		set_int(fd, level, name, (int)number(s, key, 1), key);
}

/* Options that any inet socket of a scenario may be given. */
static void common_options(struct scenario *s, int fd, int family, bool tcp)
{
	const char *cc = text(s, "cc", NULL), *dev = text(s, "dev", NULL);

	maybe_int(s, fd, "mark", SOL_SOCKET, SO_MARK);
	maybe_int(s, fd, "tos", IPPROTO_IP, IP_TOS);
	if (family == AF_INET6)
		maybe_int(s, fd, "tclass", IPPROTO_IPV6, IPV6_TCLASS);
	if (dev)
		must(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, dev,
				(socklen_t)strlen(dev)),
		     "dev");
	if (tcp && has(s, "keepalive")) {
		set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE");
		set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)number(s, "keepalive", 60),
			"TCP_KEEPIDLE");
	}
	if (tcp && cc)
		must(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cc,
				(socklen_t)strlen(cc)),
		     "cc");
}

int server_socket(struct scenario *s, int type)
{
	bool v6only, tcp = type == SOCK_STREAM;
	union address a;
	int fd;

	server_address(s, &a, &v6only);
	fd = must(socket(a.sa.sa_family, type | SOCK_CLOEXEC, 0), "socket");
	if (a.sa.sa_family == AF_INET6)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only, "IPV6_V6ONLY");
	if (has(s, "reuseaddr"))
		set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
	if (has(s, "reuseport"))
		set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
	maybe_int(s, fd, "rcvbuf", SOL_SOCKET, SO_RCVBUF);
	common_options(s, fd, a.sa.sa_family, tcp);
	must(bind(fd, &a.sa, address_len(&a)), "bind");
	return fd;
}

int listener_socket(struct scenario *s)
{
	int fd = server_socket(s, SOCK_STREAM);

	maybe_int(s, fd, "defer", IPPROTO_TCP, TCP_DEFER_ACCEPT);
	must(listen(fd, (int)number(s, "backlog", 16)), "listen");
	return fd;
}

void pause_briefly(int *waited_ms, const char *what)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	if (++*waited_ms > DEADLINE_MS)
		die("gave up waiting for %s", what);
	nanosleep(&ms, NULL);
}

/* The address as /proc/net/tcp prints it: words of the machine's byte order in hex. */
static void proc_address(char *dst, size_t size, const union address *a)
{
	if (a->sa.sa_family == AF_INET) {
		snprintf(dst, size, "%08X:%04X", a->in.sin_addr.s_addr,
			 ntohs(a->in.sin_port));
	} else {
		uint32_t w[4];

		memcpy(w, &a->in6.sin6_addr, sizeof(w));
		snprintf(dst, size, "%08X%08X%08X%08X:%04X", w[0], w[1], w[2], w[3],
			 ntohs(a->in6.sin6_port));
	}
}

/* Waits until the kernel lists local -> peer in this state. */
void await_state(const union address *local, const union address *peer, int state)
{
	bool v6 = local->sa.sa_family == AF_INET6;
	char l[48], p[48], want[128], line[512];
	int waited_ms = 0;

	proc_address(l, sizeof(l), local);
	proc_address(p, sizeof(p), peer);
	snprintf(want, sizeof(want), " %s %s %02X ", l, p, (unsigned)state);
	for (;;) {
		FILE *f = fopen(v6 ? "/proc/self/net/tcp6" : "/proc/self/net/tcp", "re");
		bool found = false;

		if (!f)
			die("/proc/self/net/tcp: %s", strerror(errno));
		while (!found && fgets(line, sizeof(line), f))
			found = strstr(line, want) != NULL;
		fclose(f);
		if (found)
			return;
		pause_briefly(&waited_ms, want);
	}
}

void await_own_state(int fd, int state)
{
	int waited_ms = 0;

	for (;;) {
		struct tcp_info info = { 0 };
		socklen_t len = sizeof(info);

		must(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), "TCP_INFO");
		if (info.tcpi_state == state)
			return;
		pause_briefly(&waited_ms, "a state");
	}
}

/* Waits until the listener's accept queue holds n: tcpi_unacked repeats sk_ack_backlog.
 */
void await_queued(int listener, unsigned n)
{
	int waited_ms = 0;

	for (;;) {
		struct tcp_info info = { 0 };
		socklen_t len = sizeof(info);

		must(getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &len),
		     "TCP_INFO");
		if (info.tcpi_unacked == n)
			return;
		pause_briefly(&waited_ms, "the accept queue");
	}
}

int client_socket(struct scenario *s, const union address *to, bool wait)
{
	int fd = must(socket(to->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	maybe_int(s, fd, "sndbuf", SOL_SOCKET, SO_SNDBUF);
	maybe_int(s, fd, "crcvbuf", SOL_SOCKET, SO_RCVBUF);
	common_options(s, fd, to->sa.sa_family, true);
	if (has(s, "from") || has(s, "cport")) {
		union address from;

		parse_address(&from,
			      text(s, "from",
				   to->sa.sa_family == AF_INET ? "127.0.0.1" : "::1"),
			      number(s, "cport", 0));
		must(bind(fd, &from.sa, address_len(&from)), "bind client");
	}
	nonblocking(fd, true);
	if (connect(fd, &to->sa, address_len(to)) != 0 && errno != EINPROGRESS)
		die("connect: %s", strerror(errno));
	if (wait)
		await_own_state(fd, ESTABLISHED);
	return fd;
}

void own_address(int fd, union address *a)
{
	socklen_t len = sizeof(*a);

	must(getsockname(fd, &a->sa, &len), "getsockname");
}

void peer_address(int fd, union address *a)
{
	socklen_t len = sizeof(*a);

	must(getpeername(fd, &a->sa, &len), "getpeername");
}
