#include "net/socket/overhear.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/util.h"

enum {
	SNAP = 128, /* the IP header with its options, and ports and flags behind it */
	STEPS_MOST = 32, /* of one end */
	AT_MOST = 4096,	 /* packets in a turn: a peer may send without end */
	PLACES = 4,
	UDP_HEADER = 8,
	TCP_FLAGS = 13,
};

/* --- the filter --- */

struct program {
	struct sock_filter code[OVERHEAR_MOST * STEPS_MOST + 1];
	size_t n, end_at; /* where the steps of this end begin */
};

static void step(struct program *p, uint16_t code, uint32_t k)
{
	p->code[p->n++] = (struct sock_filter)BPF_STMT(code, k);
}

/* Goes on if it is so, and otherwise with the next end: close_end() fills in where. */
static void only(struct program *p, uint16_t how, uint32_t k)
{
	p->code[p->n++] = (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | BPF_K | how),
						       k, 0, 1);
}

static void load_is(struct program *p, uint16_t size, uint32_t at, uint32_t k)
{
	step(p, (uint16_t)(BPF_LD | BPF_ABS | size), at);
	only(p, BPF_JEQ, k);
}

static void close_end(struct program *p)
{
	size_t i;

	step(p, BPF_RET | BPF_K, SNAP);
	for (i = p->end_at; i < p->n; i++)
		if (BPF_CLASS(p->code[i].code) == BPF_JMP)
			p->code[i].jf = (uint8_t)(p->n - i - 1);
	p->end_at = p->n;
}

static uint32_t word(const struct addr *a, size_t i)
{
	const uint8_t *b = a->ip + i * 4;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The ports and flags are x + at + ... into the packet. */
static void add_transport(struct program *p, const struct overhear_end *e, uint32_t at)
{
	step(p, BPF_LD | BPF_H | BPF_IND, at);
	only(p, BPF_JEQ, e->peer.port);
	if (e->our_port) {
		step(p, BPF_LD | BPF_H | BPF_IND, at + 2);
		only(p, BPF_JEQ, e->our_port);
	}
	if (e->udp)
		return;
	step(p, BPF_LD | BPF_B | BPF_IND, at + TCP_FLAGS);
	only(p, BPF_JSET, TH_SYN | TH_RST);
}

static void add_end(struct program *p, const struct overhear_end *e)
{
	struct addr peer = addr_unmapped(&e->peer);
	uint32_t proto = e->udp ? IPPROTO_UDP : IPPROTO_TCP, i;
	bool four = peer.family == AF_INET;

	step(p, BPF_LD | BPF_B | BPF_ABS, 0);
	step(p, BPF_ALU | BPF_AND | BPF_K, 0xf0);
	only(p, BPF_JEQ, four ? 0x40 : 0x60);
	load_is(p, BPF_B, four ? 9 : 6, proto);
	for (i = 0; i < (four ? 1u : 4u); i++)
		load_is(p, BPF_W, (four ? 12 : 8) + i * 4, word(&peer, i));
	if (four)
		step(p, BPF_LDX | BPF_B | BPF_MSH, 0);
	else
		step(p, BPF_LDX | BPF_IMM, 40);
	add_transport(p, e, 0);
	close_end(p);
}

static int attach(int fd, const struct overhear_end *ends, size_t n)
{
	struct program p = { .n = 0 };
	struct sock_fprog fprog = { .filter = p.code };
	size_t i;

	for (i = 0; i < n; i++)
		add_end(&p, &ends[i]);
	step(&p, BPF_RET | BPF_K, 0);
	fprog.len = (unsigned short)p.n;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &fprog, sizeof(fprog)) == 0
		       ? 0
		       : -errno;
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

/* The ports, big endian, behind the header of IP; NULL if it is not between the two. */
static const uint8_t *between(const uint8_t *data, size_t len, const struct addr *peer,
			      const struct addr *ours)
{
	bool four = peer->family == AF_INET;
	size_t head, size = four ? 4 : 16, from = four ? 12 : 8;

	if (len < (four ? 20u : 40u))
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
