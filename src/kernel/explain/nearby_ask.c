#include "kernel/explain/nearby_ask.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* What leaves by the loopback interface, from this TCP port or to it. */
static bool attach(int fd, bool four, uint16_t port)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 12),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 (uint32_t)(SKF_AD_OFF + SKF_AD_HATYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARPHRD_LOOPBACK, 0, 10),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, four ? ETH_P_IP : ETH_P_IPV6, 0, 8),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, four ? 9 : 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 6),
		four ? (struct sock_filter)BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0)
		     : (struct sock_filter)BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 40),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 2, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SNAP),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ==
	       0;
}

/* Deaf until the filter is in place. -1 without the right. */
static int open_ear(bool four, uint16_t port)
{
	struct sockaddr_ll every = { .sll_family = AF_PACKET,
				     .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && attach(fd, four, port) &&
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
static void take(const uint8_t *p, size_t len, bool four, const struct addr *asked,
		 uint16_t port, struct nearby_facts *f)
{
	size_t head = four ? (size_t)(p[0] & 15) * 4 : 40;
	struct addr to = { .family = asked->family };
	const uint8_t *t = p + head;
	uint8_t flags;

	if (len < head + 20)
		return;
	flags = t[13] & (TH_SYN | TH_RST | TH_ACK);
	if (flags == (TH_RST | TH_ACK) && get16(t + 2) == port)
		f->here = KNOWN_ON;
	if (flags != TH_SYN || get16(t) != port)
		return;
	memcpy(to.ip, p + (four ? 16 : 24), four ? 4 : 16);
	to.port = get16(t + 2);
	f->to = to;
}

static void read_ear(int ear, bool four, const struct addr *asked, uint16_t port,
		     struct nearby_facts *f)
{
	uint8_t packet[SNAP];
	unsigned i;
	ssize_t n;

	if (ear < 0)
		return;
	f->here = KNOWN_OFF;
	for (i = 0; i < PACKETS_MOST; i++) {
		n = recv(ear, packet, sizeof(packet), 0);
		if (n < 0)
			return;
		if (n >= 20)
			take(packet, (size_t)n, four, asked, port, f);
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

static bool is_refused(int fd, const struct addr *to)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(to, &ss);
	int err = 0;

	if (connect(fd, (const struct sockaddr *)&ss, len) == 0)
		return false;
	if (errno != EINPROGRESS)
		return errno == ECONNREFUSED;
	if (poll(&p, 1, PATIENCE_MS) <= 0)
		return false;
	len = sizeof(err);
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 &&
	       err == ECONNREFUSED;
}

void explain_nearby(const struct addr *asked, const struct addr *from,
		    struct nearby_facts *f)
{
	_cleanup_close_ int fd = -1, ear = -1;
	struct addr to = addr_unmapped(asked), own = addr_unmapped(from);
	struct silent_hop hop = { 0 };
	bool four = to.family == AF_INET;
	uint16_t port;

	*f = (struct nearby_facts){ .asker = geteuid(), .here = KNOWN_NOT };
	neighbour_of(&to, to.scope, 0, &hop);
	if (hop.addr.family && !addr_same_ip(&hop.addr, &to))
		f->gateway = hop.addr;
	fd = open_short(&to, &own, &port);
	if (fd < 0)
		return;
	ear = open_ear(four, port);
	/* A neighbour gets it in any case, and nothing would be learnt. */
	if (ear < 0 && !f->gateway.family)
		return;
	f->again = is_refused(fd, &to);
	if (f->again)
		read_ear(ear, four, &to, port, f);
}
