#include "net/socket/overhear.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/packet_filter.h"

enum {
	SNAP = 128, /* the IP header with its options, and ports and flags behind it */
	AT_MOST = 4096, /* packets in a turn: a peer may send without end */
	PLACES = 4,
	UDP_HEADER = 8,
	TCP_FLAGS = 13,
};

/* --- the filter --- */

/* The ports and flags are behind the IP header, whose length is X. */
static void add_transport(struct packet_filter *p, const struct overhear_end *e,
			  unsigned next)
{
	packet_filter_load_behind(p, BPF_H, 0);
	packet_filter_is(p, e->peer.port, next);
	if (e->our_port) {
		packet_filter_load_behind(p, BPF_H, 2);
		packet_filter_is(p, e->our_port, next);
	}
	if (e->udp) {
		packet_filter_put(p, BPF_RET | BPF_K, SNAP);
		return;
	}
	packet_filter_load_behind(p, BPF_B, TCP_FLAGS);
	packet_filter_jump(p, BPF_JMP | BPF_JSET | BPF_K, TH_SYN | TH_RST, PACKET_TAKE,
			   next);
}

/* What is not of this end is looked at for the next. */
static void add_end(struct packet_filter *p, const struct overhear_end *e, unsigned next)
{
	struct addr peer = addr_unmapped(&e->peer);
	bool four = peer.family == AF_INET;

	packet_filter_load(p, BPF_B, 0);
	packet_filter_put(p, BPF_ALU | BPF_AND | BPF_K, 0xf0);
	packet_filter_is(p, four ? 0x40 : 0x60, next);
	packet_filter_load(p, BPF_B, four ? 9 : 6);
	packet_filter_is(p, e->udp ? IPPROTO_UDP : IPPROTO_TCP, next);
	packet_filter_is_bytes(p, four ? 12 : 8, peer.ip, four ? 4 : 16, next);
	packet_filter_x_head(p, four);
	add_transport(p, e, next);
	packet_filter_label(p, next);
}

static int attach(int fd, const struct overhear_end *ends, size_t n)
{
	struct packet_filter p = { .n = 0 };
	size_t i;

	for (i = 0; i < n; i++)
		add_end(&p, &ends[i], PACKET_LABEL + (unsigned)i);
	packet_filter_put(&p, BPF_RET | BPF_K, 0);
	return packet_filter_attach(&p, fd, SNAP);
}

/* Deaf until the filter is in place. Of all protocols: one of IP alone would listen
 * behind the filters of tc. */
int overhear_open(const struct overhear_end *ends, size_t n)
{
	struct sockaddr_ll every = { .sll_family = AF_PACKET,
				     .sll_protocol = htons(ETH_P_ALL) };
	_cleanup_close_ int fd = socket(AF_PACKET,
					SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, r;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) != 0)
		return -errno;
	r = attach(fd, ends, MIN(n, (size_t)OVERHEAR_MOST));
	if (r < 0)
		return r;
	if (bind(fd, (const struct sockaddr *)&every, sizeof(every)) != 0)
		return -errno;
	return take_fd(&fd);
}

/* --- what came --- */

/* Whether the others have come too is not seen here: no answer, as of IPv6. */
static bool is_fragment(const uint8_t *data)
{
	enum { FLAGS = 6, MORE_AND_OFFSET = 0x3f };

	return (data[FLAGS] & MORE_AND_OFFSET) || data[FLAGS + 1];
}

/* The ports, big endian, behind the header of IP; NULL if it is not between the two. */
static const uint8_t *between(const uint8_t *data, size_t len, const struct addr *peer,
			      const struct addr *ours)
{
	bool four = peer->family == AF_INET;
	size_t head, size = four ? 4 : 16, from = four ? 12 : 8;

	if (len < (four ? 20u : 40u) || (four && is_fragment(data)))
		return NULL;
	head = four ? (size_t)(data[0] & 15) * 4 : 40;
	if (head < (four ? 20u : 40u) || len < head + UDP_HEADER ||
	    memcmp(data + from, peer->ip, size) != 0 ||
	    memcmp(data + from + size, ours->ip, size) != 0)
		return NULL;
	return data + head;
}

static bool is_answer(const uint8_t *data, size_t len, const struct addr *peer,
		      const struct addr *ours, bool udp)
{
	const uint8_t *at = between(data, len, peer, ours);
	uint8_t flags;

	if (!at || (at[0] << 8 | at[1]) != peer->port ||
	    (at[2] << 8 | at[3]) != ours->port)
		return false;
	if (udp)
		return true;
	if ((size_t)(at - data) + TCP_FLAGS >= len)
		return false;
	flags = at[TCP_FLAGS];
	return flags & TH_RST || (flags & (TH_SYN | TH_ACK)) == (TH_SYN | TH_ACK);
}

struct place {
	uint32_t ifindex;
	uint64_t seen;
};

/* What a bridge or a bond is made of hears an answer, too, and before: the last is the
 * interface that IP takes it from. */
static void count_at(struct place *at, uint32_t ifindex, struct overheard *o)
{
	size_t i = 0;

	o->ifindex = ifindex;
	while (i < PLACES - 1 && at[i].ifindex && at[i].ifindex != ifindex)
		i++;
	at[i].ifindex = ifindex;
	at[i].seen++;
	o->seen = MAX(o->seen, at[i].seen);
}

void overhear_take(int fd, const struct addr *peer, const struct addr *ours, bool udp,
		   struct overheard *o)
{
	struct addr a = addr_unmapped(peer), b = addr_unmapped(ours);
	struct tpacket_stats stats = { 0 };
	socklen_t stats_len = sizeof(stats);
	struct place at[PLACES] = { 0 };
	uint8_t data[SNAP];
	unsigned i;

	*o = (struct overheard){ 0 };
	for (i = 0; i < AT_MOST; i++) {
		struct sockaddr_ll from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, data, sizeof(data), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &from_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (from.sll_pkttype != PACKET_HOST || a.family != b.family ||
		    !is_answer(data, (size_t)n, &a, &b, udp))
			continue;
		count_at(at, (uint32_t)from.sll_ifindex, o);
	}
	o->missed = i == AT_MOST ||
		    getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &stats_len) !=
			    0 ||
		    stats.tp_drops;
}
