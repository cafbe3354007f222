#include "net/scan/syn_packet.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

enum {
	IP4_LEN = 20,
	IP6_LEN = 40,
	TCP_LEN = 40, /* with the options below */
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

uint32_t syn_number(const struct syn_path *p, uint16_t port)
{
	uint32_t x = port ^ (uint32_t)p->secret;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(syn_mix); i++)
		x = (x ^ x >> syn_mix[i].shift) * syn_mix[i].factor;
	return x ^ (uint32_t)(p->secret >> 32);
}

bool syn_port_of(const struct syn_path *p, uint32_t number, uint16_t *port)
{
	uint32_t x = number ^ (uint32_t)(p->secret >> 32);
	size_t i;

	for (i = ARRAY_SIZE(syn_mix); i-- > 0;) {
		uint32_t shift = syn_mix[i].shift;

		x *= syn_mix[i].inverse;
		x ^= x >> shift ^ (2 * shift < 32 ? x >> 2 * shift : 0);
	}
	x ^= (uint32_t)p->secret;
	*port = (uint16_t)x;
	return x < 65536;
}

uint32_t syn_time_base(const struct syn_path *p)
{
	return (uint32_t)(hash(p, 1 << 16) >> 16) & ~(uint32_t)0xff;
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
	t[13] = TH_SYN;
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
				 ((uint32_t)hash(p, 1 << 17) & 0xfffff));
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
	put32(t + 4, syn_number(p, port));
	put16(t + 16, 0);
	put32(t + SYN_TIME_AT, syn_time_base(p) + round);
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
			round = get32(t + i + 6) - syn_time_base(p);
			return round <= SYN_ROUNDS_MOST ? round : 0;
		}
		i += n;
	}
	return 0;
}

static void read_ends(const struct syn_path *p, const uint8_t *ips, const uint8_t *t,
		      struct syn_ends *ends)
{
	size_t n = addr_len(p);

	*ends = (struct syn_ends){ .sport = (uint16_t)get16(t),
				   .dport = (uint16_t)get16(t + 2) };
	memcpy(ends->src, ips, n);
	memcpy(ends->dst, ips + n, n);
}

static struct syn_ends turned(const struct syn_ends *e)
{
	struct syn_ends back = { .sport = e->dport, .dport = e->sport };

	memcpy(back.src, e->dst, sizeof(back.src));
	memcpy(back.dst, e->src, sizeof(back.dst));
	return back;
}

/* The SYN for this port as we wrote it. */
static bool is_as_written(const struct syn_path *p, const struct syn_ends *e,
			  uint16_t port)
{
	return e->dport == port && e->sport == p->sport &&
	       memcmp(e->src, p->src.ip, addr_len(p)) == 0 &&
	       memcmp(e->dst, p->dst.ip, addr_len(p)) == 0;
}

/* Or as it was seen to leave. */
static bool is_as_sent(const struct syn_path *p, const struct syn_ends *e, uint16_t port)
{
	const struct syn_ends *r = p->rewritten ? &p->rewritten[port] : NULL;

	return is_as_written(p, e, port) ||
	       (r && r->seen && e->dport == r->dport && e->sport == r->sport &&
		memcmp(e->src, r->src, sizeof(r->src)) == 0 &&
		memcmp(e->dst, r->dst, sizeof(r->dst)) == 0);
}

static void read_tcp(const struct syn_path *p, const uint8_t *ips, const uint8_t *t,
		     size_t len, struct syn_answer *a)
{
	struct syn_ends ends, asked;
	uint8_t flags;

	if (len < 20)
		return;
	flags = t[13] & (TH_SYN | TH_ACK | TH_RST);
	if (!(flags & TH_ACK) || !syn_port_of(p, get32(t + 8) - 1, &a->port))
		return;
	read_ends(p, ips, t, &ends);
	asked = turned(&ends);
	if (!is_as_sent(p, &asked, a->port)) {
		a->elsewhere = true;
		return;
	}
	if (flags & TH_RST)
		a->kind = SYN_RESET;
	else if (flags & TH_SYN)
		a->kind = SYN_ACCEPTED;
	if (a->kind == SYN_ACCEPTED)
		a->round = echoed_round(p, t, len);
}

bool syn_read_sent(const struct syn_path *p, const uint8_t *data, size_t len,
		   uint16_t *port, struct syn_ends *ends)
{
	bool four = p->dst.family == AF_INET;
	size_t head = ip_len(p);
	const uint8_t *t;

	if (len < head || data[0] >> 4 != (four ? 4 : 6))
		return false;
	if (four)
		head = (size_t)(data[0] & 15) * 4;
	if (head < ip_len(p) || len < head + SYN_TIME_AT + 4 ||
	    data[four ? 9 : 6] != IPPROTO_TCP)
		return false;
	t = data + head;
	if ((t[13] & (TH_SYN | TH_ACK | TH_RST)) != TH_SYN ||
	    (get32(t + SYN_TIME_AT) & ~(uint32_t)0xff) != syn_time_base(p) ||
	    !syn_port_of(p, get32(t + 4), port))
		return false;
	read_ends(p, data + (four ? 12 : 8), t, ends);
	ends->seen = !is_as_written(p, ends, *port);
	return true;
}

/* The packet that an error is about, from its IP header on: is it a SYN of ours? */
static bool is_ours(const struct syn_path *p, const uint8_t *data, size_t len,
		    uint16_t *port, struct syn_ends *rewritten)
{
	size_t head = ip_len(p);
	struct syn_ends ends;
	const uint8_t *t;

	if (len < 1 || data[0] >> 4 != (p->dst.family == AF_INET ? 4 : 6))
		return false;
	if (p->dst.family == AF_INET)
		head = (size_t)(data[0] & 15) * 4;
	if (head < ip_len(p) || len < head + 8 ||
	    data[p->dst.family == AF_INET ? 9 : 6] != IPPROTO_TCP)
		return false;
	t = data + head;
	if (!syn_port_of(p, get32(t + 4), port))
		return false;
	read_ends(p, data + (p->dst.family == AF_INET ? 12 : 8), t, &ends);
	if (is_as_sent(p, &ends, *port))
		return true;
	/* Quoted to its timestamp it is ours whatever NAT made of it: one that the kernel
	 * holds for a neighbour who never answers was not seen to leave. */
	return syn_read_sent(p, data, len, port, rewritten);
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
	    !is_ours(p, data + 8, len - 8, &a->port, &a->rewritten))
		return;
	a->kind = SYN_ICMP;
	a->icmp = (struct icmp_error){ .family = p->dst.family,
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
	size_t head = ip_len(p);
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
	if (proto == IPPROTO_TCP)
		read_tcp(p, from, data + head, len - head, a);
	else if (proto == (four ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6))
		read_icmp(p, data + head, len - head, from, a);
}
