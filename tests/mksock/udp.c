/* UDP: bound, connected, with waiting datagrams, with drops. */
#include <errno.h>
#include <string.h>

#include "inet.h"

/* A UDP server; connected= gives it a peer, queued= datagrams of size= wait in it, drops
 * keeps sending until the kernel had to throw some away. */
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
	if (has(s, "drops"))
		for (i = 0; i < 2000; i++)
			if (send(client, datagram, 1000, 0) != 1000)
				die("send: %s", strerror(errno));
	tell(s, has(s, "connected") ? "ESTABLISHED" : "CLOSE", fd, "server");
	tell(s, "ESTABLISHED", client, "client");
}

const struct maker udp_makers[] = {
	{ "udp", make_udp, "connected queued= size= drops rcvbuf= family= port=" },
	{ NULL, NULL, NULL },
};
