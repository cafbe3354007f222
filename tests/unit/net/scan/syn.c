/* The packets of a half-open probe: what goes out is right, and only an answer to it is
 * taken for one. */
#include "net/scan/syn_packet.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "unit/unit.h"

static struct syn_path path4(void)
{
	struct syn_path p = { .src = { .ip = { 10, 0, 0, 1 }, .family = AF_INET },
			      .dst = { .ip = { 10, 0, 0, 2 }, .family = AF_INET },
			      .sport = 40000,
			      .mss = 1460,
			      .ttl = 64,
			      .tos = 16,
			      .secret = 0x1234567890abcdefu };

	return p;
}

static struct syn_path path6(void)
{
	struct syn_path p = path4();

	p.src = (struct addr){ .ip = { 0xfd, [15] = 1 }, .family = AF_INET6 };
	p.dst = (struct addr){ .ip = { 0xfd, [15] = 2 }, .family = AF_INET6 };
	return p;
}

static uint32_t get(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static void put(uint8_t *p, size_t n, uint32_t v)
{
	while (n--) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

/* One's complement sum over pseudo header and segment: 0xffff if the checksum is right.
 */
static uint32_t folded(const uint8_t *ips, size_t n_ips, const uint8_t *t, size_t len)
{
	uint32_t sum = 6 + (uint32_t)len;
	size_t i;

	for (i = 0; i < n_ips; i += 2)
		sum += get(ips + i, 2);
	for (i = 0; i < len; i += 2)
		sum += get(t + i, 2);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void going_out(void)
{
	struct syn_path p = path4(), q = path6();
	uint8_t packet[SYN_PACKET_MAX], other[SYN_PACKET_MAX];
	unsigned port;

	CHECK_INT((int)syn_template(packet, &p), 60);
	for (port = 1; port < 65536; port += 257) {
		syn_aim(packet, &p, (uint16_t)port, 1);
		CHECK(folded(packet + 12, 8, packet + 20, 40) == 0xffff);
		CHECK(get(packet + 22, 2) == port && get(packet + 4, 2) != 0);
	}
	CHECK(packet[0] == 0x45 && packet[1] == 16 && packet[8] == 64 && packet[33] == 2);
	CHECK(get(packet + 42, 2) == 1460);
	/* Again: the same number, as a retransmit has, and the next timestamp. */
	syn_aim(packet, &p, 80, 1);
	memcpy(other, packet, sizeof(other));
	syn_aim(other, &p, 80, 2);
	CHECK(get(packet + 24, 4) == get(other + 24, 4));
	CHECK(get(packet + 48, 4) + 1 == get(other + 48, 4));
	/* Another port, another secret: another number. */
	syn_aim(other, &p, 81, 1);
	CHECK(get(packet + 24, 4) != get(other + 24, 4));
	p.secret++;
	syn_aim(other, &p, 80, 1);
	CHECK(get(packet + 24, 4) != get(other + 24, 4));

	CHECK_INT((int)syn_template(packet, &q), 80);
	syn_aim(packet, &q, 443, 1);
	CHECK(folded(packet + 8, 32, packet + 40, 40) == 0xffff);
	CHECK(get(packet, 2) >> 4 == 0x610 && packet[6] == 6 && packet[7] == 64);
}

/* What the target makes of a SYN of ours: its addresses and ports swapped. */
static size_t answer_to(uint8_t *out, const struct syn_path *p, uint16_t port,
			unsigned round, uint8_t flags)
{
	size_t head = p->dst.family == AF_INET ? 20 : 40, n = head == 20 ? 4 : 16;
	uint8_t syn[SYN_PACKET_MAX];
	size_t len = syn_template(syn, p);
	uint8_t *ips = out + (head == 20 ? 12 : 8);

	syn_aim(syn, p, port, round);
	memcpy(out, syn, len);
	memcpy(ips, p->dst.ip, n);
	memcpy(ips + n, p->src.ip, n);
	out[head == 20 ? 8 : 7] = 57;
	put(out + head, 2, port);
	put(out + head + 2, 2, p->sport);
	put(out + head + 4, 4, 7777);
	put(out + head + 8, 4, get(syn + head + 4, 4) + 1);
	out[head + 13] = flags;
	put(out + head + 28, 4, 5555);
	put(out + head + 32, 4, get(syn + head + 28, 4));
	return len;
}

static enum syn_kind kind_of(const struct syn_path *p, const uint8_t *data, size_t len)
{
	struct syn_answer a;

	syn_read(p, data, len, &a);
	return a.kind;
}

static void coming_in(const struct syn_path *p)
{
	size_t head = p->dst.family == AF_INET ? 20 : 40, len, i;
	uint8_t in[SYN_PACKET_MAX], bad[SYN_PACKET_MAX];
	struct syn_answer a;

	len = answer_to(in, p, 80, 3, 0x12);
	syn_read(p, in, len, &a);
	CHECK(a.kind == SYN_ACCEPTED && a.port == 80 && a.round == 3 && a.ttl == 57);
	/* Cut off before its end: as long as the acknowledgement is there it counts. */
	for (i = 0; i < len; i++)
		CHECK(kind_of(p, in, i) == (i < head + 20 ? SYN_NOTHING : SYN_ACCEPTED));
	/* Any wrong bit in what identifies it, and it is nothing. */
	for (i = 0; i < 8; i++) {
		memcpy(bad, in, len);
		bad[head + 8 + i / 2] ^= (uint8_t)(1 << i);
		CHECK(kind_of(p, bad, len) == SYN_NOTHING);
	}
	memcpy(bad, in, len);
	put(bad + head, 2, 81);
	CHECK(kind_of(p, bad, len) == SYN_NOTHING);
	memcpy(bad, in, len);
	put(bad + head + 2, 2, p->sport + 1u);
	CHECK(kind_of(p, bad, len) == SYN_NOTHING);
	memcpy(bad, in, len);
	bad[head == 20 ? 15 : 23] ^= 1; /* from another host */
	CHECK(kind_of(p, bad, len) == SYN_NOTHING);
	/* An option that is longer than the header, or of no length. */
	memcpy(bad, in, len);
	bad[head + 27] = 60;
	syn_read(p, bad, len, &a);
	CHECK(a.kind == SYN_ACCEPTED && a.round == 0);
	bad[head + 27] = 0;
	syn_read(p, bad, len, &a);
	CHECK(a.kind == SYN_ACCEPTED && a.round == 0);

	len = answer_to(in, p, 81, 1, 0x14);
	syn_read(p, in, len, &a);
	CHECK(a.kind == SYN_RESET && a.port == 81);
	/* A RST that acknowledges nothing, and an ACK: no answers. */
	answer_to(in, p, 81, 1, 0x04);
	CHECK(kind_of(p, in, len) == SYN_NOTHING);
	answer_to(in, p, 81, 1, 0x10);
	CHECK(kind_of(p, in, len) == SYN_NOTHING);
}

/* An ICMP error about a SYN of ours from a third host. */
static size_t icmp_about(uint8_t *out, const struct syn_path *p, uint16_t port,
			 uint8_t type, uint8_t code)
{
	bool four = p->dst.family == AF_INET;
	size_t head = four ? 20 : 40, n = four ? 4 : 16, len;
	uint8_t *ips = out + (four ? 12 : 8);

	memset(out, 0, head + 8);
	out[0] = four ? 0x45 : 0x60;
	out[four ? 9 : 6] = four ? 1 : 58;
	memcpy(ips, p->dst.ip, n);
	ips[n - 1] = 254;
	memcpy(ips + n, p->src.ip, n);
	out[head] = type;
	out[head + 1] = code;
	len = syn_template(out + head + 8, p);
	syn_aim(out + head + 8, p, port, 1);
	return head + 8 + len;
}

static void errors(const struct syn_path *p)
{
	bool four = p->dst.family == AF_INET;
	size_t head = four ? 20 : 40, len, i, enough;
	uint8_t in[2 * SYN_PACKET_MAX];
	struct syn_answer a;

	len = icmp_about(in, p, 99, four ? 3 : 1, 1);
	syn_read(p, in, len, &a);
	CHECK(a.kind == SYN_ICMP && a.port == 99 && a.icmp.code == 1 && !a.icmp.own);
	CHECK(a.icmp.from.ip[four ? 3 : 15] == 254);
	/* Eight bytes of the segment are all that every router sends back. */
	enough = head + 8 + head + 8;
	for (i = 0; i < len; i++)
		CHECK(kind_of(p, in, i) == (i < enough ? SYN_NOTHING : SYN_ICMP));
	in[head + 8 + head + 4] ^= 1; /* about another packet */
	CHECK(kind_of(p, in, len) == SYN_NOTHING);
	/* Too big, redirect, echo: no verdicts. */
	len = icmp_about(in, p, 99, four ? 3 : 2, four ? 4 : 0);
	CHECK(kind_of(p, in, len) == SYN_NOTHING);
	len = icmp_about(in, p, 99, four ? 5 : 137, 0);
	CHECK(kind_of(p, in, len) == SYN_NOTHING);
}

/* Held for a neighbour who never answers, a SYN that NAT rewrote was not seen to leave:
 * what this host says of it quotes it to its timestamp, and that is proof. */
static void errors_rewritten(const struct syn_path *p)
{
	bool four = p->dst.family == AF_INET;
	size_t head = four ? 20 : 40, n = four ? 4 : 16, to = four ? 16 : 24, len, i;
	uint8_t in[2 * SYN_PACKET_MAX];
	struct syn_answer a;

	len = icmp_about(in, p, 99, four ? 3 : 1, 1);
	in[head + 8 + to + n - 1] = 77;
	put(in + head + 8 + head + 2, 2, 8080);
	syn_read(p, in, len, &a);
	CHECK(a.kind == SYN_ICMP && a.port == 99 && a.rewritten.seen);
	CHECK(a.rewritten.dst[n - 1] == 77 && a.rewritten.dport == 8080);
	for (i = 0; i < head + 8 + head + 32; i++)
		CHECK(kind_of(p, in, i) == SYN_NOTHING);
	in[head + 8 + head + 28] ^= 1; /* of another probe */
	CHECK(kind_of(p, in, len) == SYN_NOTHING);
}

static void numbers(void)
{
	struct syn_path p = path4();
	uint32_t number, wrong = 0, n = 0;
	uint16_t back;
	unsigned port;

	for (port = 0; port < 65536; port++) {
		number = syn_number(&p, (uint16_t)port);
		if (!syn_port_of(&p, number, &back) || back != port)
			wrong++;
	}
	CHECK_INT((int)wrong, 0);
	/* Of 2^20 others some 16 are those of a port. */
	for (number = 0; number < 1 << 20; number++)
		n += syn_port_of(&p, number * 4093, &back);
	CHECK(n < 64);
}

/* NAT of this host gave a SYN other ends, and it was seen to leave like that: what comes
 * back from there is its answer, and nothing else is. */
static void rewritten(const struct syn_path *as_written)
{
	bool four = as_written->dst.family == AF_INET;
	size_t head = four ? 20 : 40, n = four ? 4 : 16, ips = four ? 12 : 8, len;
	struct syn_path p = *as_written;
	uint8_t syn[SYN_PACKET_MAX], in[SYN_PACKET_MAX];
	struct syn_ends ends, *table = calloc(65536, sizeof(*table));
	struct syn_answer a;
	uint16_t port;
	size_t i;

	len = syn_template(syn, &p);
	syn_aim(syn, &p, 80, 2);
	CHECK(syn_read_sent(&p, syn, len, &port, &ends));
	CHECK(port == 80 && !ends.seen); /* as written */
	syn[ips + n + n - 1] = 77;
	put(syn + head, 2, 1234);
	put(syn + head + 2, 2, 8080);
	for (i = 0; i < head + 32; i++)
		CHECK(!syn_read_sent(&p, syn, i, &port, &ends));
	CHECK(syn_read_sent(&p, syn, len, &port, &ends));
	CHECK(port == 80 && ends.seen && ends.sport == 1234 && ends.dport == 8080);
	CHECK(ends.dst[n - 1] == 77 && ends.src[n - 1] == 1);
	/* The port alone is another. */
	memcpy(in, syn, len);
	memcpy(in + ips + n, p.dst.ip, n);
	put(in + head, 2, p.sport);
	CHECK(syn_read_sent(&p, in, len, &port, &ends) && port == 80);
	/* A SYN of somebody else, with such a number by chance. */
	put(in + head + 28, 4, 0);
	CHECK(!syn_read_sent(&p, in, len, &port, &ends));
	syn_read_sent(&p, syn, len, &port, &ends);

	answer_to(in, &p, 80, 2, 0x12);
	in[ips + n - 1] = 77;
	put(in + head, 2, 8080);
	put(in + head + 2, 2, 1234);
	syn_read(&p, in, len, &a);
	CHECK(a.kind == SYN_NOTHING && a.elsewhere && a.port == 80);
	p.rewritten = table;
	CHECK(kind_of(&p, in, len) == SYN_NOTHING);
	table[80] = ends;
	syn_read(&p, in, len, &a);
	CHECK(a.kind == SYN_ACCEPTED && a.port == 80 && a.round == 2);
	put(in + head + 2, 2, 1235);
	CHECK(kind_of(&p, in, len) == SYN_NOTHING);
	/* Put back on its way in, it is one, too. */
	answer_to(in, &p, 80, 1, 0x14);
	syn_read(&p, in, len, &a);
	CHECK(a.kind == SYN_RESET && a.port == 80 && !a.elsewhere);
	free(table);
}

static void rewritten_4(void)
{
	struct syn_path p = path4();

	rewritten(&p);
}

static void rewritten_6(void)
{
	struct syn_path p = path6();

	rewritten(&p);
}

static void coming_in_4(void)
{
	struct syn_path p = path4();

	coming_in(&p);
}

static void coming_in_6(void)
{
	struct syn_path p = path6();

	coming_in(&p);
}

static void errors_4(void)
{
	struct syn_path p = path4();

	errors(&p);
	errors_rewritten(&p);
}

static void errors_6(void)
{
	struct syn_path p = path6();

	errors(&p);
	errors_rewritten(&p);
}

int main(void)
{
	RUN(going_out, "a SYN has its fields, its checksum, and a number of its port");
	RUN(numbers, "a number tells its port, and others are of no port");
	RUN(rewritten_4, "an answer to a SYN that NAT rewrote is one if it was seen");
	RUN(rewritten_6, "the same over IPv6");
	RUN(coming_in_4, "only what acknowledges that number is an answer");
	RUN(coming_in_6, "the same over IPv6");
	RUN(errors_4, "ICMP errors count if they quote a SYN of ours");
	RUN(errors_6, "the same over IPv6");
	return unit_done();
}
