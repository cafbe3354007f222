#include "net/scan/syn_packet.h"

#include <netinet/in.h>

enum {
	IP4_LEN = 20,
	IP6_LEN = 40,
	TCP_LEN = 40, /* with the options below */
	TCP_ACK = 0x10,
	TCP_RST = 0x04,
	TCP_SYN = 0x02,
	OPTION_TIMESTAMP = 8,
	WINDOW = 64240, /* what Linux offers over Ethernet */
};

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static size_t ip_len(const struct syn_path *p)
{
	return p->dst.family == AF_INET ? IP4_LEN : IP6_LEN;
}

static size_t addr_len(const struct syn_path *p)
{
	return p->dst.family == AF_INET ? 4 : 16;
}

/* The finaliser of splitmix64: every bit of the secret reaches every bit of the hash. */
static uint64_t hash(const struct syn_path *p, uint32_t what)
{
	uint64_t x = p->secret + (what + 1) * 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static uint32_t sequence(const struct syn_path *p, uint16_t port)
{
	return (uint32_t)(hash(p, port) >> 16);
}

static uint32_t timestamp_base(const struct syn_path *p)
{
	return (uint32_t)(hash(p, 1 << 16) >> 16);
}

/* --- out --- */

/* MSS, SACK, timestamps, window scale: in Linux's own order. */
static void put_tcp(uint8_t *t, const struct syn_path *p)
{
	static const uint8_t options[20] = { 2,	 4, 0, 0, 4, 2, OPTION_TIMESTAMP,
					     10, 0, 0, 0, 0, 0, 0,
					     0,	 0, 1, 3, 3, 7 };

	memset(t, 0, TCP_LEN);
	put16(t, p->sport);
	t[12] = (TCP_LEN / 4) << 4;
	t[13] = TCP_SYN;
	put16(t + 14, WINDOW);
	memcpy(t + 20, options, sizeof(options));
	put16(t + 22, p->mss);
}

size_t syn_template(uint8_t *packet, const struct syn_path *p)
{
	uint8_t *h = packet;

	memset(h, 0, ip_len(p));
	if (p->dst.family == AF_INET) {
		h[0] = 0x45;
		h[1] = p->tos;
		put16(h + 2, IP4_LEN + TCP_LEN);
		h[6] = 0x40; /* do not fragment */
		h[8] = p->ttl;
		h[9] = IPPROTO_TCP;
		memcpy(h + 12, p->src.ip, 4);
		memcpy(h + 16, p->dst.ip, 4);
	} else {
		put32(h, 6u << 28 | (uint32_t)p->tos << 20 |
				 ((uint32_t)p->secret & 0xfffff));
		put16(h + 4, TCP_LEN);
		h[6] = IPPROTO_TCP;
		h[7] = p->ttl;
		memcpy(h + 8, p->src.ip, 16);
		memcpy(h + 24, p->dst.ip, 16);
	}
	put_tcp(packet + ip_len(p), p);
	return ip_len(p) + TCP_LEN;
}

static uint32_t sum16(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += get16(data + i);
	return sum;
}

/* The kernel sums up the header of IPv4 by itself. */
void syn_aim(uint8_t *packet, const struct syn_path *p, uint16_t port, unsigned round)
{
	uint8_t *t = packet + ip_len(p);
	uint32_t sum = IPPROTO_TCP + TCP_LEN;

	if (p->dst.family == AF_INET)
		put16(packet + 4, (uint32_t)(hash(p, port) & 0xfffe) | 1);
	put16(t + 2, port);
	put32(t + 4, sequence(p, port));
	put16(t + 16, 0);
	put32(t + 28, timestamp_base(p) + round);
	sum += sum16(p->src.ip, addr_len(p)) + sum16(p->dst.ip, addr_len(p)) +
	       sum16(t, TCP_LEN);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(t + 16, ~sum & 0xffff);
}

/* --- in --- */

/* The round that a timestamp option echoes; 0 if there is none. */
static unsigned echoed_round(const struct syn_path *p, const uint8_t *t, size_t len)
{
	size_t end = MIN((size_t)(t[12] >> 4) * 4, len), i = 20;
	uint32_t round;

	while (i + 1 < end && t[i]) {
		size_t n = t[i] == 1 ? 1 : t[i + 1];

		if (n == 0 || i + n > end || (n == 1 && t[i] != 1))
			return 0;
		if (t[i] == OPTION_TIMESTAMP && n == 10) {
			round = get32(t + i + 6) - timestamp_base(p);
			return round <= SYN_ROUNDS_MOST ? round : 0;
		}
		i += n;
	}
	return 0;
}

static void read_tcp(const struct syn_path *p, const uint8_t *t, size_t len,
		     struct syn_answer *a)
{
	uint8_t flags;

	if (len < 20 || get16(t + 2) != p->sport)
		return;
	a->port = (uint16_t)get16(t);
	flags = t[13] & (TCP_SYN | TCP_ACK | TCP_RST);
	if (!(flags & TCP_ACK) || get32(t + 8) != sequence(p, a->port) + 1)
		return;
	if (flags & TCP_RST)
		a->kind = SYN_RESET;
	else if (flags & TCP_SYN)
		a->kind = SYN_ACCEPTED;
	if (a->kind == SYN_ACCEPTED)
		a->round = echoed_round(p, t, len);
}

/* The packet that an error is about, from its IP header on: is it a SYN of ours? */
static bool is_ours(const struct syn_path *p, const uint8_t *data, size_t len,
		    uint16_t *port)
{
	size_t head = ip_len(p), n = addr_len(p);
	const uint8_t *src, *t;

	if (len < 1 || data[0] >> 4 != (p->dst.family == AF_INET ? 4 : 6))
		return false;
	if (p->dst.family == AF_INET)
		head = (size_t)(data[0] & 15) * 4;
	if (head < ip_len(p) || len < head + 8 ||
	    data[p->dst.family == AF_INET ? 9 : 6] != IPPROTO_TCP)
		return false;
	src = data + (p->dst.family == AF_INET ? 12 : 8);
	t = data + head;
	if (memcmp(src, p->src.ip, n) != 0 || memcmp(src + n, p->dst.ip, n) != 0 ||
	    get16(t) != p->sport)
		return false;
	*port = (uint16_t)get16(t + 2);
	return get32(t + 4) == sequence(p, *port);
}

/* Errors that end a connection attempt; "too big" and "slow down" do not. */
static bool is_verdict(int family, uint8_t type, uint8_t code)
{
	if (family == AF_INET)
		return (type == 3 && code != 4) || type == 11 || type == 12;
	return type == 1 || type == 3 || type == 4;
}

static void read_icmp(const struct syn_path *p, const uint8_t *data, size_t len,
		      const uint8_t *from, struct syn_answer *a)
{
	if (len < 8 || !is_verdict(p->dst.family, data[0], data[1]) ||
	    !is_ours(p, data + 8, len - 8, &a->port))
		return;
	a->kind = SYN_ICMP;
	a->icmp = (struct probe_icmp){ .family = p->dst.family,
				       .type = data[0],
				       .code = data[1],
				       .from = { .family = p->dst.family } };
	memcpy(a->icmp.from.ip, from, addr_len(p));
	a->icmp.own = addr_same_ip(&a->icmp.from, &p->src) &&
		      !addr_same_ip(&p->src, &p->dst);
}

void syn_read(const struct syn_path *p, const uint8_t *data, size_t len,
	      struct syn_answer *a)
{
	bool four = p->dst.family == AF_INET;
	size_t head = ip_len(p), n = addr_len(p);
	const uint8_t *from;
	uint8_t proto;

	*a = (struct syn_answer){ .kind = SYN_NOTHING };
	if (len < head || data[0] >> 4 != (four ? 4 : 6))
		return;
	if (four)
		head = (size_t)(data[0] & 15) * 4;
	/* A later fragment has no header of TCP. */
	if (head < ip_len(p) || len < head || (four && (get16(data + 6) & 0x1fff)))
		return;
	from = data + (four ? 12 : 8);
	a->ttl = data[four ? 8 : 7];
	proto = data[four ? 9 : 6];
	if (memcmp(from + n, p->src.ip, n) != 0)
		return;
	if (proto == IPPROTO_TCP && memcmp(from, p->dst.ip, n) == 0)
		read_tcp(p, data + head, len - head, a);
	else if (proto == (four ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6))
		read_icmp(p, data + head, len - head, from, a);
}
