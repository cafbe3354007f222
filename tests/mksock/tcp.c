/* TCP in every state, over IPv4, IPv6 and v4-mapped IPv6. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "inet.h"

static void send_bytes(int fd, long n)
{
	static const char chunk[4096];

	while (n > 0) {
		size_t len = (size_t)n < sizeof(chunk) ? (size_t)n : sizeof(chunk);
		ssize_t done = write(fd, chunk, len);

		if (done < 0)
			die("write: %s", strerror(errno));
		n -= done;
	}
}

/* Waits until exactly n unread bytes are there. */
static void await_unread(int fd, long n)
{
	static char bytes[1 << 20];
	int waited_ms = 0;

	while (recv(fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT) < n)
		pause_briefly(&waited_ms, "data");
}

/* Writes until the peer's window and our send buffer are full; returns the bytes. */
static long fill(int fd)
{
	static const char chunk[4096];
	int quiet = 0, waited_ms = 0;
	long total = 0;

	/* The kernel still moves data after the first refusal: full is refused for long.
	 */
	while (quiet < 50) {
		ssize_t n = write(fd, chunk, sizeof(chunk));

		if (n > 0) {
			total += n;
			quiet = 0;
		} else if (errno == EAGAIN) {
			quiet++;
			pause_briefly(&waited_ms, "a full send buffer");
		} else {
			die("write: %s", strerror(errno));
		}
	}
	return total;
}

static void reset(int fd)
{
	struct linger l = { .l_onoff = 1, .l_linger = 0 };

	must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), "SO_LINGER");
	close(fd);
}

/*
 * A listener that nobody accepts from: queued= clients wait, each with data= bytes; fin=
 * more have sent their FIN as well; rst= more gave up; syn_sent= more found the queue
 * full; syn_recv= wait for defer=. The order is: queued, fin, rst, syn_sent.
 */
static void make_listen(struct scenario *s)
{
	int listener = listener_socket(s), fd;
	long queued = number(s, "queued", 0), fin = number(s, "fin", 0);
	long rst = number(s, "rst", 0), sent = number(s, "syn_sent", 0);
	long half = number(s, "syn_recv", 0), i;
	union address to, own;

	tell(s, "LISTEN", listener, "listener");
	reachable(s, listener, &to);
	for (i = 0; i < queued + fin + rst; i++) {
		fd = client_socket(s, &to, true);
		send_bytes(fd, number(s, "data", 0));
		await_queued(listener, (unsigned)i + 1);
		if (i < queued) {
			tell_nth(s, "ESTABLISHED", fd, "client", i);
		} else if (i < queued + fin) {
			must(shutdown(fd, SHUT_WR), "shutdown");
			await_own_state(fd, FIN_WAIT2);
			tell_nth(s, "FIN_WAIT2", fd, "fin", i - queued);
		} else {
			reset(fd);
		}
	}
	for (i = 0; i < sent; i++) {
		fd = client_socket(s, &to, false);
		await_own_state(fd, SYN_SENT);
		tell_nth(s, "SYN_SENT", fd, "syn", i);
	}
	for (i = 0; i < half; i++) {
		fd = client_socket(s, &to, true);
		own_address(fd, &own);
		await_state(&to, &own, SYN_RECV);
		tell_nth(s, "ESTABLISHED", fd, "half", i);
	}
}

/* SO_REUSEPORT: n= listeners on one port, clients= connections spread over them. */
static void make_group(struct scenario *s)
{
	long n = number(s, "n", 2), clients = number(s, "clients", 0), i;
	union address a, to;
	int first = -1;

	if (!has(s, "reuseport"))
		die("group: wants reuseport");
	for (i = 0; i < n; i++) {
		int fd;

		if (i == 0) {
			fd = first = listener_socket(s);
			own_address(fd, &a);
		} else {
			fd = must(socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0),
				  "socket");
			set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
			must(bind(fd, &a.sa, address_len(&a)), "bind");
			must(listen(fd, (int)number(s, "backlog", 16)), "listen");
		}
		tell_nth(s, "LISTEN", fd, "listener", i);
	}
	reachable(s, first, &to);
	for (i = 0; i < clients; i++)
		tell_nth(s, "ESTABLISHED", client_socket(s, &to, true), "client", i);
}

struct ends {
	int listener, client, server;
};

static struct ends connected(struct scenario *s)
{
	struct ends e;
	union address to;

	e.listener = listener_socket(s);
	reachable(s, e.listener, &to);
	e.client = client_socket(s, &to, true);
	await_queued(e.listener, 1);
	e.server = must(accept(e.listener, NULL, NULL), "accept");
	nonblocking(e.server, true);
	return e;
}

/* One more of the same listener. */
static void next_connection(struct scenario *s, struct ends *e, const union address *to)
{
	e->client = client_socket(s, to, true);
	await_queued(e->listener, 1);
	e->server = must(accept(e->listener, NULL, NULL), "accept");
	nonblocking(e->server, true);
}

/* Accepted: the listener goes, unless listener says that it stays. */
static void end_listener(struct scenario *s, const struct ends *e)
{
	if (has(s, "listener"))
		tell(s, "LISTEN", e->listener, "listener");
	else
		close(e->listener);
}

/* n= open connections, client0 server0 ...; recv= bytes unread at the server, full = the
 * client's send queue is stuck behind the server's closed window. */
static void make_established(struct scenario *s)
{
	long n = number(s, "n", 1), recv_bytes = number(s, "recv", 0), i;
	bool full = has(s, "full");
	struct ends e = connected(s);
	union address to;

	reachable(s, e.listener, &to);
	for (i = 0;; i++) {
		send_bytes(e.client, recv_bytes);
		await_unread(e.server, recv_bytes ? recv_bytes : -1);
		if (full)
			tell_more(s, "sent=%ld", fill(e.client));
		tell_nth(s, "ESTABLISHED", e.client, "client", i);
		tell_nth(s, "ESTABLISHED", e.server, "server", i);
		if (i + 1 == n)
			break;
		next_connection(s, &e, &to);
	}
	end_listener(s, &e);
}

/* The server has the client's FIN and does not close: unread= bytes are still there, else
 * it has read to the end. The client is in FIN_WAIT2: owned, or orphan (a mini-socket).
 */
static void close_wait(struct scenario *s, const struct ends *e, const char *server_role,
		       const char *client_role)
{
	long unread = number(s, "unread", 0);
	union address client, server;
	struct facts f;
	char byte;

	send_bytes(e->client, unread);
	await_unread(e->server, unread ? unread : -1);
	f = facts_of(e->client);
	own_address(e->client, &client);
	peer_address(e->client, &server);
	if (has(s, "orphan")) {
		close(e->client);
		await_own_state(e->server, CLOSE_WAIT);
		await_state(&client, &server, FIN_WAIT2);
		tell_closed(s, "FIN_WAIT2", &f, client_role);
	} else {
		must(shutdown(e->client, SHUT_WR), "shutdown");
		await_own_state(e->server, CLOSE_WAIT);
		await_own_state(e->client, FIN_WAIT2);
		tell(s, "FIN_WAIT2", e->client, client_role);
	}
	if (!unread && !has(s, "unread_fin") && read(e->server, &byte, 1) != 0)
		die("close_wait: no end of file");
	tell(s, "CLOSE_WAIT", e->server, server_role);
}

/* n= of them have numbered roles. */
static void make_close_wait(struct scenario *s)
{
	struct ends e = connected(s);
	long n = number(s, "n", 1), i;
	union address to;

	reachable(s, e.listener, &to);
	for (i = 0; i < n; i++) {
		char server[32] = "server", client[32] = "client";

		if (i)
			next_connection(s, &e, &to);
		if (has(s, "n")) {
			snprintf(server, sizeof(server), "server%ld", i);
			snprintf(client, sizeof(client), "client%ld", i);
		}
		close_wait(s, &e, server, client);
	}
	end_listener(s, &e);
}

/*
 * The client's FIN is stuck behind the data that the server does not read. fin_wait1: the
 * client has closed; last_ack: the server had said its FIN before; closing: after.
 */
static void make_stuck(struct scenario *s)
{
	bool last_ack = strcmp(s->name, "last_ack") == 0;
	bool closing = strcmp(s->name, "closing") == 0;
	const char *state = last_ack ? "LAST_ACK" : closing ? "CLOSING" : "FIN_WAIT1";
	int number_of = last_ack ? LAST_ACK : closing ? CLOSING : FIN_WAIT1;
	struct ends e = connected(s);
	union address client, server;
	struct facts f;

	fill(e.client);
	own_address(e.client, &client);
	peer_address(e.client, &server);
	f = facts_of(e.client);
	if (last_ack) {
		must(shutdown(e.server, SHUT_WR), "shutdown");
		await_own_state(e.client, CLOSE_WAIT);
	}
	if (has(s, "owned"))
		must(shutdown(e.client, SHUT_WR), "shutdown");
	else
		close(e.client);
	if (closing) {
		await_state(&client, &server, FIN_WAIT1);
		must(shutdown(e.server, SHUT_WR), "shutdown");
	}
	await_state(&client, &server, number_of);
	if (has(s, "owned"))
		tell(s, state, e.client, "client");
	else
		tell_closed(s, state, &f, "client");
	tell(s, last_ack || closing ? "FIN_WAIT2" : "ESTABLISHED", e.server, "server");
	end_listener(s, &e);
}

/* The client closed first; with server, the server did. Both are gone but for the row. */
static void time_wait(struct scenario *s, const struct ends *e, const char *role)
{
	bool server_first = has(s, "server");
	int first = server_first ? e->server : e->client;
	int second = server_first ? e->client : e->server;
	union address local, peer;
	struct facts f = facts_of(first);
	char byte;

	own_address(first, &local);
	peer_address(first, &peer);
	must(shutdown(first, SHUT_WR), "shutdown");
	await_own_state(second, CLOSE_WAIT);
	if (read(second, &byte, 1) != 0)
		die("time_wait: no end of file");
	close(second);
	if (!has(s, "lost"))
		await_state(&local, &peer, TIME_WAIT);
	close(first);
	tell_closed(s, "TIME_WAIT", &f, role);
}

/* n= of them have numbered roles; lost: the kernel may have no room for the row. */
static void make_time_wait(struct scenario *s)
{
	struct ends e = connected(s);
	long n = number(s, "n", 1), i;
	union address to;

	reachable(s, e.listener, &to);
	for (i = 0; i < n; i++) {
		char role[32] = "socket";

		if (i)
			next_connection(s, &e, &to);
		if (has(s, "n"))
			snprintf(role, sizeof(role), "socket%ld", i);
		time_wait(s, &e, role);
	}
	end_listener(s, &e);
}

/* A client of a server that somebody else made. */
static void make_client(struct scenario *s)
{
	union address to = { .in = { .sin_family = AF_INET } };

	to.in.sin_port = htons((uint16_t)number(s, "port", 0));
	if (inet_pton(AF_INET, text(s, "to", "127.0.0.1"), &to.in.sin_addr) != 1)
		die("client: to= wants an IPv4 address");
	tell(s, "ESTABLISHED", client_socket(s, &to, true), "client");
}

static void make_bound(struct scenario *s)
{
	tell(s, "BOUND_INACTIVE", server_socket(s, SOCK_STREAM), "bound");
}

const struct maker tcp_makers[] = {
	{ "listen", make_listen,
	  "family= addr= port= backlog= queued= data= fin= rst= syn_sent= defer= syn_recv=" },
	{ "group", make_group, "reuseport n= clients= family= port=" },
	{ "established", make_established,
	  "n= quiet recv= full rcvbuf= sndbuf= listener family=" },
	{ "close_wait", make_close_wait,
	  "n= unread= unread_fin orphan listener family=" },
	{ "fin_wait1", make_stuck, "owned rcvbuf= sndbuf= family=" },
	{ "last_ack", make_stuck, "owned rcvbuf= sndbuf= family=" },
	{ "closing", make_stuck, "owned rcvbuf= sndbuf= family=" },
	{ "time_wait", make_time_wait, "n= server lost listener family=" },
	{ "client", make_client, "to= port= from= cport= sndbuf=" },
	{ "bound", make_bound, "family= addr= port= reuseaddr reuseport" },
	{ NULL, NULL, NULL },
};
