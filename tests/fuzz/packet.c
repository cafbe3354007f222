/*
 * A packet that may be an answer to a half-open probe, from its IP header on: whatever is
 * in it and wherever it ends, nothing beyond it is read.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "net/scan/syn_packet.h"

#include "fuzz.h"

/* Makes a TCP answer of it that acknowledges a SYN of ours, so that the rest is read. */
static void acknowledge(uint8_t *data, size_t size, const struct syn_path *p)
{
	bool four = p->dst.family == AF_INET;
	size_t head = four ? (size_t)(data[0] & 15) * 4 : 40, n = four ? 4 : 16;
	uint8_t syn[SYN_PACKET_MAX], *t = data + head;
	const uint8_t *seq = syn + (four ? 24 : 44);
	uint32_t ack;

	if (size < head + 20 || head < 20)
		return;
	data[0] = (uint8_t)((four ? 0x40 : 0x60) | (data[0] & 15));
	data[four ? 9 : 6] = 6;
	memcpy(data + (four ? 12 : 8), p->dst.ip, n);
	memcpy(data + (four ? 12 : 8) + n, p->src.ip, n);
	syn_template(syn, p);
	syn_aim(syn, p, (uint16_t)(t[0] << 8 | t[1]), 1);
	memcpy(t + 2, syn + (four ? 20 : 40), 2);
	ack = ((uint32_t)seq[0] << 24 | (uint32_t)seq[1] << 16 | (uint32_t)seq[2] << 8 |
	       seq[3]) +
	      1;
	t[8] = (uint8_t)(ack >> 24);
	t[9] = (uint8_t)(ack >> 16);
	t[10] = (uint8_t)(ack >> 8);
	t[11] = (uint8_t)ack;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct syn_path p = { .src = { .ip = { 10, 0, 0, 1 }, .family = AF_INET },
			      .dst = { .ip = { 10, 0, 0, 2 }, .family = AF_INET },
			      .sport = 0x9c40,
			      .secret = 1 };
	struct syn_answer a;
	uint8_t *copy;
	int i;

	if (size > 1 << 12)
		return 0;
	/* A block of exactly this size, so that a byte too far is found. */
	copy = xmalloc(size);
	memcpy(copy, data, size);
	for (i = 0; i < 2; i++) {
		syn_read(&p, copy, size, &a);
		HOLDS(a.kind == SYN_ICMP || !a.icmp.family);
		if (size && size % 2)
			acknowledge(copy, size, &p);
		syn_read(&p, copy, size, &a);
		HOLDS(a.round <= SYN_ROUNDS_MOST);
		p.src.family = p.dst.family = AF_INET6;
	}
	free(copy);
	return 0;
}
