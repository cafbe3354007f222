#include "kernel/explain/nearby_ask.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/packet_filter.h"
#include "kernel/netlink/neighbour.h"

enum {
	PATIENCE_MS = 100, /* the next hop answers sooner */
	PACKETS_MOST = 64,
	SNAP = 128,
};

static void set(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof(value));
}

/* What leaves this host from this TCP port, or to it, and what leaves for the address
 * that was asked, whatever port NAT has given it. */
static bool attach(int fd, const struct addr *asked, uint16_t port)
{
	enum { NOT_OURS = PACKET_LABEL };
	struct packet_filter p = { .n = 0 };
	bool four = asked->family == AF_INET;

	packet_filter_load_extra(&p, SKF_AD_PKTTYPE);
	packet_filter_is(&p, PACKET_OUTGOING, PACKET_DROP);
	packet_filter_load_extra(&p, SKF_AD_PROTOCOL);
	packet_filter_is(&p, four ? ETH_P_IP : ETH_P_IPV6, PACKET_DROP);
	packet_filter_load(&p, BPF_B, four ? 9 : 6);
	packet_filter_is(&p, IPPROTO_TCP, PACKET_DROP);
	packet_filter_x_head(&p, four);
	packet_filter_load_behind(&p, BPF_H, 0);
	packet_filter_jump(&p, BPF_JMP | BPF_JEQ | BPF_K, port, PACKET_TAKE, PACKET_NEXT);
	packet_filter_load_behind(&p, BPF_H, 2);
	packet_filter_jump(&p, BPF_JMP | BPF_JEQ | BPF_K, port, PACKET_TAKE, PACKET_NEXT);
	packet_filter_is(&p, asked->port, PACKET_DROP);
	packet_filter_is_bytes(&p, four ? 16 : 24, asked->ip, four ? 4 : 16, PACKET_DROP);
	return packet_filter_attach(&p, fd, SNAP) == 0;
}

/* Deaf until the filter is in place. -1 without the right. */
static int open_ear(const struct addr *asked, uint16_t port)
{
	struct sockaddr_ll every = { .sll_family = AF_PACKET,
				     .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && attach(fd, asked, port) &&
	    bind(fd, (const struct sockaddr *)&every, sizeof(every)) == 0)
		return fd;
	close_fd(fd);
	return -1;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* A packet that the filter let pass, from its IP header on. */
static void take(const uint8_t *p, size_t len, bool lo, const struct addr *asked,
		 uint16_t port, struct nearby_facts *f)
{
	bool four = asked->family == AF_INET;
	size_t head = four ? (size_t)(p[0] & 15) * 4 : 40;
	struct addr to = { .family = asked->family };
	const uint8_t *t = p + head;
	uint8_t flags;

	if (len < head + 20)
		return;
	flags = t[13] & (TH_SYN | TH_RST | TH_ACK);
	if (lo && flags == (TH_RST | TH_ACK) && get16(t + 2) == port)
		f->here = KNOWN_ON;
	if (flags != TH_SYN)
		return;
	memcpy(to.ip, p + (four ? 16 : 24), four ? 4 : 16);
	to.port = get16(t + 2);
	if (!lo && addr_same_ip(&to, asked) && to.port == asked->port)
		f->left = KNOWN_ON;
	else if (get16(t) == port)
		*(lo ? &f->to : &f->sent_to) = to;
}

static void read_ear(int ear, const struct addr *asked, uint16_t port,
		     struct nearby_facts *f)
{
	uint8_t packet[SNAP];
	unsigned i;

	if (ear < 0)
		return;
	f->here = f->left = KNOWN_OFF;
	for (i = 0; i < PACKETS_MOST; i++) {
		struct sockaddr_ll from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(ear, packet, sizeof(packet), 0,
				     (struct sockaddr *)&from, &from_len);

		if (n < 0)
			return;
		if (n >= 20)
			take(packet, (size_t)n, from.sll_hatype == ARPHRD_LOOPBACK, asked,
			     port, f);
	}
}

/* A socket with a port of its own, whose packets no router passes on. */
static int open_short(const struct addr *to, const struct addr *from, uint16_t *port)
{
	int fd = socket(to->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool four = to->family == AF_INET;
	struct addr own = from->family ? *from : (struct addr){ .family = to->family };
	struct sockaddr_storage ss;
	socklen_t len;

	if (fd < 0)
		return -1;
	/* Any error that comes back ends it at once. */
	if (four) {
		set(fd, IPPROTO_IP, IP_TTL, 1);
		set(fd, IPPROTO_IP, IP_RECVERR, 1);
	} else {
		set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1);
		set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	}
	own.port = 0;
	len = addr_to_sockaddr(&own, &ss);
	if (bind(fd, (const struct sockaddr *)&ss, len) == 0 &&
	    (len = sizeof(ss), getsockname(fd, (struct sockaddr *)&ss, &len)) == 0 &&
	    addr_from_sockaddr(&own, (const struct sockaddr *)&ss, len)) {
		*port = own.port;
		return fd;
	}
	close(fd);
	return -1;
}

/* What came of it: 0, an errno, or EINPROGRESS where nothing did. */
static int result_of(int fd, const struct addr *to)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(to, &ss);
	int err = 0;

	if (connect(fd, (const struct sockaddr *)&ss, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (poll(&p, 1, PATIENCE_MS) <= 0)
		return EINPROGRESS;
	len = sizeof(err);
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 ? err : errno;
}

void explain_nearby(const struct addr *asked, const struct addr *from,
		    struct nearby_facts *f)
{
	_cleanup_close_ int fd = -1, ear = -1;
	struct addr to = addr_unmapped(asked), own = addr_unmapped(from);
	struct silent_hop hop = { 0 };
	uint16_t port;
	int err;

	*f = (struct nearby_facts){ .asker = geteuid(),
				    .here = KNOWN_NOT,
				    .left = KNOWN_NOT };
	neighbour_of(&to, to.scope, 0, &hop);
	if (hop.addr.family && !addr_same_ip(&hop.addr, &to))
		f->gateway = hop.addr;
	fd = open_short(&to, &own, &port);
	if (fd < 0)
		return;
	ear = open_ear(&to, port);
	/* A neighbour gets it in any case, and nothing would be learnt. */
	if (ear < 0 && !f->gateway.family)
		return;
	err = result_of(fd, &to);
	f->again = err == ECONNREFUSED;
	f->taken = err == 0;
	read_ear(ear, &to, port, f);
}
