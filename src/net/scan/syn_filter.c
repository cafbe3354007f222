#include "net/scan/syn_filter.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/packet_filter.h"

enum {
	/* Where a jump leads beside the next step. */
	TCP = PACKET_LABEL, /* the part for TCP, behind the one for ICMP */
	ANSWER,
	SYN, /* the part for SYNs, at the end */
};

/* The protocol in A, the length of the header in X; later fragments are no matter. */
static void put_ip(struct packet_filter *p, bool four)
{
	packet_filter_load_extra(p, SKF_AD_PROTOCOL);
	packet_filter_is(p, four ? ETH_P_IP : ETH_P_IPV6, PACKET_DROP);
	if (four) {
		packet_filter_load(p, BPF_H, 6);
		packet_filter_jump(p, BPF_JMP | BPF_JSET | BPF_K, 0x1fff, PACKET_DROP,
				   PACKET_NEXT);
	}
	packet_filter_x_head(p, four);
	packet_filter_load(p, BPF_B, four ? 9 : 6);
}

static void take_arriving(struct packet_filter *p)
{
	packet_filter_load_extra(p, SKF_AD_PKTTYPE);
	packet_filter_jump(p, BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, PACKET_DROP,
			   PACKET_TAKE);
}

static void equal_to(struct packet_filter *p, uint32_t k, unsigned yes, unsigned no)
{
	packet_filter_jump(p, BPF_JMP | BPF_JEQ | BPF_K, k, yes, no);
}

/* The errors that may be about a SYN. */
static void put_icmp(struct packet_filter *p, bool four)
{
	static const uint8_t types[2][3] = { { 1, 3, 4 }, { 3, 11, 12 } };

	packet_filter_is(p, four ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6, TCP);
	packet_filter_load_behind(p, BPF_B, 0);
	equal_to(p, types[four][0], ANSWER, PACKET_NEXT);
	equal_to(p, types[four][1], ANSWER, PACKET_NEXT);
	equal_to(p, types[four][2], ANSWER, PACKET_DROP);
}

/* A SYN with ACK, a RST with ACK, of any addresses and ports: they come back to what left
 * this host, which may be something else than we wrote. */
static void put_tcp(struct packet_filter *p)
{
	packet_filter_label(p, TCP);
	packet_filter_is(p, IPPROTO_TCP, PACKET_DROP);
	packet_filter_load_behind(p, BPF_B, 13);
	packet_filter_put(p, BPF_ALU | BPF_AND | BPF_K, 0x16);
	equal_to(p, 0x02, SYN, PACKET_NEXT);
	equal_to(p, 0x12, ANSWER, PACKET_NEXT);
	equal_to(p, 0x14, ANSWER, PACKET_DROP);
	packet_filter_label(p, ANSWER);
	take_arriving(p);
}

/* A is the port: the number of its SYN, as syn_number() has it. X is lost. */
static void put_number(struct packet_filter *p, const struct syn_path *path)
{
	size_t i;

	packet_filter_put(p, BPF_ALU | BPF_XOR | BPF_K, (uint32_t)path->secret);
	for (i = 0; i < ARRAY_SIZE(syn_mix); i++) {
		packet_filter_put(p, BPF_MISC | BPF_TAX, 0);
		packet_filter_put(p, BPF_ALU | BPF_RSH | BPF_K, syn_mix[i].shift);
		packet_filter_put(p, BPF_ALU | BPF_XOR | BPF_X, 0);
		packet_filter_put(p, BPF_ALU | BPF_MUL | BPF_K, syn_mix[i].factor);
	}
	packet_filter_put(p, BPF_ALU | BPF_XOR | BPF_K, (uint32_t)(path->secret >> 32));
}

/* A SYN of ours, by its timestamp, that leaves; only one that has another address or
 * port, unless those as we wrote them are asked for, too. */
static void put_syn(struct packet_filter *p, const struct syn_path *path, bool four,
		    bool as_written)
{
	size_t len = four ? 4 : 16;

	packet_filter_label(p, SYN);
	packet_filter_load_extra(p, SKF_AD_PKTTYPE);
	packet_filter_is(p, PACKET_OUTGOING, PACKET_DROP);
	packet_filter_load_behind(p, BPF_W, SYN_TIME_AT);
	packet_filter_put(p, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)0xff);
	packet_filter_is(p, syn_time_base(path), PACKET_DROP);
	if (as_written)
		return;
	packet_filter_is_bytes(p, four ? 12 : 8, path->src.ip, len, PACKET_TAKE);
	packet_filter_is_bytes(p, four ? 16 : 24, path->dst.ip, len, PACKET_TAKE);
	packet_filter_load_behind(p, BPF_H, 0);
	packet_filter_is(p, path->sport, PACKET_TAKE);
	packet_filter_load_behind(p, BPF_W, 4);
	packet_filter_put(p, BPF_ST, 0);
	packet_filter_load_behind(p, BPF_H, 2);
	put_number(p, path);
	packet_filter_put(p, BPF_LDX | BPF_W | BPF_MEM, 0);
	packet_filter_jump(p, BPF_JMP | BPF_JEQ | BPF_X, 0, PACKET_DROP, PACKET_TAKE);
}

int syn_filter_attach(int fd, const struct syn_path *path, bool as_written, uint32_t snap)
{
	bool four = path->dst.family == AF_INET;
	struct packet_filter p = { .n = 0 };

	put_ip(&p, four);
	put_icmp(&p, four);
	put_tcp(&p);
	put_syn(&p, path, four, as_written);
	return packet_filter_attach(&p, fd, snap);
}
