/*
 * A filter of packets for the kernel (classic BPF), put together step by step. A jump
 * leads to the next step or to a label, which may stand anywhere behind it. Whatever does
 * not fit breaks the whole filter, so that the steps need no checks.
 */
#pragma once

#include <linux/filter.h>

#include "base/util.h"

enum { PACKET_FILTER_STEPS = 288, PACKET_FILTER_LABELS = 16 };

/* Where a jump may lead, beside the filter's own labels: PACKET_LABEL + 0 and so on. */
enum { PACKET_NEXT, PACKET_TAKE, PACKET_DROP, PACKET_LABEL };

struct packet_filter {
	struct sock_filter code[PACKET_FILTER_STEPS];
	struct {
		uint8_t yes, no;
	} to[PACKET_FILTER_STEPS];
	uint16_t n;
	uint16_t at[PACKET_FILTER_LABELS]; /* one more than the step; 0 = nowhere yet */
	bool broken;
};

void packet_filter_put(struct packet_filter *p, unsigned code, uint32_t k);
/* how: BPF_JEQ and the like, with BPF_K or BPF_X. */
void packet_filter_jump(struct packet_filter *p, unsigned how, uint32_t k, unsigned yes,
			unsigned no);
/* Goes on if A is k, and otherwise to no. */
void packet_filter_is(struct packet_filter *p, uint32_t k, unsigned no);
/* The next step is where the label leads. */
void packet_filter_label(struct packet_filter *p, unsigned label);

/* A = what stands there: at from the beginning of the packet; the same behind X bytes;
 * what the kernel knows beside it (SKF_AD_PKTTYPE and so on). size: BPF_B, BPF_H or
 * BPF_W. */
void packet_filter_load(struct packet_filter *p, unsigned size, uint32_t at);
void packet_filter_load_behind(struct packet_filter *p, unsigned size, uint32_t at);
void packet_filter_load_extra(struct packet_filter *p, int what);

/* Goes on if the len bytes at this place are these, and otherwise to no. len is a
 * multiple of four. */
void packet_filter_is_bytes(struct packet_filter *p, uint32_t at, const uint8_t *bytes,
			    size_t len, unsigned no);
/* X = the length of the IP header, which the packet begins with. */
void packet_filter_x_head(struct packet_filter *p, bool four);

/* Adds what is done at PACKET_TAKE, of so many bytes of the packet, and at PACKET_DROP;
 * the last step before them goes on to PACKET_TAKE. 0 or -EOVERFLOW. Once. */
int packet_filter_end(struct packet_filter *p, uint32_t snap);
/* The same, and fd takes no other packet from now on. 0 or -errno. */
int packet_filter_attach(struct packet_filter *p, int fd, uint32_t snap);
