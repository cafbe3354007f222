#include "base/packet_filter.h"

#include <errno.h>
#include <sys/socket.h>

enum { HEAD_6 = 40 };

void packet_filter_jump(struct packet_filter *p, unsigned how, uint32_t k, unsigned yes,
			unsigned no)
{
	if (p->n == PACKET_FILTER_STEPS) {
		p->broken = true;
		return;
	}
	p->to[p->n].yes = (uint8_t)yes;
	p->to[p->n].no = (uint8_t)no;
	p->code[p->n++] = (struct sock_filter)BPF_JUMP((uint16_t)how, k, 0, 0);
}

void packet_filter_put(struct packet_filter *p, unsigned code, uint32_t k)
{
	packet_filter_jump(p, code, k, PACKET_NEXT, PACKET_NEXT);
}

void packet_filter_is(struct packet_filter *p, uint32_t k, unsigned no)
{
	packet_filter_jump(p, BPF_JMP | BPF_JEQ | BPF_K, k, PACKET_NEXT, no);
}

void packet_filter_label(struct packet_filter *p, unsigned label)
{
	if (label < PACKET_FILTER_LABELS && !p->at[label])
		p->at[label] = (uint16_t)(p->n + 1);
	else
		p->broken = true;
}

void packet_filter_load(struct packet_filter *p, unsigned size, uint32_t at)
{
	packet_filter_put(p, BPF_LD | size | BPF_ABS, at);
}

void packet_filter_load_behind(struct packet_filter *p, unsigned size, uint32_t at)
{
	packet_filter_put(p, BPF_LD | size | BPF_IND, at);
}

void packet_filter_load_extra(struct packet_filter *p, int what)
{
	packet_filter_load(p, BPF_W, (uint32_t)(SKF_AD_OFF + what));
}

void packet_filter_is_bytes(struct packet_filter *p, uint32_t at, const uint8_t *bytes,
			    size_t len, unsigned no)
{
	size_t i;

	for (i = 0; i + 4 <= len; i += 4) {
		const uint8_t *b = bytes + i;

		packet_filter_load(p, BPF_W, at + (uint32_t)i);
		packet_filter_is(p,
				 (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
					 (uint32_t)b[2] << 8 | b[3],
				 no);
	}
}

void packet_filter_x_head(struct packet_filter *p, bool four)
{
	if (four)
		packet_filter_put(p, BPF_LDX | BPF_B | BPF_MSH, 0);
	else
		packet_filter_put(p, BPF_LDX | BPF_IMM, HEAD_6);
}

/* How many steps a jump leaves out. */
static uint8_t distance(struct packet_filter *p, size_t from, unsigned label)
{
	size_t at;

	if (label == PACKET_NEXT)
		return 0;
	at = label < PACKET_FILTER_LABELS ? p->at[label] : 0;
	/* at is one more than the step. */
	if (at < from + 2 || at - from - 2 > UINT8_MAX) {
		p->broken = true;
		return 0;
	}
	return (uint8_t)(at - from - 2);
}

int packet_filter_end(struct packet_filter *p, uint32_t snap)
{
	size_t i;

	packet_filter_label(p, PACKET_TAKE);
	packet_filter_put(p, BPF_RET | BPF_K, snap);
	packet_filter_label(p, PACKET_DROP);
	packet_filter_put(p, BPF_RET | BPF_K, 0);
	for (i = 0; i < p->n; i++) {
		p->code[i].jt = distance(p, i, p->to[i].yes);
		p->code[i].jf = distance(p, i, p->to[i].no);
	}
	return p->broken ? -EOVERFLOW : 0;
}

int packet_filter_attach(struct packet_filter *p, int fd, uint32_t snap)
{
	struct sock_fprog program;
	int r = packet_filter_end(p, snap);

	if (r < 0)
		return r;
	program = (struct sock_fprog){ p->n, p->code };
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ==
			       0
		       ? 0
		       : -errno;
}
