#include "net/scan/syn_filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum {
	LENGTH_MOST = 80,
	/* Where a jump leads that is not to the next one; resolved at the end. */
	TAKE = 255,
	DROP = 254,
	TCP_AT = 253, /* the part for TCP, behind the one for ICMP */
	SYN_AT = 252, /* the part for SYNs, at the end */
};

struct program {
	struct sock_filter code[LENGTH_MOST];
	unsigned n, tcp_at, syn_at;
};

static void put(struct program *g, unsigned code, uint32_t k)
{
	g->code[g->n++] = (struct sock_filter)BPF_STMT((uint16_t)code, k);
}

static void put_jump(struct program *g, unsigned how, uint32_t k, unsigned yes,
		     unsigned no)
{
	g->code[g->n++] = (struct sock_filter)BPF_JUMP((uint16_t)(BPF_JMP | how), k,
						       (uint8_t)yes, (uint8_t)no);
}

/* X is the length of the IP header: what stands so far behind it. */
static void load(struct program *g, unsigned size, uint32_t at)
{
	put(g, BPF_LD | size | BPF_IND, at);
}

static void load_extra(struct program *g, int what)
{
	put(g, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + what));
}

/* The protocol in A, the length of the header in X; later fragments are no matter. */
static void put_ip(struct program *g, bool four)
{
	load_extra(g, SKF_AD_PROTOCOL);
	put_jump(g, BPF_JEQ | BPF_K, four ? ETH_P_IP : ETH_P_IPV6, 0, DROP);
	if (four) {
		put(g, BPF_LD | BPF_H | BPF_ABS, 6);
		put_jump(g, BPF_JSET | BPF_K, 0x1fff, DROP, 0);
		put(g, BPF_LDX | BPF_B | BPF_MSH, 0);
		put(g, BPF_LD | BPF_B | BPF_ABS, 9);
	} else {
		put(g, BPF_LDX | BPF_IMM, 40);
		put(g, BPF_LD | BPF_B | BPF_ABS, 6);
	}
}

/* The errors that may be about a SYN. */
static void put_icmp(struct program *g, bool four)
{
	static const uint8_t types[2][3] = { { 1, 3, 4 }, { 3, 11, 12 } };

	put_jump(g, BPF_JEQ | BPF_K, four ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6, 0,
		 TCP_AT);
	load_extra(g, SKF_AD_PKTTYPE);
	put_jump(g, BPF_JEQ | BPF_K, PACKET_OUTGOING, DROP, 0);
	load(g, BPF_B, 0);
	put_jump(g, BPF_JEQ | BPF_K, types[four][0], TAKE, 0);
	put_jump(g, BPF_JEQ | BPF_K, types[four][1], TAKE, 0);
	put_jump(g, BPF_JEQ | BPF_K, types[four][2], TAKE, DROP);
}

/* A SYN with ACK, a RST with ACK, of any addresses and ports: they come back to what left
 * this host, which may be something else than we wrote. */
static void put_tcp(struct program *g)
{
	g->tcp_at = g->n;
	put_jump(g, BPF_JEQ | BPF_K, IPPROTO_TCP, 0, DROP);
	load(g, BPF_B, 13);
	put(g, BPF_ALU | BPF_AND | BPF_K, 0x16);
	put_jump(g, BPF_JEQ | BPF_K, 0x02, SYN_AT, 0);
	put_jump(g, BPF_JEQ | BPF_K, 0x12, 1, 0);
	put_jump(g, BPF_JEQ | BPF_K, 0x14, 0, DROP);
	load_extra(g, SKF_AD_PKTTYPE);
	put_jump(g, BPF_JEQ | BPF_K, PACKET_OUTGOING, DROP, TAKE);
}

static void put_addr(struct program *g, const struct addr *a, uint32_t at, bool four)
{
	unsigned i;

	for (i = 0; i < (four ? 4 : 16); i += 4) {
		const uint8_t *b = a->ip + i;

		put(g, BPF_LD | BPF_W | BPF_ABS, at + i);
		put_jump(g, BPF_JEQ | BPF_K,
			 (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
				 (uint32_t)b[2] << 8 | b[3],
			 0, TAKE);
	}
}

/* A is the port: the number of its SYN, as syn_number() has it. X is lost. */
static void put_number(struct program *g, const struct syn_path *p)
{
	size_t i;

	put(g, BPF_ALU | BPF_XOR | BPF_K, (uint32_t)p->secret);
	for (i = 0; i < ARRAY_SIZE(syn_mix); i++) {
		put(g, BPF_MISC | BPF_TAX, 0);
		put(g, BPF_ALU | BPF_RSH | BPF_K, syn_mix[i].shift);
		put(g, BPF_ALU | BPF_XOR | BPF_X, 0);
		put(g, BPF_ALU | BPF_MUL | BPF_K, syn_mix[i].factor);
	}
	put(g, BPF_ALU | BPF_XOR | BPF_K, (uint32_t)(p->secret >> 32));
}

/* A SYN of ours, by its timestamp, that leaves and has another address or port. */
static void put_syn(struct program *g, const struct syn_path *p, bool four)
{
	g->syn_at = g->n;
	load_extra(g, SKF_AD_PKTTYPE);
	put_jump(g, BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, DROP);
	load(g, BPF_W, SYN_TIME_AT);
	put(g, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)0xff);
	put_jump(g, BPF_JEQ | BPF_K, syn_time_base(p), 0, DROP);
	put_addr(g, &p->src, four ? 12 : 8, four);
	put_addr(g, &p->dst, four ? 16 : 24, four);
	load(g, BPF_H, 0);
	put_jump(g, BPF_JEQ | BPF_K, p->sport, 0, TAKE);
	load(g, BPF_W, 4);
	put(g, BPF_ST, 0);
	load(g, BPF_H, 2);
	put_number(g, p);
	put(g, BPF_LDX | BPF_W | BPF_MEM, 0);
	put_jump(g, BPF_JEQ | BPF_X, 0, DROP, TAKE);
}

static uint8_t distance(const struct program *g, unsigned from, unsigned to)
{
	unsigned at = to == TAKE     ? g->n - 2
		      : to == DROP   ? g->n - 1
		      : to == TCP_AT ? g->tcp_at
		      : to == SYN_AT ? g->syn_at
				     : from + 1 + to;

	return (uint8_t)(at - from - 1);
}

static void resolve(struct program *g)
{
	unsigned i;

	for (i = 0; i < g->n; i++) {
		struct sock_filter *s = &g->code[i];

		if (BPF_CLASS(s->code) != BPF_JMP)
			continue;
		s->jt = distance(g, i, s->jt);
		s->jf = distance(g, i, s->jf);
	}
}

int syn_filter_attach(int fd, const struct syn_path *p, uint32_t snap)
{
	bool four = p->dst.family == AF_INET;
	struct program g = { .n = 0 };
	struct sock_fprog program;

	put_ip(&g, four);
	put_icmp(&g, four);
	put_tcp(&g);
	put_syn(&g, p, four);
	put(&g, BPF_RET | BPF_K, snap);
	put(&g, BPF_RET | BPF_K, 0);
	resolve(&g);
	program = (struct sock_fprog){ (unsigned short)g.n, g.code };
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ==
			       0
		       ? 0
		       : -errno;
}
